//! What can be asked of a model, and what comes back.

use serde::{Deserialize, Serialize};

use crate::limits::{EMBED_INPUTS_MAX, GRAMMAR_BYTES_MAX, REQUEST_BYTES_MAX, STOP_BYTES_MAX, STOPS_MAX};

/// Who waits for the answer: an earlier one goes first.
///
/// What is lent to others and what runs in the background stands still while anything above it runs; the rest share the
/// model and are begun in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody types, and waits for the rest of the line.
    Completion,
    /// Somebody asked, and reads along.
    Chat,
    /// A step of a longer piece of work.
    Agent,
    /// Somebody else's request on this device.
    Lent,
    /// The index, in the background.
    Indexing,
}

impl Priority {
    /// Whether this stands still while a request of priority `top` is under way.
    #[must_use]
    pub fn yields_to(self, top: Self) -> bool {
        self > top && self >= Self::Lent
    }
}

/// Who said a message of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Whoever set the task.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Speaker {
    /// The name that chat templates know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}

/// Another piece of text that belongs into the context of a completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// Where it comes from: a path in the workspace.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Text around a cursor that is to be filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The path of the file in the workspace.
    pub name: String,
    /// What stands before the cursor.
    pub prefix: String,
    /// What stands behind it.
    pub suffix: String,
    /// Other text that helps, the most useful last.
    pub snippets: Vec<Snippet>,
    /// The most tokens of all of it; 0 for what the context has room for.
    pub budget_tokens: u32,
}

/// What the model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Text as it is. Control tokens written in it are text.
    Raw(String),
    /// A conversation, put into the model's own form.
    Chat(Vec<Message>),
    /// A hole in a file.
    Fill(Fill),
}

impl Prompt {
    /// Bytes of all its text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Raw(text) => text.len(),
            Self::Chat(messages) => messages.iter().map(|message| message.text.len()).sum(),
            Self::Fill(fill) => {
                let snippets = fill.snippets.iter().map(|snippet| snippet.name.len() + snippet.text.len());
                fill.name.len() + fill.prefix.len() + fill.suffix.len() + snippets.sum::<usize>()
            }
        }
    }
}

/// How the next token is chosen. The default is the most probable one, always.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the most probable token; 1 follows the model's own probabilities.
    pub temperature: f32,
    /// Only so many of the most probable tokens; 0 for all.
    pub top_k: i32,
    /// Only the most probable tokens that have this probability together; 1 for all.
    pub top_p: f32,
    /// Only tokens with this share of the probability of the best one; 0 for all.
    pub min_p: f32,
    /// What a token loses that came already; 1 for nothing.
    pub repeat_penalty: f32,
    /// What a token loses for each time that it came; 0 for nothing.
    pub frequency_penalty: f32,
    /// What a token loses when it came at all; 0 for nothing.
    pub presence_penalty: f32,
    /// Where the dice start.
    pub seed: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            seed: 0,
        }
    }
}

/// What the answer is held to: tokens that break it are never chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// A JSON schema, as JSON.
    JsonSchema(String),
    /// A grammar in the notation of GBNF with the rule `root`.
    Grammar(String),
}

/// Asks for text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// What the model reads.
    pub prompt: Prompt,
    /// How it chooses.
    pub sampling: Sampling,
    /// The most tokens of the answer; 0 for what is usual.
    pub max_tokens: u32,
    /// The answer ends before any of these.
    pub stops: Vec<String>,
    /// What the answer is held to.
    pub constraint: Option<Constraint>,
    /// The answer ends after so many milliseconds with what there is; 0 for never.
    pub time_millis: u32,
    /// Who waits.
    pub priority: Priority,
}

impl Generate {
    /// Asks for the most probable continuation of `prompt`.
    #[must_use]
    pub fn new(prompt: Prompt, priority: Priority) -> Self {
        Self {
            prompt,
            sampling: Sampling::default(),
            max_tokens: 0,
            stops: Vec::new(),
            constraint: None,
            time_millis: 0,
            priority,
        }
    }

    /// Checks what has a bound.
    ///
    /// # Errors
    /// Names the bound that is crossed.
    pub fn check(&self) -> Result<(), Failure> {
        let bytes = self.prompt.bytes();
        let refuse = |what: String| Err(Failure::new(FailureKind::Unfit, what));
        if bytes > REQUEST_BYTES_MAX {
            return refuse(format!("the prompt has {bytes} bytes, at most {REQUEST_BYTES_MAX} are taken"));
        }
        if self.stops.len() > STOPS_MAX {
            return refuse(format!(
                "{} stop strings were given, at most {STOPS_MAX} are taken",
                self.stops.len()
            ));
        }
        if self.stops.iter().any(|stop| stop.is_empty() || stop.len() > STOP_BYTES_MAX) {
            return refuse(format!("a stop string has 1 to {STOP_BYTES_MAX} bytes"));
        }
        if let Some(Constraint::Grammar(text) | Constraint::JsonSchema(text)) = &self.constraint
            && text.len() > GRAMMAR_BYTES_MAX
        {
            return refuse(format!(
                "the grammar has {} bytes, at most {GRAMMAR_BYTES_MAX} are taken",
                text.len()
            ));
        }
        let sampling = &self.sampling;
        let numbers = [
            sampling.temperature,
            sampling.top_p,
            sampling.min_p,
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        ];
        if numbers.iter().any(|number| !number.is_finite() || number.abs() > 100.0)
            || sampling.temperature < 0.0
            || sampling.repeat_penalty <= 0.0
        {
            return refuse("a number that says how to choose is out of its range".to_owned());
        }
        Ok(())
    }
}

/// Asks for embeddings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The texts, one vector each.
    pub inputs: Vec<String>,
    /// Whether a text that is longer than the model reads is cut, which the answer says; else the request fails.
    pub may_cut: bool,
    /// Who waits.
    pub priority: Priority,
}

impl Embed {
    /// Checks what has a bound.
    ///
    /// # Errors
    /// Names the bound that is crossed.
    pub fn check(&self) -> Result<(), Failure> {
        let bytes: usize = self.inputs.iter().map(String::len).sum();
        if self.inputs.len() > EMBED_INPUTS_MAX || bytes > REQUEST_BYTES_MAX {
            let what = format!(
                "{} texts with {bytes} bytes were given, at most {EMBED_INPUTS_MAX} with {REQUEST_BYTES_MAX} are taken",
                self.inputs.len()
            );
            return Err(Failure::new(FailureKind::Unfit, what));
        }
        Ok(())
    }
}

/// One vector of unit length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// Its components.
    pub vector: Vec<f32>,
    /// The tokens that were read.
    pub tokens: u32,
    /// Whether the text had more.
    pub is_cut: bool,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model said that it is done.
    End,
    /// A stop string came.
    Stop,
    /// It has as many tokens as were asked for.
    MaxTokens,
    /// Prompt and answer fill the context.
    ContextFull,
    /// The time was up.
    Deadline,
    /// Nobody wants it any more.
    Cancelled,
    /// The model said the same thing over and over.
    Repeating,
    /// The server holds the rest back.
    Withheld,
}

/// What an answer took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the prompt that an earlier request had computed.
    pub reused_tokens: u32,
    /// Tokens that were computed for this request, of prompt and answer.
    pub decoded_tokens: u32,
    /// Tokens of the answer.
    pub generated_tokens: u32,
    /// Milliseconds from its start to the first token.
    pub prompt_millis: f32,
    /// Milliseconds from there to the end.
    pub generate_millis: f32,
}

/// What comes back for a [`Generate`], in this order; the last is `Done` or `Failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It was begun.
    Accepted {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Those that an earlier request had computed.
        reused_tokens: u32,
        /// What a completion's budget had no room for, in words.
        left_out: Option<String>,
    },
    /// So much of the prompt is read.
    Reading {
        /// Tokens that are read.
        done: u32,
        /// Tokens of the prompt.
        total: u32,
    },
    /// More text.
    Text(String),
    /// The end.
    Done {
        /// Why it ended.
        finish: Finish,
        /// What it took.
        usage: Usage,
    },
    /// The end, without an answer.
    Failed(Failure),
}

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The request makes no sense as it is.
    Unfit,
    /// Prompt and answer do not fit into the context.
    TooLong,
    /// This model cannot do that.
    Unable,
    /// The model file is broken, or of a kind that is not known.
    BadModel,
    /// There is not enough memory.
    NoMemory,
    /// Too much is asked at a time.
    Busy,
    /// The process that runs the model ended.
    Crashed,
    /// Something else.
    Other,
    /// A server cannot be reached, or answers with what is no answer.
    Server,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// What failed: one sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What a loaded model is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its architecture, such as `llama` or `bert`.
    pub architecture: String,
    /// Tokens that a request may have, with its answer.
    pub context_tokens: u32,
    /// Requests that are computed at a time.
    pub slots: u32,
    /// Numbers of an embedding.
    pub embedding_numbers: u32,
    /// Whether it gives embeddings and no text.
    pub is_embedding: bool,
    /// Whether it was taught to fill in the middle.
    pub can_fill: bool,
    /// Whether it comes with a form for chats that is known.
    pub can_chat: bool,
    /// Where it runs: `cpu`, or the names of the devices.
    pub device: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(prompt: &str) -> Generate {
        Generate::new(Prompt::Raw(prompt.to_owned()), Priority::Chat)
    }

    #[test]
    fn every_bound_of_a_request_is_told() {
        assert!(request(&"a".repeat(REQUEST_BYTES_MAX)).check().is_ok());
        assert!(request(&"a".repeat(REQUEST_BYTES_MAX + 1)).check().is_err());
        let stops =
            |count: usize, bytes: usize| Generate { stops: vec!["x".repeat(bytes); count], ..request("a") };
        assert!(stops(STOPS_MAX, STOP_BYTES_MAX).check().is_ok());
        assert!(stops(STOPS_MAX + 1, 1).check().is_err());
        assert!(stops(1, STOP_BYTES_MAX + 1).check().is_err());
        assert!(stops(1, 0).check().is_err());
        let grammar =
            |bytes| Generate { constraint: Some(Constraint::Grammar("x".repeat(bytes))), ..request("a") };
        assert!(grammar(GRAMMAR_BYTES_MAX).check().is_ok());
        assert!(grammar(GRAMMAR_BYTES_MAX + 1).check().is_err());
        let hot = |temperature| Generate {
            sampling: Sampling { temperature, ..Sampling::default() },
            ..request("a")
        };
        assert!(hot(2.0).check().is_ok());
        assert!(hot(f32::NAN).check().is_err() && hot(-1.0).check().is_err());
        let embed =
            |count| Embed { inputs: vec!["a".into(); count], may_cut: false, priority: Priority::Indexing };
        assert!(embed(EMBED_INPUTS_MAX).check().is_ok());
        assert!(embed(EMBED_INPUTS_MAX + 1).check().is_err());
    }

    #[test]
    fn what_is_lent_and_the_index_yield() {
        assert!(Priority::Indexing.yields_to(Priority::Lent));
        assert!(Priority::Lent.yields_to(Priority::Agent));
        assert!(!Priority::Lent.yields_to(Priority::Lent));
        assert!(!Priority::Agent.yields_to(Priority::Completion));
    }
}
