//! The models on a device.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};

use weft_test_models::{real::sha256, tiny};

use super::{Desk, has_engine};

#[test]
fn a_model_is_taken_in_listed_checked_and_removed() {
    let desk = Desk::without_model();
    let ana = &desk.device;
    assert!(ana.shown(["ai", "models"]).expect("text").contains("There are no models on this device"));
    let none = ana.weft(["ai", "chat", "hello"]).expect_err("no model");
    assert_eq!((none.code, none.hint.is_some()), (Some(3), true), "{none}");
    let file = ana.place.join("My Model.gguf");
    fs::write(&file, tiny::model(1)).expect("a file");
    let added = ana.weft(["ai", "models", "import", "My Model.gguf"]).expect("a model");
    assert_eq!(added.text("id"), "my-model");
    assert_eq!(added.text("sha256"), sha256(&file).expect("a checksum"));
    assert!(added.field("fits").as_bool().expect("whether it fits"));
    let list = ana.weft(["ai", "models"]).expect("a list");
    assert_eq!(list.field("models")[0]["chosen_for"], serde_json::json!(["completion", "chat"]));
    assert!(ana.shown(["ai", "hardware"]).expect("text").contains("my-model"));
    assert!(ana.weft(["ai", "models", "verify"]).is_ok());
    // Damage, also such that keeps the size.
    let stored = ana.home.join("models").join(format!("{}.gguf", added.text("sha256")));
    let mut bytes = fs::read(&stored).expect("the file");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(&stored).expect("a file to replace");
    fs::write(&stored, bytes).expect("a file");
    assert_eq!(ana.weft(["ai", "models", "verify"]).expect_err("damage").code, Some(1));
    let changed = ana.weft(["ai", "chat", "hello"]).expect_err("damage");
    assert!(changed.message.contains("has changed"), "{changed}");
    ana.weft(["ai", "models", "remove", "my-model"]).expect("room");
    assert!(!stored.exists());
    assert_eq!(ana.weft(["ai", "models", "remove", "my-model"]).expect_err("nothing").code, Some(3));
}

#[test]
fn what_is_no_model_is_refused_before_it_is_copied() {
    let desk = Desk::without_model();
    let ana = &desk.device;
    let right = tiny::model(1);
    for (name, bytes) in [("empty", &[][..]), ("half", &right[..right.len() / 2]), ("text", b"hello")] {
        fs::write(ana.place.join(name), bytes).expect("a file");
        let refused = ana.weft(["ai", "models", "import", name]).expect_err("no model");
        assert!(refused.hint.is_some(), "{refused}");
    }
    let left = fs::read_dir(ana.home.join("models")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "something was left behind");
}

/// Serves a file, breaks off the first time, and gives what was asked for.
fn server(bytes: Vec<u8>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/models/tiny%20one.gguf", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for turn in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let head: Vec<String> =
                (&mut reader).map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let range = head
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
            let from: usize =
                range.as_deref().and_then(|range| range.trim_end_matches('-').parse().ok()).unwrap_or(0);
            asked.push(range.unwrap_or_default());
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let rest = &bytes[from..];
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                rest.len()
            )
            .expect("a head");
            let end = if turn == 0 { rest.len() / 2 } else { rest.len() };
            stream.write_all(&rest[..end]).expect("a body");
        }
        asked
    });
    (url, serving)
}

#[test]
fn a_download_goes_on_where_it_broke_off_and_is_checked() {
    let desk = Desk::without_model();
    let ana = &desk.device;
    let bytes = tiny::model(3);
    let file = ana.place.join("same.gguf");
    fs::write(&file, &bytes).expect("a file");
    let sum = sha256(&file).expect("a checksum");
    let (url, serving) = server(bytes.clone());
    let download = || ana.weft(["ai", "models", "download", &url, "--sha256", &sum]);
    let broken = download().expect_err("a broken connection");
    assert!(broken.message.contains("broke off"), "{broken}");
    let added = download().expect("the rest");
    assert_eq!((added.text("sha256"), added.text("id")), (sum.as_str(), "tiny-20one"));
    assert_eq!(serving.join().expect("a server"), [String::new(), format!("{}-", bytes.len() / 2)]);
    let (url, serving) = server(bytes);
    let wrong = ["ai", "models", "download", &url, "--sha256", &"0".repeat(64), "--name", "other"];
    ana.weft(wrong).expect_err("a broken connection");
    let refused = ana.weft(wrong).expect_err("another checksum");
    assert!(refused.message.contains("was expected"), "{refused}");
    serving.join().expect("a server");
    let parts = fs::read_dir(ana.home.join("models")).expect("the folder").flatten();
    assert!(parts.into_iter().all(|entry| entry.path().extension().is_none_or(|end| end != "part")));
}

#[test]
fn only_encrypted_addresses_are_downloaded_from() {
    let desk = Desk::without_model();
    let refused =
        desk.device.weft(["ai", "models", "download", "http://example.org/a.gguf"]).expect_err("plain");
    assert!(refused.message.contains("https"), "{refused}");
}

#[test]
fn a_worker_ends_when_its_pipe_is_closed() {
    let desk = Desk::without_model();
    if !has_engine(&desk) {
        return;
    }
    let mut worker = desk.device.command(["worker"]);
    let worker = worker.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = worker.spawn().expect("a worker");
    drop(child.stdin.take());
    let mut said = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut said).expect("an end");
    assert!(child.wait().expect("an end").code().is_some() && said.is_empty());
}
