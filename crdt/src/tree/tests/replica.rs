//! Devices that edit one tree and tell each other when the test says so.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::Disk;
use crate::tree::{
    AuthorName, BlobRef, ChunkList, ChunkRef, ContentValue, Created, DocumentFacts, PlanError, Planner,
    Platform, TreeView, Work, check_register,
};
use crate::{
    ActorId, Author, Change, ChangeHash, ChunkId, ContentId, DocumentId, OpId, RegisterEdit, TreeApplied,
    TreeDocument, Version,
};

pub(super) const WORKSPACE: [u8; 32] = [42; 32];
pub(super) const NAMES: [&str; 4] = ["Ana", "Ben", "Cy", "Dora"];

/// The changes of text documents, as far as the tree cares.
#[derive(Debug, Clone, Default)]
pub(super) struct Documents {
    changes: BTreeMap<DocumentId, BTreeMap<ChangeHash, Edit>>,
}

#[derive(Debug, Clone)]
struct Edit {
    author: usize,
    deps: Version,
}

impl Documents {
    pub(super) fn edit(&mut self, document: DocumentId, author: usize) {
        let deps = self.heads(document);
        let changes = self.changes.entry(document).or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(document.as_bytes()).update(&[author as u8]);
        hasher.update(&changes.len().to_le_bytes());
        for dep in deps.hashes() {
            hasher.update(dep.as_bytes());
        }
        let hash = ChangeHash::from_bytes(*hasher.finalize().as_bytes());
        changes.insert(hash, Edit { author, deps });
    }

    pub(super) fn count(&self, document: DocumentId) -> usize {
        self.changes.get(&document).map_or(0, BTreeMap::len)
    }

    fn merge(&mut self, other: &Self) -> Vec<DocumentId> {
        let mut changed = Vec::new();
        for (document, changes) in &other.changes {
            let own = self.changes.entry(*document).or_default();
            let before = own.len();
            own.extend(changes.iter().map(|(hash, edit)| (*hash, edit.clone())));
            if own.len() > before {
                changed.push(*document);
            }
        }
        changed
    }

    fn beyond(&self, document: DocumentId, seen: &Version) -> Option<(&ChangeHash, &Edit)> {
        let changes = self.changes.get(&document)?;
        let mut closure: BTreeSet<ChangeHash> = BTreeSet::new();
        let mut stack: Vec<_> = seen.hashes().to_vec();
        while let Some(hash) = stack.pop() {
            if let Some(edit) = changes.get(&hash).filter(|_| closure.insert(hash)) {
                stack.extend(edit.deps.hashes());
            }
        }
        changes.iter().find(|(hash, _)| !closure.contains(*hash))
    }
}

impl DocumentFacts for Documents {
    fn counting_beyond(&self, document: DocumentId, seen: &Version) -> bool {
        self.beyond(document, seen).is_some()
    }

    fn heads(&self, document: DocumentId) -> Version {
        let Some(changes) = self.changes.get(&document) else { return Version::default() };
        let inner: BTreeSet<_> = changes.values().flat_map(|edit| edit.deps.hashes()).collect();
        Version::new(changes.keys().filter(|hash| !inner.contains(hash)).copied())
    }

    fn author(&self, operation: &OpId) -> AuthorName {
        let bytes = operation.actor.as_bytes();
        let label = match bytes {
            [first, rest @ ..] if rest.iter().all(|byte| byte == first) => NAMES[usize::from(*first)],
            _ => "Batch",
        };
        AuthorName { label: label.to_owned(), user: operation.actor.to_string() }
    }

    fn author_beyond(&self, document: DocumentId, seen: &Version) -> AuthorName {
        let (_, edit) = self.beyond(document, seen).expect("a change beyond");
        AuthorName { label: NAMES[edit.author].to_owned(), user: "00".repeat(32) }
    }
}

/// Bytes that are told apart by a number.
pub(super) fn blob(number: u8) -> BlobRef {
    let chunk = ChunkRef { chunk: ChunkId::from_bytes([number; 32]), plain_hash: [number; 32], size: 1 };
    BlobRef { content: ContentId::from_bytes([number; 32]), size: 1, chunks: ChunkList::Inline(vec![chunk]) }
}

/// One device. Its disk follows the steps of its view; both are compared with a fresh view after each of them.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    pub(super) number: usize,
    pub(super) tree: TreeDocument,
    changes: Vec<Change>,
    pub(super) documents: Documents,
    pub(super) view: TreeView,
    disk: Disk,
    /// Whether every step is compared with a view made anew.
    pub(super) checks: bool,
}

impl Replica {
    pub(super) fn new(number: usize, platform: Platform) -> Self {
        Self {
            number,
            tree: TreeDocument::new(crate::tree::tree_document_id(&WORKSPACE)),
            changes: Vec::new(),
            documents: Documents::default(),
            view: TreeView::new(platform),
            disk: Disk::default(),
            checks: true,
        }
    }

    /// Plans something, writes it and looks at the result.
    pub(super) fn plan<T>(
        &mut self,
        act: impl FnOnce(&mut Planner<'_>) -> Result<T, PlanError>,
    ) -> Result<T, PlanError> {
        let mut planner = Planner::new(&self.view, &self.documents, &WORKSPACE);
        let done = act(&mut planner)?;
        let edits = planner.finish();
        for edit in &edits {
            check_register(&edit.key, edit.value.as_ref()).unwrap();
        }
        self.write(&edits);
        Ok(done)
    }

    pub(super) fn write(&mut self, edits: &[RegisterEdit]) -> Work {
        let actor = ActorId::from([self.number as u8; 16]);
        let edited = self.tree.edit(Author::Session(actor), edits, 0).unwrap();
        self.changes.extend(edited.changes);
        self.refresh(&edited.changed_keys, &[])
    }

    /// Saves a file as a mirror does that found it on the disk.
    pub(super) fn put(&mut self, path: &str, number: u8) -> Result<(), PlanError> {
        if self.view.node_at(path).is_some() {
            return self.plan(|planner| planner.write_content(path, blob(number)).map(|_| ()));
        }
        let created = self.plan(|planner| planner.create_file(path, blob(number), false))?;
        match created {
            Created::Written(_) => Ok(()),
            Created::CameBack { content, .. } => match &*content {
                ContentValue::Blob(_) => {
                    self.plan(|planner| planner.write_content(path, blob(number)).map(|_| ()))
                }
                ContentValue::Text { document, base } => {
                    if self.documents.count(*document) > 0 || base.content != blob(number).content {
                        self.type_into(*document);
                    }
                    Ok(())
                }
            },
        }
    }

    /// Edits a file as somebody does in the window.
    pub(super) fn edit(&mut self, path: &str) -> Result<(), PlanError> {
        let document = self.plan(|planner| planner.convert(path))?;
        self.type_into(document);
        Ok(())
    }

    fn type_into(&mut self, document: DocumentId) {
        self.documents.edit(document, self.number);
        self.refresh(&[], &[document]);
    }

    /// Takes over what another device has, in the order it has it.
    pub(super) fn receive(&mut self, other: &Self) {
        let missing: Vec<_> =
            other.changes.iter().filter(|c| !self.tree.contains(&c.hash())).cloned().collect();
        self.receive_changes(&missing);
        self.receive_documents(other);
    }

    pub(super) fn receive_documents(&mut self, other: &Self) {
        let documents = self.documents.merge(&other.documents);
        self.refresh(&[], &documents);
    }

    pub(super) fn missing_from(&self, other: &Self) -> Vec<Change> {
        other.changes.iter().filter(|change| !self.tree.contains(&change.hash())).cloned().collect()
    }

    /// Applies what can be applied; gives back whether anything was.
    pub(super) fn receive_changes(&mut self, changes: &[Change]) -> bool {
        let mut keys = BTreeSet::new();
        let mut progress = false;
        for change in changes {
            if let TreeApplied::Applied { changed_keys } = self.tree.apply(change, &change.actor()).unwrap() {
                keys.extend(changed_keys);
                self.changes.push(change.clone());
                progress = true;
            }
        }
        let keys: Vec<_> = keys.into_iter().collect();
        self.refresh(&keys, &[]);
        progress
    }

    pub(super) fn refresh(&mut self, keys: &[String], documents: &[DocumentId]) -> Work {
        let before = self.view.work();
        let keys = keys.iter().map(String::as_str);
        let changes = self.view.refresh(&self.tree, keys, documents.iter().copied(), &self.documents);
        let after = self.view.work();
        if self.checks {
            self.disk.apply(&changes, &self.view);
            self.check();
        }
        Work {
            nodes: after.nodes - before.nodes,
            steps: after.steps - before.steps,
            names: after.names - before.names,
        }
    }

    /// Compares the view with one made anew, and the disk with the view.
    pub(super) fn check(&self) {
        self.check_view();
        self.disk.check(&self.view);
    }

    /// Compares the view with one made anew.
    pub(super) fn check_view(&self) {
        let fresh = TreeView::of(self.view.platform(), &self.tree, &self.documents);
        assert_eq!(self.view.shown(), fresh.shown());
        assert_eq!(self.view.unwritten(), fresh.unwritten());
        assert_eq!(self.view.mentions, fresh.mentions);
        assert_eq!(self.view.displaced, fresh.displaced);
        assert_eq!(self.view.children, fresh.children);
        assert_eq!(self.view.hidden, fresh.hidden);
        assert_eq!(self.view.documents, fresh.documents);
        assert_eq!(self.view.directories.len(), fresh.directories.len());
        assert!(self.view.computed.keys().eq(fresh.computed.keys()));
        self.view.for_each(|path, node| {
            assert_eq!(self.view.node_at(path).as_ref(), Some(&node), "{path}");
            assert_eq!(self.view.path_of(node.node).as_deref(), Some(path), "{node:?}");
        });
    }

    /// Gives every document that somebody edited, and whether whoever replaced or deleted it saw all of that.
    pub(super) fn documents_with_edits(&self) -> Vec<(DocumentId, bool)> {
        let edited = self.documents.changes.iter().filter(|(_, changes)| !changes.is_empty());
        let seen = edited.map(|(document, _)| {
            let node = self.view.nodes_of_document(*document).next().expect("the file of a document");
            let record = &self.view.nodes[&node].record;
            let deleted = record.deleted_at.as_ref().and_then(|deleted| deleted.document(*document));
            let replaced = record.seen_when_replaced(*document);
            let heads = [Some(&replaced), deleted];
            let hashes = heads.into_iter().flatten().flat_map(Version::hashes).copied();
            (*document, !self.documents.counting_beyond(*document, &Version::new(hashes)))
        });
        seen.collect()
    }

    /// Writes the shown tree as lines: `folder/`, `file = 1`, `text = text 1+2`, with `!` and `?` for executable and
    /// computed ones.
    pub(super) fn render(&self) -> String {
        let mut lines = Vec::new();
        self.view.for_each(|path, node| {
            let content = match node.content.as_deref() {
                Some(ContentValue::Blob(blob)) => format!(" = {}", blob.content.as_bytes()[0]),
                Some(ContentValue::Text { document, base }) => {
                    let count = self.documents.count(*document);
                    format!(" = text {}+{count}", base.content.as_bytes()[0])
                }
                None if node.kind == crate::tree::NodeKind::Folder => "/".to_owned(),
                None => " = nothing".to_owned(),
            };
            let executable = if node.executable { " !" } else { "" };
            let computed = if node.computed.is_some() { " ?" } else { "" };
            lines.push(format!("{path}{content}{executable}{computed}"));
        });
        lines.sort();
        lines.join("\n")
    }
}

/// Lets everybody know everything.
pub(super) fn sync(replicas: &mut [Replica]) {
    for _ in 0..2 {
        for to in 0..replicas.len() {
            for from in 0..replicas.len() {
                let other = replicas[from].clone();
                replicas[to].receive(&other);
            }
        }
    }
}
