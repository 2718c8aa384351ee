//! What a model has proposed and a person has accepted.

use weft_sync::data::Origin as DataOrigin;
use weft_sync::limits::ORIGIN_NAME_BYTES_MAX;
use weft_sync::replica::WriteId;

use super::engine::Engine;
use super::queries::{no_file, not_readable};
use crate::api::ApiError;

impl Engine {
    /// Edits a text with what a model wrote and the person accepted.
    pub(crate) fn edit_text_of_model(
        &mut self,
        path: &str,
        edits: &[crate::api::ClientEdit],
        model: String,
    ) -> Result<(WriteId, bool), ApiError> {
        self.edit_text_of(path, edits, origin(model))
    }

    /// Makes a file that a model wrote and the person accepted; `None` where something is at its path already.
    pub(crate) fn create_of_model(
        &mut self,
        path: &str,
        text: &str,
        model: String,
    ) -> Result<Option<WriteId>, ApiError> {
        self.check_may_write()?;
        if self.listed_file(path).is_some() {
            return Ok(None);
        }
        let (write, _) = self.create(path, text, &origin(model))?;
        Ok(Some(write))
    }

    /// Whether what these edits take away is still `old`.
    pub(crate) fn still_reads(
        &mut self,
        path: &str,
        edits: &[crate::api::ClientEdit],
        old: &str,
    ) -> Result<bool, ApiError> {
        let (_, content) = self.shown_file(path)?;
        let document = content.document().ok_or_else(|| no_file(path))?;
        let text =
            self.with_text(document, |text| text.text()).map_err(|error| not_readable(path, &error))?;
        let mut letters: Vec<char> = text.chars().collect();
        let mut taken = String::new();
        for edit in edits {
            let (at, end) = (edit.at as usize, edit.at.saturating_add(edit.delete) as usize);
            let Some(gone) = letters.get(at..end) else { return Ok(false) };
            taken.extend(gone);
            letters.splice(at..end, edit.insert.chars());
        }
        // One run without anything of somebody else in its middle.
        let runs = edits.iter().filter(|edit| edit.delete > 0).count();
        Ok(taken == old && runs <= 1)
    }
}

/// A model as the author of an edit, by as much of its name as the history has room for.
fn origin(mut model: String) -> DataOrigin {
    model.truncate(model.floor_char_boundary(ORIGIN_NAME_BYTES_MAX));
    DataOrigin::Model { name: model }
}
