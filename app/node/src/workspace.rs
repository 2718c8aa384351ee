//! One workspace: the engine that ties documents, replication, the store and the folder together.

pub(crate) mod admitting;
mod begun_again;
pub(crate) mod contents;
mod creating;
mod deliver;
mod disk;
mod documents;
mod doubled;
pub(crate) mod engine;
pub(crate) mod entries;
mod fetch_plan;
mod gathering;
mod history;
pub(crate) mod listed_files;
mod open_documents;
pub(crate) mod people;
mod presence;
pub(crate) mod progressed;
mod proposed;
pub(crate) mod queries;
mod recent_changes;
mod repeating;
mod restate;
mod rights;
mod save_base;
pub(crate) mod saves;
mod show;
mod snapshots;
#[cfg(test)]
mod tests;
pub(crate) mod thread;
pub(crate) mod version;
mod waiting;
