//! A program that has a document open, as a plugin of an editor has.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use weft_tests::{ControlSender, ControlSocket, Device};

use crate::{Outcome, pair::PATIENCE};

/// A change that the node told of, and when it came.
pub(crate) struct Told {
    pub(crate) at: Instant,
    pub(crate) inserted: String,
}

/// A connection with one open document.
pub(crate) struct Program {
    sender: ControlSender,
    answers: mpsc::Receiver<Value>,
    told: Arc<Mutex<Vec<Told>>>,
    revision: Arc<AtomicU64>,
    next: u64,
    document: u64,
}

impl Program {
    /// Connects to a device's node and opens a file.
    pub(crate) fn open(device: &Device, file: &Path) -> Outcome<Self> {
        let mut socket = ControlSocket::connect(&device.home)?;
        let sender = socket.sender()?;
        let (answer, answers) = mpsc::sync_channel(1024);
        let told = Arc::new(Mutex::new(Vec::new()));
        let revision = Arc::new(AtomicU64::new(0));
        let (heard, newest) = (Arc::clone(&told), Arc::clone(&revision));
        thread::spawn(move || {
            while let Ok(Some(message)) = socket.next_line() {
                let at = Instant::now();
                if message["method"] == "document.changed" {
                    newest.fetch_max(message["params"]["revision"].as_u64().unwrap_or(0), Ordering::Relaxed);
                    let edits = message["params"]["edits"].as_array().cloned().unwrap_or_default();
                    let inserted = edits.iter().filter_map(|edit| edit["insert"].as_str()).collect();
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(Told { at, inserted });
                } else if message.get("id").is_some() && answer.send(message).is_err() {
                    return;
                }
            }
        });
        let mut program = Self { sender, answers, told, revision, next: 0, document: 0 };
        let opened = program.call("document.open", &json!({ "file": file }))?;
        program.document = opened["document"].as_u64().ok_or("no document")?;
        Ok(program)
    }

    /// Inserts text at the beginning; gives when the request was sent.
    pub(crate) fn insert(&mut self, text: &str) -> Outcome<Instant> {
        let revision = self.revision.load(Ordering::Relaxed);
        let edits = json!([{ "at": 0, "delete": 0, "insert": text }]);
        let begin = Instant::now();
        let params = json!({ "document": self.document, "revision": revision, "edits": edits });
        let edited = self.call("document.edit", &params)?;
        self.revision.fetch_max(edited["revision"].as_u64().unwrap_or(0), Ordering::Relaxed);
        Ok(begin)
    }

    fn call(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.next += 1;
        self.sender
            .send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }))?;
        let answer = self.answers.recv_timeout(PATIENCE)?;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(format!("{method}: {}", answer["error"]["message"]).into()),
        }
    }

    /// When a change that inserted this text was told of.
    pub(crate) fn heard(&self, text: &str) -> Option<Instant> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().find(|told| told.inserted.contains(text)).map(|told| told.at)
    }

    /// The same, once it was.
    pub(crate) fn wait_for(&self, text: &str) -> Outcome<Instant> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(at) = self.heard(text) {
                return Ok(at);
            }
            thread::sleep(Duration::from_micros(200));
        }
        Err("an edit was not told of".into())
    }

    /// Everything that was told of so far.
    pub(crate) fn take_told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
