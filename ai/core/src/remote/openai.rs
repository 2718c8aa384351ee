//! OpenAI's interface: chat completions, and completions for text as it is.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Leniency, Piece, RemoteRequest, unable};
use crate::request::{Constraint, Failure, Finish, Generate, Message, Prompt};

pub(super) fn request(model: &str, asked: &Generate, leniency: Leniency) -> Result<RemoteRequest, Failure> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("model", model.into());
    put("stream", true.into());
    put("stream_options", json!({ "include_usage": true }));
    let path = match &asked.prompt {
        Prompt::Chat(messages) => {
            put("messages", messages.iter().map(message).collect());
            "chat/completions"
        }
        Prompt::Raw(text) => {
            put("prompt", text.as_str().into());
            "completions"
        }
        Prompt::Fill(fill) => {
            put("prompt", fill.prefix.as_str().into());
            put("suffix", fill.suffix.as_str().into());
            "completions"
        }
    };
    if asked.max_tokens > 0 {
        let name = if leniency.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
        put(name, asked.max_tokens.into());
    }
    if !leniency.no_sampling {
        let sampling = &asked.sampling;
        put("temperature", sampling.temperature.into());
        if sampling.temperature > 0.0 {
            put("top_p", sampling.top_p.into());
            put("seed", sampling.seed.into());
        }
        let penalties = [
            ("frequency_penalty", sampling.frequency_penalty),
            ("presence_penalty", sampling.presence_penalty),
        ];
        penalties
            .into_iter()
            .filter(|(_, penalty)| *penalty != 0.0)
            .for_each(|(name, value)| put(name, value.into()));
    }
    if !asked.stops.is_empty() {
        put("stop", asked.stops.iter().map(String::as_str).collect());
    }
    match &asked.constraint {
        None => {}
        Some(Constraint::Grammar(_)) => return Err(unable("a grammar")),
        Some(Constraint::JsonSchema(schema)) => {
            let schema: Value =
                serde_json::from_str(schema).map_err(|_| unable("a schema that is no JSON"))?;
            let format = json!({ "name": "answer", "strict": true, "schema": schema });
            put("response_format", json!({ "type": "json_schema", "json_schema": format }));
        }
    }
    Ok(RemoteRequest { path, body: Value::Object(body).to_string() })
}

fn message(message: &Message) -> Value {
    json!({ "role": message.speaker.name(), "content": message.text })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk {
    choices: Vec<Choice>,
    usage: Option<Tokens>,
    error: Option<Trouble>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    index: u32,
    delta: Option<Said>,
    /// Of an answer in one piece.
    message: Option<Said>,
    /// Of a completion.
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    prompt_tokens: u32,
    completion_tokens: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Trouble {
    Text(String),
    Object {
        #[serde(default)]
        message: String,
    },
}

/// Reads one event, or an answer in one piece; `None` when it is neither.
pub(super) fn read(data: &str) -> Option<Piece> {
    if data.trim() == "[DONE]" {
        return Some(Piece { is_last: true, ..Piece::default() });
    }
    let chunk: Chunk = serde_json::from_str(data).ok()?;
    let mut piece = Piece {
        prompt_tokens: chunk.usage.as_ref().map(|usage| usage.prompt_tokens),
        tokens: chunk.usage.map(|usage| usage.completion_tokens),
        error: chunk.error.map(|trouble| match trouble {
            Trouble::Text(text) | Trouble::Object { message: text } => text,
        }),
        ..Piece::default()
    };
    for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0).take(1) {
        let said =
            choice.delta.and_then(|said| said.content).or(choice.message.and_then(|said| said.content));
        piece.text = said.or(choice.text).unwrap_or_default();
        piece.finish = choice.finish_reason.map(|reason| match reason.as_str() {
            "length" => Finish::MaxTokens,
            "content_filter" => Finish::Withheld,
            _ => Finish::End,
        });
    }
    Some(piece)
}
