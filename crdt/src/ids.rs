//! Names and positions, each a type of its own.

mod actor;
mod fixed;
mod position;
mod version;

pub use actor::{ActorId, ActorIdError, OpId};
pub use fixed::{ChangeHash, ChunkId, ContentId, DocumentId, NodeId, ParseIdError};
pub use position::{ByteIndex, CharIndex, LineIndex};
pub use version::Version;
