//! A model behind a server of this machine that says whatever a test wants.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Letters of one piece of a streamed answer.
const PIECE_CHARS: usize = 7;
/// The longest request that is read.
const REQUEST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server does when it is asked.
#[derive(Debug, Clone)]
pub enum Script {
    /// Streams a text, in the interface that it is asked in.
    Says(String),
    /// Sends these bytes and hangs up.
    Sends(Vec<u8>),
    /// Streams a text, and then says nothing more until the other side hangs up.
    SaysAndHangs(String),
    /// Says nothing at all until the other side hangs up.
    Hangs,
    /// Streams text until the other side hangs up.
    NeverEnds,
}

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its path.
    pub path: String,
    /// Its headers, as they came.
    pub headers: String,
    /// Its body; null where it is no JSON.
    pub body: Value,
}

impl Question {
    /// What the last message says.
    #[must_use]
    pub fn text(&self) -> String {
        let messages = self.body["messages"].as_array();
        let last = messages.and_then(|messages| messages.last()).map(|message| message["content"].as_str());
        last.flatten().unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Inner {
    scripts: Mutex<Vec<Script>>,
    questions: Mutex<Vec<Question>>,
    hung_up: AtomicUsize,
    is_ended: AtomicBool,
}

/// A server of this machine. It follows its scripts one by one, and the last one from then on.
pub struct ScriptedModel {
    /// Where it is.
    pub url: String,
    inner: Arc<Inner>,
}

impl ScriptedModel {
    /// Starts one.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let inner =
            Arc::new(Inner { scripts: Mutex::new(scripts.into_iter().collect()), ..Inner::default() });
        let serving = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.is_ended.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.serve(stream));
            }
        });
        Ok(Self { url, inner })
    }

    /// Starts one that says these texts.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> io::Result<Self> {
        Self::start(texts.into_iter().map(|text| Script::Says(text.into())))
    }

    /// What it was asked until now.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        lock(&self.inner.questions).clone()
    }

    /// How many connections the other side has closed while this server had not said everything.
    #[must_use]
    pub fn hung_up(&self) -> usize {
        self.inner.hung_up.load(Ordering::Relaxed)
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.inner.is_ended.store(true, Ordering::Relaxed);
        // The listener wakes up for it.
        let _ended = TcpStream::connect(self.url.trim_start_matches("http://").trim_end_matches("/v1"));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn serve(&self, stream: TcpStream) {
        // Who hangs up before it has asked is none of a test's business.
        let Ok((question, mut stream)) = read(stream) else { return };
        let is_anthropic = question.path.ends_with("/messages");
        lock(&self.questions).push(question);
        let script = {
            let mut scripts = lock(&self.scripts);
            if scripts.len() > 1 {
                scripts.remove(0)
            } else {
                scripts.first().cloned().unwrap_or(Script::Hangs)
            }
        };
        let told = match script {
            Script::Sends(bytes) => stream.write_all(&bytes),
            Script::Says(text) => begin(&mut stream)
                .and_then(|()| say(&mut stream, is_anthropic, &text))
                .and_then(|()| end(&mut stream, is_anthropic)),
            Script::SaysAndHangs(text) => begin(&mut stream)
                .and_then(|()| say(&mut stream, is_anthropic, &text))
                .and_then(|()| hang(&mut stream)),
            Script::Hangs => hang(&mut stream),
            Script::NeverEnds => begin(&mut stream).and_then(|()| {
                let begin = Instant::now();
                while begin.elapsed() < PATIENCE {
                    say(&mut stream, is_anthropic, "and so on, ")?;
                }
                Ok(())
            }),
        };
        if told.is_err() {
            self.hung_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn read(stream: TcpStream) -> io::Result<(Question, TcpStream)> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?).take(REQUEST_BYTES_MAX);
    let (mut headers, mut length, mut path) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim().is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok((Question { path, headers, body }, stream))
}

fn begin(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
}

fn event(stream: &mut TcpStream, data: &Value) -> io::Result<()> {
    stream.write_all(format!("data: {data}\n\n").as_bytes())
}

fn say(stream: &mut TcpStream, is_anthropic: bool, text: &str) -> io::Result<()> {
    let letters: Vec<char> = text.chars().collect();
    for piece in letters.chunks(PIECE_CHARS) {
        let text: String = piece.iter().collect();
        let data = if is_anthropic {
            json!({ "type": "content_block_delta", "delta": { "type": "text_delta", "text": text } })
        } else {
            json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })
        };
        event(stream, &data)?;
    }
    Ok(())
}

fn end(stream: &mut TcpStream, is_anthropic: bool) -> io::Result<()> {
    if is_anthropic {
        let delta = json!({ "stop_reason": "end_turn" });
        event(stream, &json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": 5 } }))?;
        return event(stream, &json!({ "type": "message_stop" }));
    }
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 5 });
    event(stream, &json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }], "usage": usage }))?;
    stream.write_all(b"data: [DONE]\n\n")
}

/// Waits until the other side hangs up.
fn hang(stream: &mut TcpStream) -> io::Result<()> {
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => Err(io::ErrorKind::ConnectionAborted.into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
