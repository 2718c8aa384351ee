//! Edits of ours whose file somebody began who was put out.
//!
//! A file becomes a text document by a change of the tree, made by whoever edits it first. When that change does not
//! count any more, edits of others that were made on the text still do, and no file shows them. Whoever made such
//! edits says once more that the file is this text. Nothing else that the removed person's change said counts
//! thereby: a device never takes a change of a removed person for the sake of a text that it names.

use std::collections::BTreeMap;

use weft_crdt::tree::{BlobRef, ContentValue, Created, Field, Planner, RegisterKey, TreeView};
use weft_crdt::{Change, DocumentId, NodeId, RegisterEdit, Value};
use weft_sync::acl::Class;
use weft_sync::data::Origin;

use super::engine::{Engine, Output};
use super::people::People;
use super::waiting::ItemRef;
use crate::api::EditAction;

/// Texts that nothing that counts makes a file any more, as far as is known, and what made them one.
#[derive(Debug, Default)]
pub(super) struct WithdrawnTexts {
    texts: BTreeMap<DocumentId, WithdrawnText>,
}

#[derive(Debug)]
struct WithdrawnText {
    node: NodeId,
    base: BlobRef,
}

/// The texts that a change of the tree makes files to, with the file and what they begin with.
fn texts_begun(change: &Change) -> impl Iterator<Item = (DocumentId, WithdrawnText)> {
    change.register_writes().filter_map(|(key, value)| {
        let key = RegisterKey::parse(key).filter(|key| matches!(key.field, Field::Content))?;
        let Some(Value::Bytes(bytes)) = value else { return None };
        match ContentValue::decode(bytes) {
            Ok(ContentValue::Text { document, base }) => {
                Some((document, WithdrawnText { node: key.node, base }))
            }
            _ => None,
        }
    })
}

impl Engine {
    /// Notes the texts that a change of the tree began which does not count.
    pub(super) fn note_withdrawn(&mut self, change: &Change) {
        let documents = self.documents.get_mut();
        let edited = texts_begun(change).filter(|(document, _)| documents.is_edited(*document));
        self.withdrawn_texts.texts.extend(edited);
    }

    /// Says once more of texts that we have edited which files they are.
    pub(super) fn begin_again(&mut self) {
        for (document, begun) in std::mem::take(&mut self.withdrawn_texts.texts) {
            let is_named = self.view.nodes_of_document(document).next().is_some();
            if is_named || self.replica.own_class() < Some(Class::Editor) || !self.have_edited(document) {
                continue;
            }
            if let Err(reason) = self.begin_text_again(document, &begun) {
                tracing::warn!(%document, "edits of ours are shown nowhere: {reason}");
            }
        }
    }

    fn have_edited(&self, document: DocumentId) -> bool {
        let own = Some(self.replica.user());
        let changes = self.documents.borrow().changes(document, &self.replica);
        changes.is_ok_and(|changes| changes.iter().any(|by| self.authors.of_log(&by.entry.log) == own))
    }

    fn begin_text_again(&mut self, document: DocumentId, begun: &WithdrawnText) -> Result<(), String> {
        let edits = self.path_of(begun.node).and_then(|path| self.plan_text(&path, None, document));
        if let Some(edits) = edits {
            return self.write_tree(&edits);
        }
        // The file is gone as well, or something else: it is made anew, where it was.
        let path = self.path_with_withdrawn(begun.node).ok_or("the file had been deleted")?;
        if let Some(edits) = self.plan_text(&path, Some(&begun.base), document) {
            return self.write_tree(&edits);
        }
        self.bases.entry(document).or_insert_with(|| begun.base.clone());
        let text = self.with_text(document, |text| text.text()).map_err(|error| error.to_string())?;
        self.make_copy(&path, text)
    }

    /// The edits that make the file at a path this text; before that, a file with this content is made there.
    fn plan_text(
        &self,
        path: &str,
        create: Option<&BlobRef>,
        document: DocumentId,
    ) -> Option<Vec<RegisterEdit>> {
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        if let Some(content) = create {
            let created = planner.create_file_beside(path, content.clone(), false).ok()?;
            if !matches!(created, Created::Written(_)) {
                return None;
            }
        }
        let is_same = planner.convert(path).is_ok_and(|found| found == document);
        is_same.then(|| planner.finish())
    }

    /// Makes a file of its own with this text.
    fn make_copy(&mut self, path: &str, text: String) -> Result<(), String> {
        let contents = self.contents.as_ref().ok_or("its key is not here")?;
        let blob = contents.import(text.as_bytes()).map_err(|error| error.to_string())?;
        let sync = vec![weft_store::Write::SyncChunks];
        self.out.push(Output::Commit { batch: None, writes: sync, own: Vec::new() });
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        let created = planner.create_file_beside(path, blob, false).map_err(|error| error.to_string())?;
        let edits = planner.finish();
        self.write_tree(&edits)?;
        if let Created::CameBack { node, .. } = created {
            // A deleted file has its old text again; what was asked for is an edit of it.
            let path = self.path_of(node).ok_or("the file did not come back")?;
            self.edit(&path, &EditAction::Replace { text }).map_err(|error| error.message)?;
        }
        Ok(())
    }

    fn write_tree(&mut self, edits: &[RegisterEdit]) -> Result<(), String> {
        let mut made = Vec::new();
        let dirty = self.edit_tree(edits, &mut made).map_err(|error| error.message)?;
        self.write(Origin::Repeated, made, None);
        self.settle(dirty);
        Ok(())
    }

    /// Where a file would be if all counted that does not.
    fn path_with_withdrawn(&self, node: NodeId) -> Option<String> {
        let mut tree = self.tree.clone();
        let mut open: Vec<ItemRef> = self.waiting.aside_of(tree.id());
        loop {
            let before = open.len();
            open.retain(|item| {
                let arrived = self.read_item(*item);
                arrived.is_some_and(|arrived| !arrived.is_taken_by(&mut tree))
            });
            if open.len() == before || open.is_empty() {
                break;
            }
        }
        TreeView::of(self.view.platform(), &tree, &self.facts()).path_of(node)
    }
}
