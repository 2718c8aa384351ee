//! The models on this device: files under their SHA-256 with a record each.
//!
//! A file enters by its checksum and is never written again, so what a worker maps into memory does not change under it.

mod download;
mod folder;
mod hardware;

pub(crate) use self::{
    download::download,
    folder::{ModelFolder, ModelRecord, ModelsError, has_room, roles},
    hardware::{Hardware, fit},
};
