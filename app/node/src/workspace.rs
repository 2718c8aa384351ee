//! One workspace: the engine that ties documents, replication, the store and the folder together.

pub(crate) mod contents;
mod deliver;
mod disk;
mod documents;
pub(crate) mod engine;
mod entries;
mod fetch_plan;
pub(crate) mod people;
mod saves;
mod show;
pub(crate) mod version;
mod waiting;
