//! Models behind a server: what is sent to one, and how its answer is read.
//!
//! Two interfaces are spoken: that of OpenAI, which many servers have as well (platform.openai.com/docs/api-reference), and that
//! of Anthropic (docs.anthropic.com/en/api/messages). Answers come as server-sent events
//! (html.spec.whatwg.org/multipage/server-sent-events.html).
//!
//! A server may be broken or hostile: what it sends is bounded ([`crate::limits`]) and read without trust, and what it says in
//! words is shortened and loses its control characters before anybody sees it. Whoever has the connection calls
//! [`request`], hands what comes to a [`RemoteReader`], and [`RemoteReader::close`] when nothing more comes.

mod anthropic;
mod lines;
mod openai;

use serde::{Deserialize, Serialize};

use self::lines::Lines;
use crate::{
    limits::{REMOTE_ANSWER_BYTES_MAX, REMOTE_REFUSAL_CHARS_MAX, REMOTE_STREAM_BYTES_MAX},
    request::{Event, Failure, FailureKind, Finish, Generate, Usage},
};

/// The interface that a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteApi {
    /// OpenAI's, and that of the many servers that follow it.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

/// What some servers do not take and others need; found out from a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Say nothing about how tokens are chosen.
    pub no_sampling: bool,
    /// Name the most tokens `max_completion_tokens`.
    pub completion_tokens: bool,
}

impl Leniency {
    /// What is to be tried after this refusal; `None` when it says nothing that would help, or that was tried.
    #[must_use]
    pub fn after(self, refusal: &str) -> Option<Self> {
        let names = |words: &[&str]| words.iter().any(|word| refusal.contains(word));
        let next = if names(&["max_completion_tokens", "max_tokens"]) {
            Self { completion_tokens: true, ..self }
        } else if names(&["temperature", "top_p", "top_k", "penalty", "seed"]) {
            Self { no_sampling: true, ..self }
        } else {
            self
        };
        (next != self).then_some(next)
    }
}

/// A request for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRequest {
    /// Behind the address of the server.
    pub path: &'static str,
    /// Its body, as JSON.
    pub body: String,
}

/// Writes a request for text as a server takes it.
///
/// # Errors
/// When the interface has no such request.
pub fn request(
    api: RemoteApi,
    model: &str,
    asked: &Generate,
    leniency: Leniency,
) -> Result<RemoteRequest, Failure> {
    asked.check()?;
    match api {
        RemoteApi::OpenAi => openai::request(model, asked, leniency),
        RemoteApi::Anthropic => anthropic::request(model, asked, leniency),
    }
}

fn unable(what: &str) -> Failure {
    Failure::new(FailureKind::Unable, format!("{what} cannot be asked of this server"))
        .hint("ask a model on this device: `weft ai models` lists what there is")
}

/// What a piece of an answer says.
#[derive(Debug, Default)]
struct Piece {
    text: String,
    finish: Option<Finish>,
    prompt_tokens: Option<u32>,
    tokens: Option<u32>,
    error: Option<String>,
    is_last: bool,
}

/// Reads an answer while it comes. After `Done` or `Failed` it gives nothing more.
#[derive(Debug)]
pub struct RemoteReader {
    api: RemoteApi,
    lines: Lines,
    /// Bytes that came, and bytes of text in them.
    bytes: usize,
    text_bytes: usize,
    finish: Option<Finish>,
    usage: Usage,
    is_done: bool,
}

impl RemoteReader {
    /// Begins to read an answer.
    #[must_use]
    pub fn new(api: RemoteApi) -> Self {
        Self {
            api,
            lines: Lines::default(),
            bytes: 0,
            text_bytes: 0,
            finish: None,
            usage: Usage::default(),
            is_done: false,
        }
    }

    /// Whether the answer is at its end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Takes bytes of a stream of events.
    #[must_use]
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.is_done {
            return events;
        }
        self.bytes += bytes.len();
        if self.bytes > REMOTE_STREAM_BYTES_MAX {
            let what = format!("the server sends more than {REMOTE_STREAM_BYTES_MAX} bytes");
            events.push(self.fail(&what));
            return events;
        }
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_done {
            match self.lines.next(&mut rest) {
                Ok(Some(data)) => self.read(&data, &mut events),
                Ok(None) => {}
                Err(what) => events.push(self.fail(what)),
            }
        }
        events
    }

    /// The server has nothing more to say.
    #[must_use]
    pub fn close(&mut self) -> Option<Event> {
        if self.is_done {
            return None;
        }
        Some(match self.finish {
            Some(_) => self.done(),
            None => self.fail("the server's answer breaks off"),
        })
    }

    /// Takes an answer that came in one piece, of a server that does not stream.
    #[must_use]
    pub fn whole(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if !self.is_done {
            self.read(&String::from_utf8_lossy(bytes), &mut events);
        }
        if !self.is_done {
            events.extend(self.close());
        }
        events
    }

    fn read(&mut self, data: &str, events: &mut Vec<Event>) {
        let read = match self.api {
            RemoteApi::OpenAi => openai::read(data),
            RemoteApi::Anthropic => anthropic::read(data),
        };
        let Some(piece) = read else {
            events.push(self.fail("the server answers with what is no answer"));
            return;
        };
        if let Some(error) = piece.error {
            events.push(self.fail(&format!("the server says: {}", shortened(&error))));
            return;
        }
        self.usage.prompt_tokens = piece.prompt_tokens.unwrap_or(self.usage.prompt_tokens);
        self.usage.generated_tokens = piece.tokens.unwrap_or(self.usage.generated_tokens);
        self.finish = piece.finish.or(self.finish);
        if !piece.text.is_empty() {
            self.text_bytes += piece.text.len();
            if self.text_bytes > REMOTE_ANSWER_BYTES_MAX {
                let what = format!("the server's answer has more than {REMOTE_ANSWER_BYTES_MAX} bytes");
                events.push(self.fail(&what));
                return;
            }
            events.push(Event::Text(piece.text));
        }
        if piece.is_last {
            events.push(self.done());
        }
    }

    fn done(&mut self) -> Event {
        self.is_done = true;
        Event::Done { finish: self.finish.unwrap_or(Finish::End), usage: self.usage }
    }

    fn fail(&mut self, what: &str) -> Event {
        self.is_done = true;
        Event::Failed(
            Failure::new(FailureKind::Server, what).hint("ask again, or ask a model on this device"),
        )
    }
}

/// What a server says with a status that is no success; `secret` is the key that it was sent, which it may repeat.
#[must_use]
pub fn refusal(status: u16, body: &[u8], secret: Option<&str>) -> Failure {
    let body = String::from_utf8_lossy(body);
    let said = openai::read(&body).and_then(|piece| piece.error).unwrap_or_default();
    let said = match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => said.replace(secret, "****"),
        None => said,
    };
    let said = if said.is_empty() { String::new() } else { format!(": {}", shortened(&said)) };
    let (kind, hint) = match status {
        401 | 403 => (
            FailureKind::Unfit,
            "its key is missing or wrong: `weft ai providers add` with the same name sets it anew",
        ),
        404 => (
            FailureKind::Unfit,
            "its address or the name of the model is wrong: `weft ai providers` shows both",
        ),
        400 | 405..=422 => (FailureKind::Unfit, "another model may take it"),
        429 | 503 | 529 => (FailureKind::Busy, "try again in a while"),
        300..=399 => {
            (FailureKind::Unfit, "give the address that it points to: what is sent follows nobody elsewhere")
        }
        _ => (FailureKind::Server, "try again in a while"),
    };
    Failure::new(kind, format!("the server answers {status}{said}")).hint(hint)
}

/// What a stranger says, fit to be shown: one line, not long.
#[must_use]
pub fn shortened(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = letters.take(REMOTE_REFUSAL_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.trim().to_owned()
}

#[cfg(test)]
mod tests;
