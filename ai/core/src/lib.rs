//! What Weft asks of language models, and what it makes of their text. Pure: no process, no file, no clock, no thread.
//!
//! Whoever runs a model ([`batching`], [`pipe`]) and whoever asks one ([`request`], [`provider`]) meet here. Reading order:
//!
//! - [`request`]: what can be asked, and what comes back;
//! - [`provider`]: who makes text, and the two ends of a request under way;
//! - [`remote`]: what is sent to a server that makes text, and how its answer is read;
//! - [`fill`]: the prompt that completes text at a cursor, under a budget of tokens;
//! - [`schema`]: from a JSON schema to the grammar that a model is held to;
//! - [`batching`]: which tokens of which requests a model computes next;
//! - [`text_stream`], [`repetition`]: from pieces of tokens to text, and when to stop;
//! - [`pipe`]: the messages to and from the process that runs a model;
//! - [`gguf`]: what a model file says about itself, read without trusting it;
//! - [`completions`]: completions that were made, for whoever types what was foretold;
//! - [`templates`]: what is wanted of a model, by name;
//! - [`mentions`]: what a question names, and which places an answer speaks of;
//! - [`edits`]: from a model's answer to edits of the text that it saw;
//! - [`checks`]: what is looked at in a model's text before a person sees it;
//! - [`limits`]: every bound.

pub mod batching;
pub mod checks;
pub mod completions;
pub mod edits;
pub mod fill;
pub mod gguf;
pub mod limits;
pub mod mentions;
pub mod pipe;
pub mod provider;
pub mod remote;
pub mod repetition;
pub mod request;
pub mod schema;
pub mod templates;
pub mod text_stream;
