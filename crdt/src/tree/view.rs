//! The tree as everybody sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changes::ShownChange;
use super::content::BlobRef;
use super::directory::{Directory, DirectoryId, Item, Place, Ranked};
use super::facts::DocumentFacts;
use super::few::Few;
use super::key::{NodeKind, ROOT};
use super::names::{NameProblem, PATH_BYTES_MAX, Platform};
use super::pass::Pass;
use super::record::Record;
use super::registers::Registers;
use super::shown::{ComputedNode, ConflictSource, ShownNode, UnwrittenNode};
use crate::{DocumentId, NodeId};

/// What a workspace's folder looks like, computed from the registers of its tree document.
///
/// The view is a pure function of the registers, the facts and the platform; the order in which they came does not
/// matter. After the registers or the documents have changed, call [`TreeView::refresh`] with what changed, and
/// apply the changes that it returns one after the other.
#[derive(Debug, Clone)]
pub struct TreeView {
    pub(super) platform: Platform,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// How often parent registers name a folder.
    pub(super) mentions: BTreeMap<NodeId, usize>,
    /// Folders that are not in the folder of their first choice.
    pub(super) displaced: BTreeSet<NodeId>,
    /// Shown nodes by the folder node they are in and their name in the registers.
    pub(super) children: BTreeMap<NodeId, Names>,
    /// Deleted nodes that are not shown, by the folder they were in and their name.
    pub(super) hidden: BTreeMap<NodeId, Names>,
    /// The files that a document belongs to.
    pub(super) documents: BTreeMap<DocumentId, Few<NodeId>>,
    pub(super) computed: BTreeMap<NodeId, Computed>,
    pub(super) directories: BTreeMap<DirectoryId, Directory>,
    pub(super) next_directory: u64,
    pub(super) work: Work,
}

/// Nodes by name.
pub(super) type Names = BTreeMap<Arc<str>, Few<NodeId>>;

/// A node and where it has come to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) record: Record,
    /// Complete and a folder: can hold children.
    pub(super) is_folder: bool,
    /// The folder it is in.
    pub(super) link: Option<NodeId>,
    /// Shown for its own sake, not only for what it holds.
    pub(super) is_alive: bool,
    pub(super) shown_children: usize,
    /// Where `children` or `hidden` lists it.
    pub(super) slot: Option<Slot>,
    /// Folders: what it is shown as, alone or with others.
    pub(super) directory: Option<DirectoryId>,
    /// Files: where it is shown.
    pub(super) place: Option<Place>,
    /// Files: the computed nodes beside it, in order of label and source.
    pub(super) copies: Vec<NodeId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) parent: NodeId,
    pub(super) name: Arc<str>,
    pub(super) is_shown: bool,
}

/// A version of a file that is shown beside the one that won.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    pub(super) node: NodeId,
    pub(super) source: ConflictSource,
    pub(super) label: Arc<str>,
    pub(super) place: Option<Place>,
}

/// Counts what a view has done since it was made; costs are tested with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Nodes whose registers were read or whose place was computed.
    pub nodes: u64,
    /// Steps from a folder to the one it is in, looking for cycles.
    pub steps: u64,
    /// Names in shown folders that were looked at.
    pub names: u64,
}

impl TreeView {
    /// Makes the view of an empty tree.
    pub fn new(platform: Platform) -> Self {
        let root = Directory { members: BTreeSet::from([(None, ROOT)]), ..Directory::default() };
        Self {
            platform,
            nodes: BTreeMap::new(),
            mentions: BTreeMap::new(),
            displaced: BTreeSet::new(),
            children: BTreeMap::new(),
            hidden: BTreeMap::new(),
            documents: BTreeMap::new(),
            computed: BTreeMap::new(),
            directories: BTreeMap::from([(DirectoryId::ROOT, root)]),
            next_directory: 1,
            work: Work::default(),
        }
    }

    /// Makes the view of a whole tree.
    pub fn of(platform: Platform, registers: &dyn Registers, facts: &dyn DocumentFacts) -> Self {
        let mut view = Self::new(platform);
        let mut keys = Vec::new();
        registers.for_each_key(&mut |key| keys.push(key.to_owned()));
        view.refresh(registers, keys.iter().map(String::as_str), [], facts);
        view
    }

    /// Takes over what changed and says what this does to the folder.
    ///
    /// `keys` are the registers whose values changed, `documents` the text documents that changed or of which
    /// changes began or ceased to count. The result is in an order in which each change can be applied to what the
    /// ones before it left; things that this platform cannot hold are not in it.
    pub fn refresh<'a>(
        &mut self,
        registers: &dyn Registers,
        keys: impl IntoIterator<Item = &'a str>,
        documents: impl IntoIterator<Item = DocumentId>,
        facts: &dyn DocumentFacts,
    ) -> Vec<ShownChange> {
        let mut pass = Pass::default();
        self.read(registers, keys, &mut pass);
        self.touch_documents(documents, &mut pass);
        self.link(&mut pass);
        self.place(facts, &mut pass);
        self.find_copies(facts, &mut pass);
        self.lay_out(&mut pass);
        let changes = self.changes(&pass);
        self.forget(&pass);
        changes
    }

    /// Gives what is shown at a path; `/` separates names, the root has the empty path.
    pub fn node_at(&self, path: &str) -> Option<ShownNode> {
        let (item, problem) = self.find(path)?;
        (item != Item::Folder(DirectoryId::ROOT)).then(|| self.shown_node(item, problem))
    }

    /// Gives the path of a shown node; a folder node's is that of the folder it is a part of.
    pub fn path_of(&self, node: NodeId) -> Option<String> {
        let item = if node == ROOT {
            Item::Folder(DirectoryId::ROOT)
        } else if let Some(known) = self.nodes.get(&node) {
            known.directory.map_or(Item::File(node), Item::Folder)
        } else {
            Item::Computed(node)
        };
        let path = self.item_path(item)?;
        self.find(&path).is_some().then_some(path)
    }

    /// Calls `visit` for everything shown, folders before what they hold, in the order of names.
    pub fn for_each(&self, mut visit: impl FnMut(&str, ShownNode)) {
        self.walk(|path, item, problem| {
            let hidden = problem.is_some_and(NameProblem::is_universal);
            if !hidden {
                visit(path, self.shown_node(item, problem.cloned()));
            }
            !hidden
        });
    }

    /// Gives everything shown by path.
    pub fn shown(&self) -> BTreeMap<String, ShownNode> {
        let mut shown = BTreeMap::new();
        self.for_each(|path, node| {
            shown.insert(path.to_owned(), node);
        });
        shown
    }

    /// Gives what a shown folder holds, by name; none if the path is no shown folder.
    pub fn children(&self, path: &str) -> Option<BTreeMap<String, ShownNode>> {
        let (Item::Folder(directory), inherited) = self.find(path)? else {
            return None;
        };
        let mut children = BTreeMap::new();
        for (name, entry) in &self.directories.get(&directory)?.entries {
            let problem = decisive(inherited.as_ref(), entry.problem.as_ref());
            if !problem.is_some_and(NameProblem::is_universal) {
                children.insert(name.to_string(), self.shown_node(entry.item, problem.cloned()));
            }
        }
        Some(children)
    }

    /// Gives everything that is not written to this device's disk, without what is in such folders.
    pub fn unwritten(&self) -> Vec<UnwrittenNode> {
        let mut unwritten = Vec::new();
        self.walk(|path, item, problem| {
            unwritten.extend(problem.map(|problem| UnwrittenNode {
                path: path.to_owned(),
                node: self.item_node(item),
                problem: problem.clone(),
            }));
            problem.is_none()
        });
        unwritten
    }

    /// Gives the nodes that a document is or was the content of.
    pub fn nodes_of_document(&self, document: DocumentId) -> impl Iterator<Item = NodeId> + '_ {
        self.documents.get(&document).into_iter().flatten().copied()
    }

    /// Gives every document that the tree names, among them the deleted and replaced ones.
    pub fn documents(&self) -> impl Iterator<Item = DocumentId> + '_ {
        self.documents.keys().copied()
    }

    /// Gives every blob that a register names, as a file's content or as what a document begins with: these must be
    /// kept, also those of deleted files.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobRef> + '_ {
        self.nodes.values().flat_map(|node| {
            let contents = node.record.contents.iter().map(|(_, content)| content.blob());
            contents.chain(node.record.replaced.values().map(|replaced| &replaced.base))
        })
    }

    /// Gives what a document of a file begins with, also when something took its place.
    pub fn base_of_document(&self, document: DocumentId) -> Option<&BlobRef> {
        let mut nodes = self.nodes_of_document(document);
        nodes.find_map(|node| self.nodes.get(&node)?.record.base_of(document))
    }

    /// Gives the number of nodes there are registers of, deleted ones among them.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Gives what the view has done so far.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Gives the platform that decides what is written.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    // Finds by name, also below folders that this platform cannot hold, but not what is shown nowhere.
    pub(super) fn find(&self, path: &str) -> Option<(Item, Option<NameProblem>)> {
        let mut item = Item::Folder(DirectoryId::ROOT);
        let mut problem = None;
        if path.len() > PATH_BYTES_MAX {
            return None;
        }
        for name in path.split('/').filter(|_| !path.is_empty()) {
            let Item::Folder(directory) = item else { return None };
            let entry = self.directories.get(&directory)?.entries.get(name)?;
            if entry.problem.as_ref().is_some_and(NameProblem::is_universal) {
                return None;
            }
            problem = problem.or_else(|| entry.problem.clone());
            item = entry.item;
        }
        Some((item, problem))
    }

    // The visitor is told the problem of the item or of a folder above it and answers whether to go inside.
    fn walk(&self, mut visit: impl FnMut(&str, Item, Option<&NameProblem>) -> bool) {
        let entries = |directory: &DirectoryId| {
            let directory = self.directories.get(directory);
            directory.into_iter().flat_map(|directory| &directory.entries)
        };
        let too_long = NameProblem::PathTooLong;
        let mut path = String::new();
        let mut stack = vec![(entries(&DirectoryId::ROOT), 0, None)];
        while let Some((rest, length, inherited)) = stack.last_mut() {
            path.truncate(*length);
            let Some((name, entry)) = rest.next() else {
                stack.pop();
                continue;
            };
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
            let mut problem = decisive(*inherited, entry.problem.as_ref());
            if path.len() > PATH_BYTES_MAX {
                problem = Some(&too_long);
            }
            let goes_inside = visit(&path, entry.item, problem);
            if let (Item::Folder(directory), true) = (entry.item, goes_inside) {
                stack.push((entries(&directory), path.len(), problem));
            }
        }
    }

    fn shown_node(&self, item: Item, problem: Option<NameProblem>) -> ShownNode {
        let (kind, of, source) = match item {
            Item::Folder(_) => (NodeKind::Folder, None, None),
            Item::File(node) => (NodeKind::File, Some(node), None),
            Item::Computed(id) => {
                let computed = self.computed.get(&id);
                (NodeKind::File, computed.map(|c| c.node), computed.map(|c| c.source))
            }
        };
        let record = of.and_then(|node| self.nodes.get(&node)).map(|node| &node.record);
        let content = record.and_then(|record| match source {
            None => record.content().cloned(),
            Some(source) => record.version(source),
        });
        ShownNode {
            node: self.item_node(item),
            kind,
            executable: record.is_some_and(|record| record.executable),
            content,
            computed: of.zip(source).map(|(of, source)| ComputedNode { of, source }),
            problem,
        }
    }

    pub(super) fn item_node(&self, item: Item) -> NodeId {
        match item {
            Item::Folder(directory) => self.rank_of(directory).1,
            Item::File(node) | Item::Computed(node) => node,
        }
    }

    pub(super) fn rank_of(&self, directory: DirectoryId) -> Ranked {
        let members = self.directories.get(&directory).map(|found| &found.members);
        members.and_then(|members| members.first()).copied().unwrap_or((None, ROOT))
    }

    pub(super) fn item_place(&self, item: Item) -> Option<&Place> {
        match item {
            Item::Folder(directory) => self.directories.get(&directory)?.place.as_ref(),
            Item::File(node) => self.nodes.get(&node)?.place.as_ref(),
            Item::Computed(id) => self.computed.get(&id)?.place.as_ref(),
        }
    }

    pub(super) fn item_path(&self, mut item: Item) -> Option<String> {
        let mut names = Vec::new();
        while item != Item::Folder(DirectoryId::ROOT) {
            let place = self.item_place(item)?;
            names.push(&*place.name);
            item = Item::Folder(place.directory);
        }
        names.reverse();
        Some(names.join("/"))
    }
}

/// The problem that counts for what is in a folder: its own when every device has it, for then it is shown nowhere, and
/// else that of the folder.
fn decisive<'a>(inherited: Option<&'a NameProblem>, own: Option<&'a NameProblem>) -> Option<&'a NameProblem> {
    own.filter(|problem| problem.is_universal()).or(inherited).or(own)
}

impl Default for TreeView {
    fn default() -> Self {
        Self::new(Platform::default())
    }
}
