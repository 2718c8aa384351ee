//! Changes that are named by what they do, so that the same save made twice is one change.

use super::encode::{finish_chunk, start_chunk};
use super::leb::{Reader, write_unsigned};
use super::{Change, Draft};
use crate::ids::{ActorId, DocumentId};

const SAVE_CONTEXT: &str = "weft 2026 save v1";

/// Who makes a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A session of a device, whose changes form a chain.
    Session(ActorId),
    /// Nobody in particular: the actor is the hash of the change, so that everybody who makes the same change on the
    /// same state makes one and the same. Its number is 1 and its time 0.
    ContentNamed,
}

/// The actor of a content-named change of document `doc` whose chunk with an empty actor is `chunk`.
fn content_name(doc: DocumentId, chunk: &[u8]) -> ActorId {
    let mut hasher = blake3::Hasher::new_derive_key(SAVE_CONTEXT);
    hasher.update(doc.as_bytes());
    hasher.update(chunk);
    let mut actor = [0; 16];
    actor.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ActorId::from(actor)
}

/// The actor that a draft gets when it is content-named.
pub(crate) fn content_actor(doc: DocumentId, draft: &Draft) -> ActorId {
    content_name(doc, &draft.write(&[]).0)
}

impl Change {
    /// Tells whether the change is content-named in document `doc`, and so belongs to whoever carries it.
    pub fn is_content_named(&self, doc: DocumentId) -> bool {
        self.seq() == 1
            && self.time() == 0
            && self.actor().as_bytes().len() == 16
            && self.with_empty_actor().is_some_and(|chunk| content_name(doc, &chunk) == self.actor())
    }

    /// The same chunk with an empty actor: the operations name the author by a number, so only the header differs.
    fn with_empty_actor(&self) -> Option<Vec<u8>> {
        let mut reader = Reader::new(self.bytes());
        reader.take(9).ok()?;
        reader.unsigned().ok()?;
        let data = reader.rest();
        reader.unsigned().ok()?;
        reader.take(self.deps().len() as u64 * 32).ok()?;
        let before_actor = &data[..data.len() - reader.rest().len()];
        let actor_length = reader.unsigned().ok()?;
        reader.take(actor_length).ok()?;

        let mut chunk = Vec::with_capacity(self.bytes().len());
        start_chunk(&mut chunk, before_actor.len() + 1 + reader.rest().len());
        chunk.extend_from_slice(before_actor);
        write_unsigned(&mut chunk, 0);
        chunk.extend_from_slice(reader.rest());
        finish_chunk(&mut chunk);
        Some(chunk)
    }
}
