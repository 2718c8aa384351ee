//! Making files.

use weft_crdt::tree::{Created, Planner};
use weft_sync::data::Origin as DataOrigin;
use weft_sync::replica::WriteId;

use super::engine::Engine;
use super::queries::{no_key, plan_error};
use crate::api::{ApiError, EditAction, Edited};

impl Engine {
    /// Makes a file with this text, for what it is made for.
    pub(super) fn create(
        &mut self,
        path: &str,
        text: &str,
        origin: &DataOrigin,
    ) -> Result<(WriteId, Edited), ApiError> {
        let contents = self.contents.clone().ok_or_else(no_key)?;
        let blob = contents
            .import(text.as_bytes())
            .map_err(|error| ApiError::failed(format!("the file could not be stored: {error}")))?;
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        let created = planner.create_file(path, blob, false).map_err(|error| plan_error(&error))?;
        let came_back = matches!(created, Created::CameBack { .. });
        let edits = planner.finish();
        let mut made = Vec::new();
        let dirty = self.edit_tree(&edits, &mut made)?;
        let sync = vec![weft_store::Write::SyncChunks];
        self.out.push(super::engine::Output::Commit { batch: None, writes: sync, own: Vec::new() });
        let write = self.write(origin.clone(), made, None);
        self.settle(dirty);
        if came_back {
            // A deleted file has its old text again; what was asked for is an edit of it.
            return self.edit_for(path, &EditAction::Replace { text: text.to_owned() }, origin);
        }
        Ok((write, Edited { heads: Vec::new() }))
    }
}
