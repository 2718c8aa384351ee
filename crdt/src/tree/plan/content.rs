//! New content of files, with what stands beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{PlanError, Planner, Target};
use crate::tree::content::{BlobRef, ContentValue};
use crate::tree::ids::document_id;
use crate::tree::key::Field;
use crate::tree::shown::ConflictSource;
use crate::tree::value::{Replaced, unite};
use crate::{DocumentId, NodeId, Value, Version};

impl Planner<'_> {
    /// Plans that a file holds these bytes from now on.
    ///
    /// A version that is shown beside a file becomes a file of its own with them.
    pub fn write_content(&mut self, path: &str, content: BlobRef) -> Result<NodeId, PlanError> {
        match self.existing(path)? {
            Target::Folder(_) => Err(PlanError::NotAFile { path: path.to_owned() }),
            Target::File(node) => {
                let content = ContentValue::Blob(content);
                if self.content_of(node).as_deref() != Some(&content) {
                    self.replace_content(node, path, Arc::new(content), &BTreeSet::new());
                }
                Ok(node)
            }
            Target::Computed(copy) => self.make_real(copy, path, path, Some(content)),
        }
    }

    /// Plans that a file's blob becomes a text document, and names the document.
    ///
    /// Everybody who converts the same file finds the same document. A file that is one already stays as it is.
    pub fn convert(&mut self, path: &str) -> Result<DocumentId, PlanError> {
        let node = match self.existing(path)? {
            Target::Folder(_) => return Err(PlanError::NotAFile { path: path.to_owned() }),
            Target::File(node) => node,
            Target::Computed(copy) => {
                let source = self.view.computed.get(&copy).map(|computed| computed.source);
                return match source {
                    Some(ConflictSource::Document(document)) => Ok(document),
                    _ => Err(PlanError::NoBlob { path: path.to_owned() }),
                };
            }
        };
        let base = match self.content_of(node).as_deref() {
            Some(ContentValue::Text { document, .. }) => return Ok(*document),
            Some(ContentValue::Blob(blob)) => blob.clone(),
            None => return Err(PlanError::NoBlob { path: path.to_owned() }),
        };
        let mut number = 0;
        let document = loop {
            let document = document_id(node, base.content, number);
            if !self.has_been_replaced(node, document) {
                break document;
            }
            number += 1;
        };
        let content = ContentValue::Text { document, base };
        self.replace_content(node, path, Arc::new(content), &BTreeSet::new());
        Ok(document)
    }

    fn has_been_replaced(&self, node: NodeId, document: DocumentId) -> bool {
        let known = self.view.nodes.get(&node);
        let planned = self.edits.get(&node).map(|edits| &edits.fields);
        known.is_some_and(|known| known.record.replaced.contains_key(&document))
            || planned.is_some_and(|fields| fields.contains_key(&Field::Replaced(document)))
    }

    /// Writes content over all surviving values, keeping every version that is not given up.
    pub(super) fn replace_content(
        &mut self,
        node: NodeId,
        path: &str,
        content: Arc<ContentValue>,
        given_up: &BTreeSet<ConflictSource>,
    ) {
        let is_planned = self.edits.get(&node).is_some_and(|edits| edits.content.is_some());
        let current = self.content_of(node);
        let new_document = content.document();
        // What this plan wrote itself stands alone; nobody else can have written beside it.
        if let (false, Some(known)) = (is_planned, self.view.nodes.get(&node)) {
            let copies = known.copies.iter().filter_map(|id| self.view.computed.get(id));
            let kept: BTreeSet<ConflictSource> = copies
                .map(|computed| computed.source)
                .filter(|source| !given_up.contains(source) && !is_shown_by(&content, *source))
                .collect();
            self.keep_versions(node, &kept);
            let documents: BTreeSet<_> = known.record.documents().collect();
            for document in documents.into_iter().filter(|document| Some(*document) != new_document) {
                let source = ConflictSource::Document(document);
                let was_winner = current.as_ref().and_then(|c| c.document()) == Some(document);
                if was_winner || given_up.contains(&source) {
                    self.write_replaced(node, path, document, true);
                } else if !known.record.replaced.contains_key(&document) {
                    // Nothing names the document any more; edits that are on their way must find it.
                    self.write_replaced(node, path, document, !kept.contains(&source));
                }
            }
        } else if let Some(ContentValue::Text { document, base }) = current.as_deref()
            && Some(*document) != new_document
        {
            let value = Replaced { heads: self.facts.heads(*document), base: base.clone() };
            self.set(node, path, Field::Replaced(*document), Some(Value::Bytes(value.encode())));
        }
        self.set_content(node, path, content);
    }

    fn write_replaced(&mut self, node: NodeId, path: &str, document: DocumentId, is_seen: bool) {
        let Some(known) = self.view.nodes.get(&node) else { return };
        let Some(base) = known.record.base_of(document) else { return };
        let seen = known.record.seen_when_replaced(document);
        let heads = match is_seen {
            true => unite(&seen, &self.facts.heads(document)),
            false => Version::default(),
        };
        let value = Replaced { heads, base: base.clone() };
        self.set(node, path, Field::Replaced(document), Some(Value::Bytes(value.encode())));
    }

    // Writing the register ends all its values, so a blob that nobody gave up becomes a file of its own, under the
    // name it is shown by. A document stays named by its `r.` register.
    fn keep_versions(&mut self, node: NodeId, kept: &BTreeSet<ConflictSource>) {
        let Some(known) = self.view.nodes.get(&node) else { return };
        for copy in &known.copies {
            let Some(computed) = self.view.computed.get(copy) else { continue };
            if !kept.contains(&computed.source) || !matches!(computed.source, ConflictSource::Blob(_)) {
                continue;
            }
            let path = self.view.item_path(crate::tree::directory::Item::Computed(*copy));
            let content = known.record.version(computed.source);
            if let (Some(path), Some(content)) = (path, content) {
                self.make_file_of(&path, *copy, content.blob().clone(), known.record.executable);
            }
        }
    }

    fn make_file_of(
        &mut self,
        path: &str,
        copy: NodeId,
        content: BlobRef,
        executable: bool,
    ) -> Option<NodeId> {
        let (folder, name) = self.place_for(path).ok()?;
        // Somebody may have planned something else under the name that the version was shown by.
        if !matches!(self.child(&folder, name), Some(Target::Computed(id)) if id == copy) {
            let place = self.view.computed.get(&copy)?.place.as_ref()?;
            let members = self.view.directories.get(&place.directory)?.members.iter();
            let folder = super::Folder {
                directory: Some(place.directory),
                members: members.map(|(_, node)| *node).collect(),
            };
            return Some(self.make_file(&folder, path, &place.name.clone(), content, executable).node());
        }
        Some(self.make_file(&folder, path, name, content, executable).node())
    }

    /// Makes a version that is shown beside a file a file of its own, and gives the version up.
    pub(super) fn make_real(
        &mut self,
        copy: NodeId,
        from: &str,
        to: &str,
        content: Option<BlobRef>,
    ) -> Result<NodeId, PlanError> {
        let not_found = || PlanError::NotFound { path: from.to_owned() };
        let computed = self.view.computed.get(&copy).ok_or_else(not_found)?;
        let record = &self.view.nodes.get(&computed.node).ok_or_else(not_found)?.record;
        let content = match (content, computed.source) {
            (Some(content), _) => content,
            (None, ConflictSource::Document(document)) => {
                return Err(PlanError::NeedsContent { path: from.to_owned(), document });
            }
            (None, source) => record.version(source).ok_or_else(not_found)?.blob().clone(),
        };
        let (folder, name) = self.place_for(to)?;
        self.forget_name(from)?;
        let node = self.make_file(&folder, to, name, content, record.executable).node();
        self.give_up(computed.node, &BTreeSet::from([computed.source]));
        Ok(node)
    }

    /// Plans that versions beside a file are no longer shown.
    pub(super) fn give_up(&mut self, node: NodeId, sources: &BTreeSet<ConflictSource>) {
        let Some(known) = self.view.nodes.get(&node) else { return };
        let Some(path) = self.view.item_path(crate::tree::directory::Item::File(node)) else { return };
        let named_by_content = sources.iter().any(|source| match source {
            ConflictSource::Blob(_) => true,
            ConflictSource::Document(document) => {
                let mut contents = known.record.contents.iter();
                contents.any(|(_, content)| content.document() == Some(*document))
            }
        });
        match self.content_of(node) {
            Some(winner) if named_by_content => self.replace_content(node, &path, winner, sources),
            _ => {
                for source in sources {
                    if let ConflictSource::Document(document) = source {
                        self.write_replaced(node, &path, *document, true);
                    }
                }
            }
        }
    }

    pub(super) fn forget_name(&mut self, path: &str) -> Result<(), PlanError> {
        let (folder, name) = self.place_for(path)?;
        self.set_name(&folder, name, None);
        Ok(())
    }
}

// Writing the version itself keeps it.
fn is_shown_by(content: &ContentValue, source: ConflictSource) -> bool {
    match source {
        ConflictSource::Blob(id) => content.blob().content == id,
        ConflictSource::Document(document) => content.document() == Some(document),
    }
}
