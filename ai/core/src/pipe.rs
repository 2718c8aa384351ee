//! The messages between the node and the process that runs a model.
//!
//! A frame is a length (4 bytes, little endian) and so many bytes of Postcard. Both ends are the same program, so there
//! are no versions; but the worker reads files that strangers made, so the node reads what it says as it would a peer's.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    limits::PIPE_MESSAGE_BYTES_MAX,
    request::{Embed, Embedding, Event, Failure, Generate, ModelInfo},
};

/// Names a request between the node and one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// How a model is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The file.
    pub path: std::path::PathBuf,
    /// Tokens of the context, for all slots together; 0 for what the model was made for, within reason.
    pub context_tokens: u32,
    /// Requests that are computed at a time.
    pub slots: u32,
    /// Tokens of one step.
    pub batch_tokens: u32,
    /// Threads; 0 for one less than there are cores.
    pub threads: u32,
    /// Layers on the GPU; as many as there are when it is larger.
    pub gpu_layers: u32,
}

impl Load {
    /// Loads `path` as is usual.
    #[must_use]
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self {
            path: path.into(),
            context_tokens: 0,
            slots: 4,
            batch_tokens: 512,
            threads: 0,
            gpu_layers: u32::from(u16::MAX),
        }
    }
}

/// From the node to the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Always the first, and only once.
    Load(Load),
    /// Asks for text.
    Generate(JobId, Generate),
    /// Asks for embeddings.
    Embed(JobId, Embed),
    /// Asks how many tokens a text has.
    Count(JobId, String),
    /// Nobody wants the answer any more.
    Cancel(JobId),
    /// Instead of [`ToWorker::Load`], and the last: asks what there is to compute on.
    Look,
}

/// What a worker can compute on besides the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What its maker calls it.
    pub name: String,
    /// Through what it is spoken to, such as `Vulkan`.
    pub backend: String,
    /// Its memory.
    pub memory_bytes: u64,
    /// The memory that is free.
    pub memory_free_bytes: u64,
}

/// From the worker to the node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The model is loaded.
    Loaded(ModelInfo),
    /// The model cannot be loaded; the worker ends.
    LoadFailed(Failure),
    /// Something about a request for text.
    Event(JobId, Event),
    /// The embeddings.
    Embedded(JobId, Result<Vec<Embedding>, Failure>),
    /// The tokens that a text has.
    Counted(JobId, u32),
    /// What there is to compute on besides the processor; the worker ends.
    Devices(Vec<Device>),
}

/// Writes one message.
///
/// # Errors
/// When it is too long, or the other end is gone.
pub fn write_message<M: Serialize>(writer: &mut impl Write, message: &M) -> io::Result<()> {
    let bytes =
        postcard::to_stdvec(message).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if bytes.len() > PIPE_MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is longer than the pipe takes"));
    }
    let length =
        u32::try_from(bytes.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(&bytes)?;
    writer.flush()
}

/// Reads one message; `None` when the other end closed between two.
///
/// # Errors
/// When what comes is too long, cut off or no message.
pub fn read_message<M: DeserializeOwned>(reader: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length[..1]) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    reader.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > PIPE_MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is longer than the pipe takes"));
    }
    // Grown as it comes: a length alone allocates nothing.
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Priority, Prompt};

    #[test]
    fn messages_survive_the_pipe() {
        let generate = Generate::new(Prompt::Raw("fn main".into()), Priority::Completion);
        let messages = [ToWorker::Load(Load::new("/m.gguf")), ToWorker::Generate(JobId(7), generate)];
        let mut bytes = Vec::new();
        for message in &messages {
            write_message(&mut bytes, message).expect("a message");
        }
        let mut reader = bytes.as_slice();
        for message in &messages {
            assert_eq!(read_message::<ToWorker>(&mut reader).expect("a message").as_ref(), Some(message));
        }
        assert_eq!(read_message::<ToWorker>(&mut reader).expect("the end"), None);
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_an_error() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, &ToWorker::Count(JobId(1), "abc".into())).expect("a message");
        for end in 1..bytes.len() {
            assert!(read_message::<ToWorker>(&mut &bytes[..end]).is_err(), "{end}");
        }
        let over = u32::try_from(PIPE_MESSAGE_BYTES_MAX + 1).expect("a length").to_le_bytes();
        assert!(read_message::<ToWorker>(&mut over.as_slice()).is_err());
        let text = "a".repeat(PIPE_MESSAGE_BYTES_MAX);
        assert!(write_message(&mut Vec::new(), &ToWorker::Count(JobId(1), text)).is_err());
    }
}
