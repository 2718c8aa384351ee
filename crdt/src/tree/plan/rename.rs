//! Other names and other folders.

use super::{Folder, ParentValue, PlanError, Planner, Target, name_problem};
use crate::tree::content::BlobRef;
use crate::tree::key::{Field, NodeKind, ROOT};
use crate::tree::names::Platform;
use crate::{NodeId, Value};

impl Planner<'_> {
    /// Plans that a file or folder has another path; folders of the path that are missing are made.
    ///
    /// A folder takes everything with it. A version that is shown beside a file becomes a file of its own; if it is
    /// a document's, its text is needed as a blob ([`Planner::rename_with_content`]).
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), PlanError> {
        self.rename_to(from, to, None)
    }

    /// Plans that a version that is shown beside a file becomes a file of its own that holds these bytes.
    pub fn rename_with_content(&mut self, from: &str, to: &str, content: BlobRef) -> Result<(), PlanError> {
        self.rename_to(from, to, Some(content))
    }

    /// Plans that a node, shown or deleted, has another path, which something else may have too: both are kept, and
    /// the tree tells which of them is shown under the name. A deleted node comes back by that.
    pub fn rename_node(&mut self, node: NodeId, to: &str) -> Result<(), PlanError> {
        if !self.view.nodes.contains_key(&node) {
            return Err(PlanError::NotFound { path: to.to_owned() });
        }
        let (folder, name) = self.place_for(to)?;
        self.pin_folders_of(node);
        self.move_node(node, to, &folder, name);
        if self.child(&folder, name).is_none() {
            let directory = self.view.nodes.get(&node).and_then(|known| known.directory);
            let target = match self.view.nodes.get(&node).and_then(|known| known.record.kind) {
                Some(NodeKind::Folder) => Target::Folder(Folder { directory, members: [node].into() }),
                _ => Target::File(node),
            };
            self.set_name(&folder, name, Some(target));
        }
        Ok(())
    }

    /// Plans that a folder lies in one that others have moved into it meanwhile: the tree tells which of the two moves
    /// holds.
    pub fn move_into_own_part(&mut self, node: NodeId, folder: NodeId, name: &str) -> Result<(), PlanError> {
        if !self.view.nodes.contains_key(&node) || !self.view.nodes.contains_key(&folder) {
            return Err(PlanError::NotFound { path: name.to_owned() });
        }
        if let Some(problem) = name_problem(name, Platform::default()) {
            return Err(PlanError::Name { path: name.to_owned(), problem });
        }
        let before = self.parent_of(node).unwrap_or(ROOT);
        let value = ParentValue { parent: folder, before };
        // Where it is shown is not known before the tree is laid out anew, so it stays where it is for this plan.
        self.set(node, name, Field::Parent, Some(Value::Bytes(value.encode())));
        if self.name_of(node).as_deref() != Some(name) {
            self.set(node, name, Field::Name, Some(Value::Str(name.to_owned())));
        }
        self.take_back_deletion(node, name);
        Ok(())
    }

    fn rename_to(&mut self, from: &str, to: &str, content: Option<BlobRef>) -> Result<(), PlanError> {
        let target = self.existing(from)?;
        if from == to {
            return Ok(());
        }
        let inside = to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'));
        if from.is_empty() || inside {
            let (from, to) = (from.to_owned(), to.to_owned());
            return Err(PlanError::IntoItself { from, to });
        }
        let (folder, name) = self.free_place(to)?;
        match &target {
            Target::Folder(moved) => {
                for node in moved.members.iter() {
                    self.pin_folders_of(*node);
                    self.move_node(*node, from, &folder, name);
                }
            }
            Target::File(node) => self.move_node(*node, from, &folder, name),
            Target::Computed(copy) => {
                self.make_real(*copy, from, to, content)?;
                return Ok(());
            }
        }
        self.forget_name(from)?;
        self.set_name(&folder, name, Some(target));
        Ok(())
    }

    // Two people moved two folders into each other, and one of the moves was skipped. When what closes the ring moves
    // away, the skipped move would come into effect and carry the folder off: so its place is written down.
    fn pin_folders_of(&mut self, node: NodeId) {
        if self.view.displaced.is_empty() {
            return;
        }
        let mut up = self.parent_of(node);
        while let Some(folder) = up.filter(|folder| *folder != ROOT) {
            up = self.parent_of(folder);
            let is_planned = self.edits.get(&folder).is_some_and(|edits| edits.parent.is_some());
            if let (true, false, Some(parent)) = (self.view.displaced.contains(&folder), is_planned, up) {
                let path = self.view.path_of(folder).unwrap_or_default();
                self.set_parent(folder, &path, parent);
            }
        }
    }

    // The parent is written also when it stays the same, so that a rename beats a delete.
    fn move_node(&mut self, node: NodeId, from: &str, folder: &Folder, name: &str) {
        let current = self.parent_of(node).filter(|parent| folder.members.contains(parent));
        self.set_parent(node, from, current.unwrap_or(folder.first()));
        if self.name_of(node).as_deref() != Some(name) {
            self.set(node, from, Field::Name, Some(Value::Str(name.to_owned())));
        }
        self.take_back_deletion(node, from);
    }
}
