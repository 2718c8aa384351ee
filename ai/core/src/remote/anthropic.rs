//! Anthropic's interface: messages.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Leniency, Piece, RemoteRequest, unable};
use crate::request::{Failure, Finish, Generate, Prompt, Speaker};

/// The most tokens of an answer, which must be said.
const USUAL_TOKENS: u32 = 4096;

pub(super) fn request(model: &str, asked: &Generate, leniency: Leniency) -> Result<RemoteRequest, Failure> {
    let messages = match &asked.prompt {
        Prompt::Chat(messages) => messages,
        Prompt::Raw(_) => return Err(unable("text without a conversation")),
        Prompt::Fill(_) => return Err(unable("a completion")),
    };
    if asked.constraint.is_some() {
        return Err(unable("an answer of a given form"));
    }
    let of_system = messages.iter().filter(|message| message.speaker == Speaker::System);
    let system: Vec<&str> = of_system.map(|message| message.text.as_str()).collect();
    let said = messages.iter().filter(|message| message.speaker != Speaker::System);
    let said = said.map(|message| json!({ "role": message.speaker.name(), "content": message.text }));
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("model", model.into());
    put("stream", true.into());
    put("messages", said.collect());
    put("max_tokens", if asked.max_tokens > 0 { asked.max_tokens } else { USUAL_TOKENS }.into());
    if !system.is_empty() {
        put("system", system.join("\n\n").into());
    }
    if !leniency.no_sampling {
        // From 0 to 1 there.
        put("temperature", asked.sampling.temperature.min(1.0).into());
    }
    if !asked.stops.is_empty() {
        put("stop_sequences", asked.stops.iter().map(String::as_str).collect());
    }
    Ok(RemoteRequest { path: "messages", body: Value::Object(body).to_string() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerEvent {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Whole>,
    delta: Option<Delta>,
    usage: Option<Tokens>,
    error: Option<Trouble>,
    /// Of an answer in one piece.
    content: Vec<Block>,
    stop_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Whole {
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    text: Option<String>,
    stop_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    text: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Trouble {
    message: String,
}

fn finish(reason: &str) -> Finish {
    match reason {
        "max_tokens" => Finish::MaxTokens,
        "stop_sequence" => Finish::Stop,
        "refusal" => Finish::Withheld,
        "model_context_window_exceeded" => Finish::ContextFull,
        _ => Finish::End,
    }
}

/// Reads one event, or an answer in one piece; `None` when it is neither.
pub(super) fn read(data: &str) -> Option<Piece> {
    let event: ServerEvent = serde_json::from_str(data).ok()?;
    let usage = event.usage.or(event.message.and_then(|message| message.usage)).unwrap_or_default();
    let delta = event.delta.unwrap_or_default();
    let whole = event.content.into_iter().filter_map(|block| block.text);
    let reason = delta.stop_reason.or(event.stop_reason);
    Some(Piece {
        text: delta.text.unwrap_or_else(|| whole.collect()),
        finish: reason.as_deref().map(finish),
        prompt_tokens: usage.input_tokens,
        tokens: usage.output_tokens,
        error: event.error.map(|trouble| trouble.message),
        is_last: event.kind == "message_stop",
    })
}
