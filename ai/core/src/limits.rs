//! Every bound of this package.

/// Bytes of one message on the pipe to a worker, either way.
pub const PIPE_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of text in one request: prompt, messages or context together.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests that wait or run in one worker.
pub const REQUESTS_MAX: usize = 256;
/// Stop strings of one request.
pub const STOPS_MAX: usize = 16;
/// Bytes of one stop string.
pub const STOP_BYTES_MAX: usize = 256;
/// Texts of one request for embeddings.
pub const EMBED_INPUTS_MAX: usize = 1024;
/// Bytes of a grammar, also of one that a JSON schema became.
pub const GRAMMAR_BYTES_MAX: usize = 64 * 1024;
/// How deep a JSON schema may nest.
pub const SCHEMA_DEPTH_MAX: usize = 32;
/// Repetitions that a JSON schema may ask for by `minItems`, `maxLength` and their like.
pub const SCHEMA_REPEAT_MAX: u64 = 256;
/// Slots, which is requests that one model computes at a time.
pub const SLOTS_MAX: usize = 64;
/// Bytes of the header of a model file.
pub const GGUF_HEADER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Key-value pairs in a model file.
pub const GGUF_PAIRS_MAX: u64 = 4096;
/// Tensors in a model file.
pub const GGUF_TENSORS_MAX: u64 = 65_536;
/// Elements of an array in a model file; the vocabulary is the longest.
pub const GGUF_ARRAY_MAX: u64 = 4_194_304;
/// Bytes of a string in a model file; chat templates are the longest.
pub const GGUF_STRING_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Layers of a model.
pub const GGUF_BLOCKS_MAX: u64 = 1024;
/// Edits that one answer of a model may hold.
pub const ANSWER_EDITS_MAX: usize = 256;
/// Completions that are remembered.
pub const COMPLETIONS_MAX: usize = 256;
/// Bytes before and behind a place that tell it from others.
pub const COMPLETION_LOOK_BYTES: usize = 512;
/// Bytes of one event that a server sends, its lines together.
pub const REMOTE_EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the text that a server answers with.
pub const REMOTE_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that a server sends for one answer, with all that is no text.
pub const REMOTE_STREAM_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Letters of what a server says about a failure.
pub const REMOTE_REFUSAL_CHARS_MAX: usize = 300;
/// Files that one answer of a model may change.
pub const ANSWER_FILES_MAX: usize = 64;
/// What a question may name with `@`.
pub const MENTIONS_MAX: usize = 16;
/// Places of an answer that can be opened.
pub const CITATIONS_MAX: usize = 64;
