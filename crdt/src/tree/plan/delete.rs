//! Deleting: a move to the trash that says what was seen.

use std::collections::{BTreeMap, BTreeSet};

use super::{Folder, PlanError, Planner, Target};
use crate::tree::content::ContentValue;
use crate::tree::key::Field;
use crate::tree::shown::ConflictSource;
use crate::{NodeId, Value};

/// What is to go.
#[derive(Default)]
struct Doomed {
    folders: Vec<(NodeId, String)>,
    files: BTreeMap<NodeId, DoomedFile>,
}

#[derive(Default)]
struct DoomedFile {
    /// Where the file itself is, if it is to go and not only versions beside it.
    path: Option<String>,
    versions: BTreeSet<ConflictSource>,
}

impl Planner<'_> {
    /// Plans that files and folders with all they hold are deleted.
    ///
    /// All that goes at the same time has to be given in one call: a file that goes without a version shown beside
    /// it leaves its name to that version, and one that goes with all of them is deleted.
    pub fn delete(&mut self, paths: &[&str]) -> Result<(), PlanError> {
        let mut targets = Vec::new();
        for path in paths {
            if path.is_empty() {
                return Err(PlanError::NotAFile { path: String::new() });
            }
            targets.push((self.existing(path)?, (*path).to_owned()));
        }
        for path in paths {
            // A folder that was named before may have taken it along.
            if self.find(path)?.is_some() {
                self.forget_name(path)?;
            }
        }
        let mut doomed = Doomed::default();
        self.collect(targets, &mut doomed);
        for (node, path) in doomed.folders {
            self.set_trashed(node, &path);
        }
        for (node, file) in doomed.files {
            self.delete_file(node, file);
        }
        Ok(())
    }

    fn collect(&self, mut targets: Vec<(Target, String)>, doomed: &mut Doomed) {
        while let Some((target, path)) = targets.pop() {
            match target {
                Target::Folder(folder) => {
                    targets.extend(self.inside(&folder, &path));
                    doomed.folders.extend(folder.members.iter().map(|node| (*node, path.clone())));
                }
                Target::File(node) => doomed.files.entry(node).or_default().path = Some(path),
                Target::Computed(copy) => {
                    if let Some(computed) = self.view.computed.get(&copy) {
                        let file = doomed.files.entry(computed.node).or_default();
                        file.versions.insert(computed.source);
                    }
                }
            }
        }
    }

    // Also what no disk can hold goes with its folder.
    fn inside(&self, folder: &Folder, path: &str) -> Vec<(Target, String)> {
        let planned = self.names.get(&folder.first());
        let is_planned = |name: &str| planned.is_some_and(|names| names.contains_key(name));
        let directory = folder.directory.and_then(|id| self.view.directories.get(&id));
        let shown = directory.into_iter().flat_map(|directory| &directory.entries);
        let shown = shown
            .filter(|(name, _)| !is_planned(name))
            .map(|(name, entry)| (self.target(entry.item), format!("{path}/{name}")));
        let planned = planned.into_iter().flatten();
        let planned = planned.filter_map(|(name, target)| Some((target.clone()?, format!("{path}/{name}"))));
        shown.chain(planned).collect()
    }

    fn delete_file(&mut self, node: NodeId, file: DoomedFile) {
        let Some(path) = file.path else {
            self.give_up(node, &file.versions);
            return;
        };
        let copies = self.view.nodes.get(&node).into_iter().flat_map(|known| &known.copies);
        let sources = copies.filter_map(|copy| Some(self.view.computed.get(copy)?.source));
        let left: BTreeSet<_> = sources.filter(|source| !file.versions.contains(source)).collect();
        let is_planned = self.edits.get(&node).is_some_and(|edits| edits.content.is_some());
        match self.next_version(node, &left).filter(|_| !is_planned) {
            Some(next) => self.replace_content(node, &path, next, &file.versions),
            None => self.trash_file(node, &path),
        }
    }

    fn next_version(
        &self,
        node: NodeId,
        left: &BTreeSet<ConflictSource>,
    ) -> Option<std::sync::Arc<ContentValue>> {
        let record = &self.view.nodes.get(&node)?.record;
        let source = |content: &ContentValue| match content {
            ContentValue::Blob(blob) => ConflictSource::Blob(blob.content),
            ContentValue::Text { document, .. } => ConflictSource::Document(*document),
        };
        let mut contents = record.contents.iter().rev().map(|(_, content)| source(content));
        let next = contents.find(|source| left.contains(source)).or(left.first().copied())?;
        record.version(next)
    }

    fn trash_file(&mut self, node: NodeId, path: &str) {
        let mut seen = Default::default();
        if let Some(known) = self.view.nodes.get(&node) {
            seen = known.record.deleted_at.clone().unwrap_or_default();
            for document in known.record.documents() {
                seen.add_document(document, &self.facts.heads(document));
            }
            for (_, content) in &known.record.contents {
                if let ContentValue::Blob(blob) = &**content {
                    seen.add_blob(blob.content);
                }
            }
        }
        match self.content_of(node).as_deref() {
            Some(ContentValue::Blob(blob)) => seen.add_blob(blob.content),
            Some(ContentValue::Text { document, .. }) => {
                seen.add_document(*document, &self.facts.heads(*document));
            }
            None => {}
        }
        self.set_trashed(node, path);
        self.set(node, path, Field::DeletedAt, Some(Value::Bytes(seen.encode())));
    }
}
