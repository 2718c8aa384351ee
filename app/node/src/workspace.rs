//! One workspace: the engine that ties documents, replication, the store and the folder together.

pub(crate) mod contents;
mod deliver;
mod disk;
mod documents;
pub(crate) mod engine;
pub(crate) mod entries;
mod fetch_plan;
mod history;
pub(crate) mod people;
pub(crate) mod queries;
mod recent_changes;
mod restate;
mod save_base;
pub(crate) mod saves;
mod show;
pub(crate) mod thread;
pub(crate) mod version;
mod waiting;
