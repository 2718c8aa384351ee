//! The fields of OpenAI's interface, and what they mean here. What would change the answer and is not done here is
//! refused by name; other fields are ignored.

use serde::Deserialize;
use serde_json::{Value, json};
use weft_node::api::{AiAnswer, AiEmbedded, AiGenerate, AiMessage, AiSampling};

/// Fields of both kinds of request for text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Common {
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    pub(super) stream_options: StreamOptions,
    model: Option<String>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    frequency_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    seed: Option<i64>,
    n: Option<u32>,
    stop: Option<OneOrMany>,
    logprobs: Option<Value>,
    best_of: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CompletionRequest {
    #[serde(flatten)]
    common: Common,
    prompt: OneOrMany,
    echo: Option<bool>,
    suffix: Option<String>,
}

impl std::ops::Deref for CompletionRequest {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    #[serde(flatten)]
    pub(super) common: Common,
    messages: Vec<ChatMessage>,
    response_format: Option<ResponseFormat>,
    tools: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct ChatMessage {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ResponseFormat {
    #[serde(rename = "type")]
    kind: String,
    json_schema: Option<NamedSchema>,
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EmbeddingRequest {
    pub(super) model: Option<String>,
    pub(super) input: OneOrMany,
    pub(super) encoding_format: Option<String>,
}

impl Common {
    fn into_generate(self) -> Result<AiGenerate, String> {
        if self.n.is_some_and(|n| n != 1) || self.best_of.is_some_and(|best_of| best_of != 1) {
            return Err("one answer is given: n and best_of are 1".to_owned());
        }
        if !matches!(self.logprobs, None | Some(Value::Null | Value::Bool(false))) {
            return Err("logprobs are not given".to_owned());
        }
        Ok(AiGenerate {
            model: self.model.filter(|model| !model.is_empty()),
            sampling: AiSampling {
                // Where nothing is said OpenAI's models are at 1.
                temperature: Some(self.temperature.unwrap_or(1.0)),
                top_p: self.top_p,
                frequency_penalty: self.frequency_penalty,
                presence_penalty: self.presence_penalty,
                seed: Some(self.seed.map_or_else(|| getrandom::u32().unwrap_or(0), |seed| seed as u32)),
                top_k: None,
            },
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stops: self.stop.map(OneOrMany::into_texts).unwrap_or_default(),
            ..AiGenerate::default()
        })
    }
}

impl CompletionRequest {
    pub(super) fn into_generate(self) -> Result<AiGenerate, String> {
        if self.echo == Some(true) || self.suffix.is_some_and(|suffix| !suffix.is_empty()) {
            return Err("echo and suffix are not supported".to_owned());
        }
        let mut prompts = self.prompt.into_texts();
        let (Some(prompt), true) = (prompts.pop(), prompts.is_empty()) else {
            return Err("one prompt is answered at a time".to_owned());
        };
        // OpenAI's completions are short unless more is asked for.
        let usual = Some(16);
        let asked = self.common.into_generate()?;
        Ok(AiGenerate { prompt: Some(prompt), max_tokens: asked.max_tokens.or(usual), ..asked })
    }
}

impl ChatRequest {
    pub(super) fn into_generate(self) -> Result<AiGenerate, String> {
        if self.tools.is_some_and(|tools| !tools.is_empty()) {
            return Err("tools are not supported".to_owned());
        }
        let messages: Result<Vec<AiMessage>, String> = self.messages.into_iter().map(message).collect();
        let json_schema = match self.response_format {
            None => None,
            Some(format) => match format.kind.as_str() {
                "text" => None,
                "json_object" => Some(json!({ "type": "object" })),
                "json_schema" => {
                    Some(format.json_schema.and_then(|named| named.schema).ok_or("the schema is missing")?)
                }
                other => return Err(format!("the response format {other:?} is not supported")),
            },
        };
        Ok(AiGenerate { messages: messages?, json_schema, ..self.common.into_generate()? })
    }
}

fn message(message: ChatMessage) -> Result<AiMessage, String> {
    let text = match message.content {
        None => String::new(),
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => {
            if let Some(other) = parts.iter().find(|part| part.kind != "text") {
                return Err(format!("only text is read, not {:?}", other.kind));
            }
            parts.into_iter().filter_map(|part| part.text).collect()
        }
    };
    Ok(AiMessage { role: message.role, text })
}

pub(super) fn finish_reason(finish: &str) -> &'static str {
    match finish {
        "end" | "stop" => "stop",
        _ => "length",
    }
}

pub(super) fn usage(made: &AiAnswer) -> Value {
    json!({
        "prompt_tokens": made.prompt_tokens,
        "completion_tokens": made.tokens,
        "total_tokens": made.prompt_tokens + made.tokens,
        "prompt_tokens_details": { "cached_tokens": made.reused_tokens },
    })
}

pub(super) fn embedded(made: &AiEmbedded, is_base64: bool) -> Value {
    let shown = |vector: &Vec<f32>| -> Value {
        if is_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            data_encoding::BASE64.encode(&bytes).into()
        } else {
            json!(vector)
        }
    };
    let data = made.vectors.iter().enumerate();
    let data: Vec<Value> = data
        .map(|(index, vector)| json!({ "object": "embedding", "index": index, "embedding": shown(vector) }))
        .collect();
    let usage = json!({ "prompt_tokens": made.tokens, "total_tokens": made.tokens });
    json!({ "object": "list", "data": data, "model": made.model, "usage": usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(body: Value) -> Result<AiGenerate, String> {
        serde_json::from_value::<ChatRequest>(body).map_err(|error| error.to_string())?.into_generate()
    }

    #[test]
    fn a_chat_is_understood() {
        let asked = chat(json!({
            "model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
            "stop": "x", "max_tokens": 5, "temperature": 0, "seed": 7, "something": "else",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "null"}}}
        }))
        .expect("a request");
        assert_eq!(asked.messages, [AiMessage { role: "user".into(), text: "ab".into() }]);
        assert_eq!((asked.max_tokens, asked.stops), (Some(5), vec!["x".to_owned()]));
        assert_eq!((asked.sampling.temperature, asked.sampling.seed), (Some(0.0), Some(7)));
        assert_eq!(asked.json_schema, Some(json!({"type": "null"})));
    }

    #[test]
    fn what_is_not_done_here_is_refused_by_name() {
        let with = |name: &str, value: Value| {
            let mut body = json!({ "messages": [{"role": "user", "content": "a"}] });
            body[name] = value;
            chat(body).expect_err("a refusal")
        };
        assert!(with("tools", json!([{}])).contains("tools"));
        assert!(with("n", json!(2)).contains('n'));
        assert!(with("logprobs", json!(true)).contains("logprobs"));
        assert!(with("response_format", json!({"type": "xml"})).contains("xml"));
        let image = json!([{"role": "user", "content": [{"type": "image_url"}]}]);
        assert!(with("messages", image).contains("image_url"));
    }

    #[test]
    fn completions_are_short_unless_more_is_asked_for() {
        let asked = |body: Value| {
            serde_json::from_value::<CompletionRequest>(body).expect("a request").into_generate()
        };
        assert_eq!(asked(json!({"prompt": "a"})).map(|asked| asked.max_tokens), Ok(Some(16)));
        assert!(asked(json!({"prompt": ["a", "b"]})).is_err());
        assert!(asked(json!({"prompt": "a", "echo": true})).is_err());
    }
}
