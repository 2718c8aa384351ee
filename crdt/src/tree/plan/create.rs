//! New files and folders, and deleted ones that come back.

use std::sync::Arc;

use super::{Fate, Folder, PlanError, Planner, Target};
use crate::tree::content::{BlobRef, ContentValue};
use crate::tree::ids::NodeSeed;
use crate::tree::key::{Field, NodeKind};
use crate::tree::names::{NameProblem, Platform, name_problem};
use crate::tree::record::Record;
use crate::tree::value::{Replaced, unite};
use crate::{ContentId, NodeId, Value};

/// Says what making a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a file that came back may still have to be saved"]
pub enum Created {
    /// The file holds what was given.
    Written(NodeId),
    /// A deleted file came back with its identity and what it held: what was given is to be saved to it as an edit,
    /// as any save of a file that was there.
    CameBack {
        /// The file.
        node: NodeId,
        /// What it holds.
        content: Arc<ContentValue>,
    },
}

impl Created {
    /// Gives the file.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Written(node) | Self::CameBack { node, .. } => *node,
        }
    }
}

impl Planner<'_> {
    /// Plans a file, and the folders it is in where they are missing.
    ///
    /// A deleted file of the same name in the same folder comes back instead of a second one.
    pub fn create_file(
        &mut self,
        path: &str,
        content: BlobRef,
        executable: bool,
    ) -> Result<Created, PlanError> {
        let (folder, name) = self.free_place(path)?;
        Ok(self.make_file(&folder, path, name, content, executable))
    }

    /// Plans a file of a name that something else has already: both are kept, and the tree tells which of them is shown
    /// under the name and which beside it.
    pub fn create_file_beside(
        &mut self,
        path: &str,
        content: BlobRef,
        executable: bool,
    ) -> Result<Created, PlanError> {
        let (folder, name) = self.place_for(path)?;
        let known = self.child(&folder, name);
        let created = self.make_file(&folder, path, name, content, executable);
        if known.is_some() {
            self.set_name(&folder, name, known);
        }
        Ok(created)
    }

    /// Plans a folder of a name that a file has already: both are kept.
    pub fn create_folder_beside(&mut self, path: &str) -> Result<NodeId, PlanError> {
        let (folder, name) = self.place_for(path)?;
        Ok(self.make_folder(&folder, path, name)?.first())
    }

    /// Plans a folder, and those it is in where they are missing.
    pub fn create_folder(&mut self, path: &str) -> Result<NodeId, PlanError> {
        let (folder, name) = self.free_place(path)?;
        Ok(self.make_folder(&folder, path, name)?.first())
    }

    pub(super) fn make_file(
        &mut self,
        folder: &Folder,
        path: &str,
        name: &str,
        content: BlobRef,
        executable: bool,
    ) -> Created {
        let first = Some(content.content);
        let (node, is_known) = self.find_or_name(folder, name, NodeKind::File, first);
        self.set_name(folder, name, Some(Target::File(node)));
        let created = if is_known {
            self.bring_back(folder, path, node, name);
            self.bring_back_content(path, node, content)
        } else {
            self.make_node(folder, path, node, name, NodeKind::File);
            self.set_content(node, path, Arc::new(ContentValue::Blob(content)));
            Created::Written(node)
        };
        if self.is_executable(node) != executable {
            self.set(node, path, Field::Executable, Some(Value::Bool(executable)));
        }
        created
    }

    pub(super) fn make_folder(
        &mut self,
        parent: &Folder,
        path: &str,
        name: &str,
    ) -> Result<Folder, PlanError> {
        if let Some(problem) = universal_problem(name) {
            return Err(PlanError::Name { path: path.to_owned(), problem });
        }
        let (node, is_known) = self.find_or_name(parent, name, NodeKind::Folder, None);
        if is_known {
            self.bring_back(parent, path, node, name);
        } else {
            self.make_node(parent, path, node, name, NodeKind::Folder);
        }
        let folder = Folder { directory: None, members: Arc::new([node]) };
        self.set_name(parent, name, Some(Target::Folder(folder.clone())));
        Ok(folder)
    }

    /// Gives the node that a new thing is: a deleted one of the same folder, name and kind, or one with a new id.
    fn find_or_name(
        &self,
        folder: &Folder,
        name: &str,
        kind: NodeKind,
        content: Option<ContentId>,
    ) -> (NodeId, bool) {
        if let Some(node) = self.find_deleted(folder, name, kind) {
            return (node, true);
        }
        let seed = NodeSeed { workspace: self.workspace, parent: folder.first(), name, kind, content };
        let mut number = 0;
        loop {
            let node = seed.id(number);
            if !self.is_taken(node) {
                let is_known = self.view.nodes.contains_key(&node) || self.edits.contains_key(&node);
                return (node, is_known);
            }
            number += 1;
        }
    }

    fn is_taken(&self, node: NodeId) -> bool {
        match self.edits.get(&node).map(|edits| edits.fate) {
            Some(Fate::Made) => true,
            Some(Fate::Deleted) => false,
            Some(Fate::Same) | None => {
                let known = self.view.nodes.get(&node).and_then(|known| known.slot.as_ref());
                known.is_some_and(|slot| slot.is_shown)
            }
        }
    }

    // What this very plan deleted comes back first, then what was deleted last.
    fn find_deleted(&self, folder: &Folder, name: &str, kind: NodeKind) -> Option<NodeId> {
        let planned = folder.members.iter().filter_map(|member| self.deleted.get(member)?.get(name));
        let planned = planned.flatten().map(|id| (true, id));
        let hidden = folder.members.iter().filter_map(|member| self.view.hidden.get(member)?.get(name));
        let hidden = hidden.flatten().map(|id| (false, id));
        let found = planned.chain(hidden).filter_map(|(is_planned, id)| {
            let known = self.view.nodes.get(id).map(|known| &known.record);
            let planned = self.edits.get(id).and_then(|edits| edits.fields.get(&Field::Kind));
            let has_kind = match planned {
                Some(planned) => *planned == Some(Value::Uint(kind.number().into())),
                None => known.is_some_and(|record| record.kind == Some(kind)),
            };
            let deleted_by = known.and_then(|record| record.placed_by());
            (has_kind && !self.is_taken(*id)).then_some((is_planned, deleted_by, *id))
        });
        found.max().map(|(_, _, node)| node)
    }

    fn make_node(&mut self, folder: &Folder, path: &str, node: NodeId, name: &str, kind: NodeKind) {
        self.set(node, path, Field::Kind, Some(Value::Uint(kind.number().into())));
        self.set(node, path, Field::Name, Some(Value::Str(name.to_owned())));
        self.set_parent(node, path, folder.first());
    }

    fn bring_back(&mut self, folder: &Folder, path: &str, node: NodeId, name: &str) {
        let link = self.parent_of(node).filter(|link| folder.members.contains(link));
        let parent = link.unwrap_or(folder.first());
        self.set_parent(node, path, parent);
        if self.name_of(node).as_deref() != Some(name) {
            self.set(node, path, Field::Name, Some(Value::Str(name.to_owned())));
        }
        self.take_back_deletion(node, path);
    }

    pub(super) fn take_back_deletion(&mut self, node: NodeId, path: &str) {
        let edits = self.edit(node, path);
        edits.fields.remove(&Field::DeletedAt);
        if self.view.nodes.get(&node).is_some_and(|known| known.record.deleted_at.is_some()) {
            self.set(node, path, Field::DeletedAt, None);
        }
    }

    // What was deleted beside the winner stays deleted: the deletion that said so is taken back.
    fn bring_back_content(&mut self, path: &str, node: NodeId, new: BlobRef) -> Created {
        let Some(winner) = self.content_of(node) else {
            self.set_content(node, path, Arc::new(ContentValue::Blob(new)));
            return Created::Written(node);
        };
        if let Some(known) = self.view.nodes.get(&node) {
            self.keep_deleted(&known.record, path, node, &winner);
        }
        match &*winner {
            ContentValue::Blob(blob) if blob.content == new.content => Created::Written(node),
            _ => Created::CameBack { node, content: winner },
        }
    }

    fn keep_deleted(&mut self, record: &Record, path: &str, node: NodeId, winner: &Arc<ContentValue>) {
        for document in record.documents().filter(|document| winner.document() != Some(*document)) {
            let seen = record.seen_when_replaced(document);
            let deleted = record.deleted_at.as_ref().and_then(|deleted| deleted.document(document));
            let heads = deleted.map_or_else(|| seen.clone(), |deleted| unite(&seen, deleted));
            let known = record.replaced.contains_key(&document);
            if let Some(base) = record.base_of(document).filter(|_| !known || heads != seen) {
                let value = Replaced { heads, base: base.clone() };
                self.set(node, path, Field::Replaced(document), Some(Value::Bytes(value.encode())));
            }
        }
        if record.contents.len() > 1 {
            self.set_content(node, path, winner.clone());
        }
    }
}

fn universal_problem(name: &str) -> Option<NameProblem> {
    name_problem(name, Platform::default())
}
