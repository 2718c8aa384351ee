//! What this device's person may not do, and what follows for the folder.

use weft_sync::acl::Class;

use super::engine::{Engine, Output};
use super::people::People as _;
use crate::api::{ApiError, PendingPath};
use crate::folder::FolderJob;

impl Engine {
    /// Why nothing that is done here is shared; none where it is.
    pub(super) fn may_not_write(&self) -> Option<&'static str> {
        self.replica.membership()?;
        match self.replica.own_class() {
            Some(class) if class >= Class::Editor => None,
            Some(Class::Keeper) => Some("your role is keeper, who holds what others write"),
            Some(_) => Some("your role is viewer, who reads and does not write"),
            // Who has not been let in yet has no key.
            None => self.contents.as_ref().map(|_| "you were removed from this workspace"),
        }
    }

    /// Refuses an edit of somebody who may not.
    pub(super) fn check_may_write(&self) -> Result<(), ApiError> {
        let Some(reason) = self.may_not_write() else { return Ok(()) };
        let hint = match self.replica.own_class() {
            Some(_) => "ask an admin of the workspace for the editor role; `weft members` lists who that is",
            None => {
                "what you have stays readable; ask an admin to invite you again, or `weft leave` and go on alone"
            }
        };
        Err(ApiError::not_allowed(reason).hint(hint).data_state("nothing was changed"))
    }

    /// Files that were saved here by somebody who may not write.
    pub(super) fn unshared_saves(&self) -> impl Iterator<Item = PendingPath> {
        let reason = self.may_not_write().unwrap_or("it is looked at again");
        self.unshared.iter().map(move |path| PendingPath {
            path: path.clone(),
            reason: format!("was changed here and is not shared: {reason}"),
        })
    }

    /// Looks at the folder again when this person may write from now on.
    pub(super) fn learn_rights(&mut self) {
        if !self.unshared.is_empty() && self.may_not_write().is_none() {
            self.unshared.clear();
            self.out.push(Output::Folder(FolderJob::Scan));
        }
    }
}
