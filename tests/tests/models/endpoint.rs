//! `weft ai serve`, as a program of another maker sees it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Stdio},
};

use serde_json::{Value, json};

use super::Desk;

struct Served {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    address: String,
    token: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

struct Reply {
    status: u16,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    fn start(desk: &Desk) -> Self {
        let mut command = desk.device.command(["ai", "serve", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a process");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let url = ready["url"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        Self { child, _stdout: stdout, address, token: ready["token"].as_str().expect("a token").to_owned() }
    }

    fn send(&self, method: &str, path: &str, token: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("a request");
        read(stream)
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &self.token, &body.to_string())
    }
}

fn read(mut stream: TcpStream) -> Reply {
    let mut text = Vec::new();
    // A server that refuses a request does not wait for the rest of it.
    let _reset = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, body: body.to_owned() }
}

#[test]
fn without_the_token_there_is_nothing() {
    let desk = Desk::new();
    let served = Served::start(&desk);
    let wrong = "0".repeat(served.token.len());
    for token in ["", "x", wrong.as_str(), &served.token[..10]] {
        for (method, path) in [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/nothing")] {
            let reply = served.send(method, path, token, "{}");
            assert_eq!(reply.status, 401, "{method} {path} with {token:?}: {}", reply.body);
        }
    }
    let reply = served.send("GET", "/v1/models", &served.token, "");
    assert_eq!((reply.status, &reply.json()["data"][0]["id"]), (200, &json!("tiny")));
    assert!(served.address.starts_with("127.0.0.1:"));
    let elsewhere =
        desk.device.weft(["ai", "serve", "--listen", "0.0.0.0:0"]).expect_err("another machine's");
    assert_eq!(elsewhere.code, Some(2), "{elsewhere}");
}

#[test]
fn text_is_made_whole_and_in_pieces() {
    let desk = Desk::new();
    let served = Served::start(&desk);
    let asked = json!({ "model": "tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8,
        "temperature": 0 });
    let whole = served.post("/v1/chat/completions", &asked).json();
    let text = whole["choices"][0]["message"]["content"].as_str().expect("text").to_owned();
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    assert_eq!(whole["usage"]["completion_tokens"], 8);
    let mut streaming = asked.clone();
    streaming["stream"] = json!(true);
    streaming["stream_options"] = json!({ "include_usage": true });
    let reply = served.post("/v1/chat/completions", &streaming);
    let events: Vec<&str> = reply.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"), "{}", reply.body);
    let events: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
    let pieces = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    assert_eq!(pieces.collect::<String>(), text);
    assert_eq!(events.last().expect("an event")["usage"]["completion_tokens"], 8);
    let made =
        served.post("/v1/completions", &json!({ "prompt": "fn main", "max_tokens": 4, "temperature": 0 }));
    assert_eq!(made.json()["usage"]["completion_tokens"], 4, "{}", made.body);
}

#[test]
fn what_is_too_large_or_not_understood_is_told() {
    let desk = Desk::new();
    let served = Served::start(&desk);
    // A body of 1 GB: it is refused by its length, before any of it is read.
    let mut stream = TcpStream::connect(&served.address).expect("a connection");
    write!(
        stream,
        "POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1000000000\r\n\r\n",
        served.token
    )
    .expect("a head");
    assert_eq!(read(stream).status, 413);
    // The same without saying so.
    let mut stream = TcpStream::connect(&served.address).expect("a connection");
    write!(
        stream,
        "POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        served.token
    )
    .expect("a head");
    let block = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    // It stops reading at its bound, and then writing fails.
    let sent = (0..1000).take_while(|_| stream.write_all(block.as_bytes()).is_ok()).count();
    assert!(sent < 100, "{sent} MiB were taken");
    for (path, body, status) in [
        ("/v1/completions", json!({ "nothing": 1 }), 400),
        (
            "/v1/chat/completions",
            json!({ "messages": [{"role": "user", "content": "a"}], "tools": [{}] }),
            400,
        ),
        ("/v1/completions", json!({ "prompt": "a", "model": "unheard-of" }), 404),
        ("/v1/completions", json!({ "prompt": "a ".repeat(200_000) }), 400),
        ("/v1/embeddings", json!({ "input": "a" }), 404),
    ] {
        let reply = served.post(path, &body);
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert!(reply.json()["error"]["message"].is_string());
    }
    assert_eq!(served.post("/v1/completions", &json!({ "prompt": "a", "max_tokens": 1 })).status, 200);
}

#[test]
fn whoever_hangs_up_ends_the_computing() {
    let desk = Desk::new();
    let served = Served::start(&desk);
    let body = json!({ "prompt": "x ".repeat(300), "max_tokens": 3000, "stream": true, "temperature": 0 })
        .to_string();
    let mut stream = TcpStream::connect(&served.address).expect("a connection");
    write!(
        stream,
        "POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        served.token,
        body.len()
    )
    .expect("a request");
    let mut first = [0; 64];
    stream.read_exact(&mut first).expect("its beginning");
    drop(stream);
    // All four slots again and again: what was hung up on would still hold one.
    for _ in 0..3 {
        assert_eq!(served.post("/v1/completions", &json!({ "prompt": "a", "max_tokens": 2 })).status, 200);
    }
}
