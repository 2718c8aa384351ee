//! Versions of a file that are shown beside the one that won.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::ContentValue;
use super::facts::DocumentFacts;
use super::key::NodeKind;
use super::pass::{Pass, has_versions};
use super::record::Record;
use super::shown::ConflictSource;
use super::view::{Computed, TreeView};
use crate::{ContentId, NodeId};

impl TreeView {
    /// Finds the computed nodes of every file whose content, documents or deletion changed.
    pub(super) fn find_copies(&mut self, facts: &dyn DocumentFacts, pass: &mut Pass) {
        for (id, touched) in &pass.touched {
            let Some(node) = self.nodes.get_mut(id) else { continue };
            if !(touched.content || touched.placement) {
                continue;
            }
            let found = if node.record.kind == Some(NodeKind::File) && has_versions(&node.record) {
                sources(&node.record, facts)
            } else {
                Vec::new()
            };
            if found.is_empty() && node.copies.is_empty() {
                continue;
            }
            let copies: Vec<NodeId> = found.iter().map(|(_, s)| computed_id(*id, *s)).collect();
            let mut differs = copies != node.copies;
            pass.copies_gone.extend(node.copies.iter().copied());
            for (copy, (label, source)) in copies.iter().zip(found) {
                let computed = self.computed.entry(*copy).or_insert_with(|| Computed {
                    node: *id,
                    source,
                    label: label.clone(),
                    place: None,
                });
                differs |= computed.label != label;
                computed.label = label;
            }
            node.copies = copies;
            if let (Some(slot), true) = (&node.slot, differs) {
                pass.dirty.insert((slot.parent, slot.name.clone()));
            }
        }
    }

    /// Drops computed nodes that are none any more.
    pub(super) fn forget(&mut self, pass: &Pass) {
        for copy in &pass.copies_gone {
            let Some(computed) = self.computed.get(copy) else { continue };
            let node = self.nodes.get(&computed.node);
            if !node.is_some_and(|node| node.copies.contains(copy)) {
                self.computed.remove(copy);
            }
        }
        for id in pass.touched.keys() {
            let is_empty = self.nodes.get(id).is_some_and(|node| node.record.is_empty());
            if is_empty {
                self.nodes.remove(id);
            }
        }
    }
}

/// Gives the versions of a file that did not win and hold what nobody gave up, by label and source.
fn sources(record: &Record, facts: &dyn DocumentFacts) -> Vec<(Arc<str>, ConflictSource)> {
    let winner = record.content().map(|content| &**content);
    let winning_document = winner.and_then(ContentValue::document);
    let shown_blob: Option<ContentId> = winner.map(|content| content.blob().content);
    let mut found: BTreeMap<ConflictSource, Arc<str>> = BTreeMap::new();
    for (id, content) in &record.contents {
        if let ContentValue::Blob(blob) = &**content
            && Some(blob.content) != shown_blob
        {
            // Ascending, so the greatest of several operations with the same content gives the name.
            let label = facts.author(id).name_part().into();
            found.insert(ConflictSource::Blob(blob.content), label);
        }
    }
    let documents: BTreeSet<_> = record.documents().collect();
    for document in documents.into_iter().filter(|document| Some(*document) != winning_document) {
        let seen = record.seen_when_replaced(document);
        if facts.counting_beyond(document, &seen) {
            let label = facts.author_beyond(document, &seen).name_part().into();
            found.insert(ConflictSource::Document(document), label);
        }
    }
    let mut sources: Vec<_> = found.into_iter().map(|(source, label)| (label, source)).collect();
    sources.sort_unstable();
    sources
}

/// Names a computed node: the same on every device.
fn computed_id(node: NodeId, source: ConflictSource) -> NodeId {
    let mut hasher = blake3::Hasher::new_derive_key("weft 2026 computed node v1");
    hasher.update(node.as_bytes());
    match source {
        ConflictSource::Blob(content) => hasher.update(&[0]).update(content.as_bytes()),
        ConflictSource::Document(document) => hasher.update(&[1]).update(document.as_bytes()),
    };
    super::ids::first_16(&hasher)
}
