//! What people do to the tree, as edits of its registers.

mod content;
mod create;
mod delete;
mod rename;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::ContentValue;
use super::directory::{DirectoryId, Item};
use super::facts::DocumentFacts;
use super::key::{Field, ROOT, RegisterKey, TRASH};
use super::names::{NameProblem, Platform, name_problem};
use super::value::ParentValue;
use super::view::TreeView;
use crate::{DocumentId, NodeId, RegisterEdit, Value};

pub use create::Created;

/// Turns what somebody does to files and folders into edits of registers.
///
/// A planner stands for one change of the tree: every call sees what the calls before it planned, and
/// [`Planner::finish`] gives all edits in an order that depends only on what was done. Two people who do the same to
/// the same tree get the same edits. Apply the edits to the tree document, then refresh the view; a planner is of no
/// use after that. Its work is linear in what is planned, whatever the size of the tree.
pub struct Planner<'a> {
    view: &'a TreeView,
    facts: &'a dyn DocumentFacts,
    workspace: &'a [u8; 32],
    /// Names that the calls so far gave or took away, by the oldest node of the folder.
    names: BTreeMap<NodeId, BTreeMap<String, Option<Target>>>,
    edits: BTreeMap<NodeId, NodeEdits>,
    /// What the calls so far deleted, by the folder node and the name in the registers.
    deleted: BTreeMap<NodeId, BTreeMap<Arc<str>, BTreeSet<NodeId>>>,
}

/// What was planned for one node.
#[derive(Default)]
struct NodeEdits {
    path: String,
    fields: BTreeMap<Field, Option<Value>>,
    parent: Option<NodeId>,
    content: Option<Arc<ContentValue>>,
    fate: Fate,
}

/// What a plan did to the existence of a node.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    #[default]
    Same,
    /// Made or brought back.
    Made,
    Deleted,
}

/// Something with a path, as planned so far.
#[derive(Clone)]
enum Target {
    Folder(Folder),
    File(NodeId),
    Computed(NodeId),
}

/// A folder as planned so far.
#[derive(Clone)]
struct Folder {
    /// What is shown of it already.
    directory: Option<DirectoryId>,
    /// Its nodes, the oldest first; never empty.
    members: Arc<[NodeId]>,
}

impl Folder {
    fn first(&self) -> NodeId {
        self.members[0]
    }
}

/// Says why something cannot be done to the tree; the tree is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nothing has that path.
    #[error("nothing is at {path:?}")]
    NotFound {
        /// The path that was looked for.
        path: String,
    },
    /// Something has that path.
    #[error("something is at {path:?} already")]
    Exists {
        /// The path that was to be given.
        path: String,
    },
    /// A file is where a folder is needed.
    #[error("{path:?} is not a folder")]
    NotAFolder {
        /// Where the file is.
        path: String,
    },
    /// A folder is where a file is needed.
    #[error("{path:?} is not a file")]
    NotAFile {
        /// Where the folder is.
        path: String,
    },
    /// A folder cannot be moved into itself.
    #[error("{from:?} cannot be moved into itself, to {to:?}")]
    IntoItself {
        /// Where the folder is.
        from: String,
        /// Where it was to go.
        to: String,
    },
    /// The name can be written on no disk.
    #[error("{path:?} cannot be used")]
    Name {
        /// The path that was to be given.
        path: String,
        /// What is wrong with it.
        #[source]
        problem: NameProblem,
    },
    /// A version of a file can become a file of its own only with its text as a blob.
    #[error("{path:?} is a version of another file and has to be copied")]
    NeedsContent {
        /// Where the version is shown.
        path: String,
        /// The document it is the text of.
        document: DocumentId,
    },
    /// The file is no blob that could become a text document.
    #[error("{path:?} has no content that could become a text document")]
    NoBlob {
        /// Where the file is.
        path: String,
    },
}

impl PlanError {
    /// Says what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "look at the folder again: somebody may have moved or deleted it",
            Self::Exists { .. } => "choose another name, or move what is there first",
            Self::NotAFolder { .. } => "move the file of that name first, or choose another folder",
            Self::NotAFile { .. } => "choose a file",
            Self::IntoItself { .. } => "choose a folder outside of it",
            Self::Name { .. } => "choose another name",
            Self::NeedsContent { .. } => "store the text and use Planner::rename_with_content",
            Self::NoBlob { .. } => "edit the text document that it is",
        }
    }
}

impl<'a> Planner<'a> {
    /// Begins a plan on a tree as it is shown.
    pub fn new(view: &'a TreeView, facts: &'a dyn DocumentFacts, workspace: &'a [u8; 32]) -> Self {
        Self {
            view,
            facts,
            workspace,
            names: BTreeMap::new(),
            edits: BTreeMap::new(),
            deleted: BTreeMap::new(),
        }
    }

    /// Gives the edits: by path, then node, then field.
    pub fn finish(self) -> Vec<RegisterEdit> {
        let mut nodes: Vec<_> = self.edits.into_iter().collect();
        nodes.sort_unstable_by(|a, b| (&a.1.path, a.0).cmp(&(&b.1.path, b.0)));
        let edits = nodes.into_iter().flat_map(|(node, edits)| {
            let fields = edits.fields.into_iter();
            fields.map(move |(field, value)| RegisterEdit {
                key: RegisterKey::new(node, field).to_string(),
                value,
            })
        });
        edits.collect()
    }

    /// Tells whether nothing was planned.
    pub fn is_empty(&self) -> bool {
        self.edits.values().all(|edits| edits.fields.is_empty())
    }

    /// Plans that a file may be run, or no longer; a version of a file follows the file.
    pub fn set_executable(&mut self, path: &str, executable: bool) -> Result<(), PlanError> {
        let node = match self.existing(path)? {
            Target::Folder(_) => return Err(PlanError::NotAFile { path: path.to_owned() }),
            Target::File(node) => node,
            Target::Computed(copy) => self.owner(copy, path)?,
        };
        if self.is_executable(node) != executable {
            self.set(node, path, Field::Executable, Some(Value::Bool(executable)));
        }
        Ok(())
    }

    fn is_executable(&self, node: NodeId) -> bool {
        let planned = self.edits.get(&node).and_then(|edits| edits.fields.get(&Field::Executable));
        match planned {
            Some(Some(Value::Bool(flag))) => *flag,
            _ => self.view.nodes.get(&node).is_some_and(|known| known.record.executable),
        }
    }

    fn owner(&self, copy: NodeId, path: &str) -> Result<NodeId, PlanError> {
        let computed = self.view.computed.get(&copy);
        let not_found = || PlanError::NotFound { path: path.to_owned() };
        computed.map(|computed| computed.node).ok_or_else(not_found)
    }

    fn edit(&mut self, node: NodeId, path: &str) -> &mut NodeEdits {
        let edits = self.edits.entry(node).or_default();
        if edits.path.is_empty() {
            path.clone_into(&mut edits.path);
        }
        edits
    }

    fn set(&mut self, node: NodeId, path: &str, field: Field, value: Option<Value>) {
        self.edit(node, path).fields.insert(field, value);
    }

    fn set_parent(&mut self, node: NodeId, path: &str, parent: NodeId) {
        let before = self.parent_of(node).unwrap_or(parent);
        let value = ParentValue { parent, before };
        let edits = self.edit(node, path);
        edits.fields.insert(Field::Parent, Some(Value::Bytes(value.encode())));
        edits.parent = Some(parent);
        edits.fate = Fate::Made;
    }

    fn set_trashed(&mut self, node: NodeId, path: &str) {
        let before = self.parent_of(node).unwrap_or(ROOT);
        if let Some(name) = self.name_of(node) {
            let names = self.deleted.entry(before).or_default();
            names.entry(name).or_default().insert(node);
        }
        let value = ParentValue { parent: TRASH, before };
        let edits = self.edit(node, path);
        edits.fields.insert(Field::Parent, Some(Value::Bytes(value.encode())));
        edits.fate = Fate::Deleted;
    }

    fn name_of(&self, node: NodeId) -> Option<Arc<str>> {
        let planned = self.edits.get(&node).and_then(|edits| edits.fields.get(&Field::Name));
        match planned {
            Some(Some(Value::Str(name))) => Some(name.as_str().into()),
            _ => self.view.nodes.get(&node)?.record.name.clone(),
        }
    }

    fn set_content(&mut self, node: NodeId, path: &str, content: Arc<ContentValue>) {
        let edits = self.edit(node, path);
        edits.fields.insert(Field::Content, Some(Value::Bytes(content.encode())));
        edits.content = Some(content);
    }

    fn parent_of(&self, node: NodeId) -> Option<NodeId> {
        let planned = self.edits.get(&node).and_then(|edits| edits.parent);
        planned.or_else(|| self.view.nodes.get(&node)?.link)
    }

    /// Gives what the file holds as planned so far.
    fn content_of(&self, node: NodeId) -> Option<Arc<ContentValue>> {
        let planned = self.edits.get(&node).and_then(|edits| edits.content.clone());
        planned.or_else(|| self.view.nodes.get(&node)?.record.content().cloned())
    }

    fn existing(&self, path: &str) -> Result<Target, PlanError> {
        let found = self.find(path)?;
        found.ok_or_else(|| PlanError::NotFound { path: path.to_owned() })
    }

    fn find(&self, path: &str) -> Result<Option<Target>, PlanError> {
        let mut target = Target::Folder(root());
        for name in path.split('/').filter(|_| !path.is_empty()) {
            let Target::Folder(folder) = &target else { return Ok(None) };
            match self.child(folder, name) {
                Some(child) => target = child,
                None => return Ok(None),
            }
        }
        Ok(Some(target))
    }

    fn child(&self, folder: &Folder, name: &str) -> Option<Target> {
        if let Some(planned) = self.names.get(&folder.first()).and_then(|names| names.get(name)) {
            return planned.clone();
        }
        let directory = self.view.directories.get(&folder.directory?)?;
        let entry = directory.entries.get(name)?;
        if entry.problem.as_ref().is_some_and(NameProblem::is_universal) {
            return None;
        }
        Some(self.target(entry.item))
    }

    fn target(&self, item: Item) -> Target {
        match item {
            Item::File(node) => Target::File(node),
            Item::Computed(copy) => Target::Computed(copy),
            Item::Folder(id) => {
                let members = self.view.directories.get(&id).map(|found| &found.members);
                let members = members.into_iter().flatten().map(|(_, node)| *node);
                Target::Folder(Folder { directory: Some(id), members: members.collect() })
            }
        }
    }

    fn set_name(&mut self, folder: &Folder, name: &str, target: Option<Target>) {
        let names = self.names.entry(folder.first()).or_default();
        names.insert(name.to_owned(), target);
    }

    /// Gives the folder that a path is in and the name; makes folders that are missing.
    fn place_for<'p>(&mut self, path: &'p str) -> Result<(Folder, &'p str), PlanError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let problem = name_problem(name, Platform::default())
            .or_else(|| (path.len() > super::names::PATH_BYTES_MAX).then_some(NameProblem::PathTooLong));
        let problem = path.starts_with('/').then_some(NameProblem::Dots).or(problem);
        if let Some(problem) = problem {
            return Err(PlanError::Name { path: path.to_owned(), problem });
        }
        Ok((self.folder_at(parent)?, name))
    }

    fn folder_at(&mut self, path: &str) -> Result<Folder, PlanError> {
        match self.find(path)? {
            Some(Target::Folder(folder)) => Ok(folder),
            Some(_) => Err(PlanError::NotAFolder { path: path.to_owned() }),
            None => self.make_folders(path),
        }
    }

    // From the top down and without recursion: a path can be two thousand names long.
    fn make_folders(&mut self, path: &str) -> Result<Folder, PlanError> {
        let mut folder = root();
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut begin = 0;
        for end in ends {
            let (so_far, name) = (&path[..end], &path[begin..end]);
            begin = end + 1;
            folder = match self.child(&folder, name) {
                Some(Target::Folder(folder)) => folder,
                Some(_) => return Err(PlanError::NotAFolder { path: so_far.to_owned() }),
                None => self.make_folder(&folder, so_far, name)?,
            };
        }
        Ok(folder)
    }

    /// Gives the place for something new: nothing may have the path.
    fn free_place<'p>(&mut self, path: &'p str) -> Result<(Folder, &'p str), PlanError> {
        if self.find(path)?.is_some() {
            return Err(PlanError::Exists { path: path.to_owned() });
        }
        self.place_for(path)
    }
}

fn root() -> Folder {
    Folder { directory: Some(DirectoryId::ROOT), members: Arc::new([ROOT]) }
}
