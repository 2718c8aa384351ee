//! Documents to measure with.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_crdt::{ActorId, Author, Change, CharIndex, DocumentId, Edit, TextDocument};

pub(crate) const DOCUMENT: DocumentId = DocumentId::from_bytes(*b"to measure with.");

pub(crate) fn actor(byte: u8) -> ActorId {
    ActorId::from([byte; 16])
}

/// A document that three people have worn, and its changes with the genesis first.
pub(crate) struct Worn {
    pub(crate) document: TextDocument,
    pub(crate) changes: Vec<Change>,
    pub(crate) random: ChaCha8Rng,
}

impl Worn {
    /// A text of so many characters with so many scattered edits of one character.
    pub(crate) fn new(chars: usize, edits: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(chars as u64);
        let line = "the quick brown fox jumps over the lazy dog, again and again\n";
        let base: String = line.chars().cycle().take(chars).collect();
        let genesis = TextDocument::genesis(DOCUMENT, &base).expect("a base text");
        let mut document = TextDocument::new(DOCUMENT, &base).expect("a base text");
        let mut changes = vec![genesis];
        for index in 0..edits {
            let author = Author::Session(actor(1 + (index % 3) as u8));
            let edit = if random.random_bool(0.5) {
                insert(random.random_range(0..=document.len_chars()), "x")
            } else {
                let at = CharIndex(random.random_range(0..document.len_chars()));
                Edit { at, delete: 1, insert: String::new() }
            };
            changes.extend(document.edit(author, &[edit], 0).expect("an edit that fits").changes);
        }
        Self { document, changes, random }
    }

    pub(crate) fn random_place(&mut self) -> usize {
        self.random.random_range(0..=self.document.len_chars())
    }
}

pub(crate) fn insert(at: usize, text: &str) -> Edit {
    Edit { at: CharIndex(at), delete: 0, insert: text.to_owned() }
}

/// The same document in Automerge.
pub(crate) fn in_automerge(changes: &[Change]) -> automerge::Automerge {
    let mut document = automerge::Automerge::new();
    document.apply_changes(changes.iter().map(to_automerge)).expect("changes of ours");
    document
}

pub(crate) fn to_automerge(change: &Change) -> automerge::Change {
    automerge::Change::from_bytes(change.bytes().to_vec()).expect("a change of ours")
}
