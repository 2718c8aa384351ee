//! Edits of ours whose file somebody began who was put out.
//!
//! A file becomes a text document by a change of the tree, made by whoever edits it first. When that change does not
//! count any more, edits of others that were made on the text still do, and no file shows them. Whoever made such
//! edits says once more that the file is this text. Nothing else that the removed person's change said counts
//! thereby: a device never takes a change of a removed person for the sake of a text that it names.

use std::collections::BTreeMap;

use weft_crdt::tree::{
    BlobRef, ContentValue, Created, Field, Planner, RegisterKey, Replaced, is_document_of,
};
use weft_crdt::{Change, DocumentId, NodeId, RegisterEdit, Value};
use weft_sync::acl::Class;
use weft_sync::data::Origin;

use super::engine::{Engine, Output};
use super::people::People;
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
    /// Where this device has shown the file, if that is still known, and whether it could be run.
    place: Option<(String, bool)>,
}

/// The texts that a change of the tree makes files to, with the file and what they begin with. Ids of texts follow from
/// both, so that no change can say it of another file.
fn texts_begun(change: &Change) -> impl Iterator<Item = (DocumentId, NodeId, BlobRef)> {
    change.register_writes().filter_map(|(key, value)| {
        let key = RegisterKey::parse(key).filter(|key| matches!(key.field, Field::Content))?;
        let Some(Value::Bytes(bytes)) = value else { return None };
        match ContentValue::decode(bytes) {
            Ok(ContentValue::Text { document, base }) if is_document_of(document, key.node, base.content) => {
                Some((document, key.node, base))
            }
            _ => None,
        }
    })
}

impl Engine {
    /// Notes the texts that a change of the tree began which does not count. To be called before what is shown is
    /// made without the change.
    pub(super) fn note_withdrawn(&mut self, change: &Change) {
        for (document, node, base) in texts_begun(change) {
            if !self.documents.get_mut().is_edited(document) {
                continue;
            }
            let place = self.path_of(node).map(|path| {
                let executable = self.view.node_at(&path).is_some_and(|shown| shown.executable);
                (path, executable)
            });
            let text = WithdrawnText { node, base, place };
            self.withdrawn_texts.texts.entry(document).or_insert(text);
        }
    }

    /// Says once more of texts that we have edited which files they are.
    pub(super) fn begin_again(&mut self) {
        let mut made = Vec::new();
        for (document, begun) in std::mem::take(&mut self.withdrawn_texts.texts) {
            let is_named = self.view.nodes_of_document(document).next().is_some();
            if is_named || self.replica.own_class() < Some(Class::Editor) || !self.have_edited(document) {
                continue;
            }
            if let Err(reason) = self.begin_text_again(document, begun, &mut made) {
                tracing::warn!(%document, "edits of ours are shown nowhere: {reason}");
            }
        }
        if !made.is_empty() {
            self.write(Origin::Repeated, made, None);
        }
    }

    fn have_edited(&self, document: DocumentId) -> bool {
        let own = Some(self.replica.user());
        let changes = self.documents.borrow().changes(document, &self.replica);
        changes.is_ok_and(|changes| changes.iter().any(|by| self.authors.of_log(&by.entry.log) == own))
    }

    fn begin_text_again(
        &mut self,
        document: DocumentId,
        begun: WithdrawnText,
        made: &mut Vec<(DocumentId, Change, bool)>,
    ) -> Result<(), String> {
        let edits = self.path_of(begun.node).and_then(|path| self.plan_text(&path, None, document));
        if let Some(edits) = edits {
            return self.write_tree(&edits, made);
        }
        // The file is gone as well, or is something else now: it is made anew, where it was shown here.
        if let Some((path, executable)) = &begun.place
            && let Some(edits) = self.plan_text(path, Some((&begun.base, *executable)), document)
        {
            return self.write_tree(&edits, made);
        }
        self.make_copy(document, begun, made)
    }

    /// The edits that make the file at a path this text; before that, a file with this content is made there.
    fn plan_text(
        &self,
        path: &str,
        create: Option<(&BlobRef, bool)>,
        document: DocumentId,
    ) -> Option<Vec<RegisterEdit>> {
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        if let Some((content, executable)) = create {
            let created = planner.create_file_beside(path, content.clone(), executable).ok()?;
            if !matches!(created, Created::Written(_)) {
                return None;
            }
        }
        let is_same = planner.convert(path).is_ok_and(|found| found == document);
        is_same.then(|| planner.finish())
    }

    /// Makes a file of its own with what the text holds now. It names the document as one that it has replaced: so it is
    /// made once, and what others may still write to the document is shown beside it.
    fn make_copy(
        &mut self,
        document: DocumentId,
        begun: WithdrawnText,
        made: &mut Vec<(DocumentId, Change, bool)>,
    ) -> Result<(), String> {
        self.bases.entry(document).or_insert_with(|| begun.base.clone());
        let read = self.with_text(document, |text| (text.text(), text.heads().clone()));
        let (text, heads) = read.map_err(|error| error.to_string())?;
        let (path, executable) =
            begun.place.unwrap_or_else(|| (format!("recovered {}.txt", short(document)), false));
        let contents = self.contents.as_ref().ok_or("its key is not here")?;
        let blob = contents.import(text.as_bytes()).map_err(|error| error.to_string())?;
        let sync = vec![weft_store::Write::SyncChunks];
        self.out.push(Output::Commit { batch: None, writes: sync, own: Vec::new() });
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        let created =
            planner.create_file_beside(&path, blob, executable).map_err(|error| error.to_string())?;
        let mut edits = planner.finish();
        edits.push(RegisterEdit {
            key: RegisterKey::new(created.node(), Field::Replaced(document)).to_string(),
            value: Some(Value::Bytes(Replaced { heads, base: begun.base }.encode())),
        });
        self.write_tree(&edits, made)?;
        if let Created::CameBack { node, .. } = created {
            // A deleted file has its old text again; what was asked for is an edit of it.
            self.write(Origin::Repeated, std::mem::take(made), None);
            let path = self.path_of(node).ok_or("the file did not come back")?;
            self.edit(&path, &EditAction::Replace { text }).map_err(|error| error.message)?;
        }
        Ok(())
    }

    fn write_tree(
        &mut self,
        edits: &[RegisterEdit],
        made: &mut Vec<(DocumentId, Change, bool)>,
    ) -> Result<(), String> {
        let dirty = self.edit_tree(edits, made).map_err(|error| error.message)?;
        self.settle(dirty);
        Ok(())
    }
}

fn short(document: DocumentId) -> String {
    document.to_string().chars().take(8).collect()
}
