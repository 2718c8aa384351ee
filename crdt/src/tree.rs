//! The folder tree of a workspace: what the registers of its tree document look like as files and folders.
//!
//! - [`TreeView`] computes the shown tree, follows changes with little work and says in [`ShownChange`] steps what
//!   they do to a folder on a disk.
//! - [`Planner`] turns what somebody does to files and folders into edits of registers.
//! - [`check_register`] refuses what is no register of a tree before a change is applied.
//! - [`DocumentFacts`] and [`Registers`] are what the tree has to be told.
//!
//! Everything here is a pure function of its arguments, so that every device shows the same tree.

mod changes;
mod codec;
mod content;
mod copies;
mod digest;
mod directory;
mod facts;
mod few;
mod ids;
mod key;
mod layout;
mod links;
mod names;
mod pass;
mod plan;
mod record;
mod registers;
mod script;
mod shown;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub use changes::ShownChange;
pub use codec::ValueError;
pub use content::{
    BlobRef, CHUNK_BYTES_MAX, ChunkList, ChunkRef, ContentValue, INLINE_CHUNKS_MAX, LIST_CHUNKS_MAX,
    decode_chunk_list, encode_chunk_list,
};
pub use digest::{DigestLine, digest_tree};
pub use facts::{AuthorName, DocumentFacts};
pub use ids::{is_document_of, tree_document_id};
pub use key::{Field, NodeKind, ROOT, RegisterKey, TRASH};
pub use names::{NAME_BYTES_MAX, NameProblem, PATH_BYTES_MAX, Platform, TEMPORARY_PREFIX, name_problem};
pub use plan::{Created, PlanError, Planner};
pub use registers::Registers;
pub use shown::{ComputedNode, ConflictSource, ShownNode, UnwrittenNode};
pub use value::{DeletedAt, ParentValue, Replaced, check_register};
pub use view::{TreeView, Work};
