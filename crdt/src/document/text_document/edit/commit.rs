//! Makes changes of what was recorded.

use smallvec::SmallVec;

use super::{EditError, Edited};
use crate::change::{Author, Change, Draft, Ops, content_actor};
use crate::document::TextDocument;
use crate::document::actors::{Actors, Id};
use crate::document::cut::longest_that_fits;
use crate::document::graph::LocalDeps;
use crate::document::text_document::draft::{OWN, Recorded};
use crate::document::undo::{OwnIds, UndoStep};
use crate::ids::ChangeHash;
use crate::limits::CHANGE_BYTES_MAX;
use crate::text::{Patches, TextState};

/// So few operations fit into one change whatever they are: each takes at most an actor, some counters and a character.
const OPS_THAT_FIT: u64 = 2_000;

impl TextDocument {
    /// Does something to the text and makes changes of it. `perform` gets the text, the actors and the id of the first
    /// operation; it does at most `ops` operations, all of them possible.
    pub(in crate::document) fn commit(
        &mut self,
        author: Author,
        time: i64,
        ops: u64,
        perform: impl FnOnce(&mut TextState, &Actors, Id, &mut Patches) -> Recorded,
    ) -> Edited {
        let mut changes = self.join_heads(author, time);
        // Changes of a content-named author are applied one by one under their names when there are several.
        let before = (author == Author::ContentNamed && ops > OPS_THAT_FIT).then(|| self.text.clone());
        let own = match author {
            Author::Session(actor) => self.graph.intern(actor),
            Author::ContentNamed => self.graph.intern_unnamed(),
        };
        let start = self.graph.max_op() + 1;
        let first = Id { counter: start, actor: own };
        let mut patches = Patches::default();
        let mut recorded = perform(&mut self.text, self.graph.actors(), first, &mut patches);
        let step = if recorded.ops.is_empty() {
            self.graph.forget_unused_actor(own);
            UndoStep::default()
        } else {
            let own_ids = self.make_changes(author, time, &mut recorded, own, before, &mut changes);
            UndoStep::new(&recorded, start, self.graph.actors(), &own_ids)
        };
        Edited { changes, patches: patches.into_vec(), step }
    }

    /// Joins heads while there are more than a change may name.
    fn join_heads(&mut self, author: Author, time: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            let LocalDeps { deps, all } = self.graph.local_deps(&author);
            if all {
                return changes;
            }
            changes.push(self.make_empty(author, time, deps));
        }
    }

    /// Makes a change that builds upon these and does nothing.
    fn make_empty(&mut self, author: Author, time: i64, deps: SmallVec<[ChangeHash; 1]>) -> Change {
        let mut draft = self.draft(author, time, deps.clone());
        self.name(author, &mut draft);
        let change = draft.encode();
        let fit = self.graph.local_fit(&deps);
        self.apply_own(&change, fit);
        change
    }

    /// Makes a change that builds upon everything here and does nothing: who makes it stands for all of it.
    pub fn affirm(&mut self, author: Author, time: i64) -> Result<Edited, EditError> {
        self.check_room(0, time)?;
        let mut changes = self.join_heads(author, time);
        let deps: SmallVec<[ChangeHash; 1]> = self.graph.heads().hashes().into();
        changes.push(self.make_empty(author, time, deps));
        Ok(Edited { changes, ..Edited::default() })
    }

    /// A change without operations.
    fn draft(&self, author: Author, time: i64, deps: SmallVec<[ChangeHash; 1]>) -> Draft {
        let (actor, seq, time) = match author {
            Author::Session(actor) => (Some(actor), self.graph.last_seq(&actor) + 1, time),
            Author::ContentNamed => (None, 1, 0),
        };
        Draft {
            start_op: self.graph.local_start_op(&deps),
            deps,
            actor,
            seq,
            time,
            others: SmallVec::new(),
            ops: Ops::Nothing,
            values: Vec::new(),
        }
    }

    fn name(&self, author: Author, draft: &mut Draft) {
        if author == Author::ContentNamed {
            draft.actor = Some(content_actor(self.id, draft));
        }
    }

    fn make_changes(
        &mut self,
        author: Author,
        time: i64,
        recorded: &mut Recorded,
        own: u32,
        before: Option<TextState>,
        changes: &mut Vec<Change>,
    ) -> OwnIds {
        let deps: SmallVec<[ChangeHash; 1]> = self.graph.heads().hashes().into();
        let mut draft = self.draft(author, time, deps);
        if recorded.fits_surely(OPS_THAT_FIT) {
            recorded.fill(&mut draft, self.graph.actors(), own, self.object);
            return self.make_change(author, draft, own, changes);
        }
        if recorded.count_within_limits(own, self.object) == recorded.count() {
            recorded.clone().fill(&mut draft, self.graph.actors(), own, self.object);
            if draft.encoded_length() <= CHANGE_BYTES_MAX {
                return self.make_change(author, draft, own, changes);
            }
        }
        match before {
            Some(before) => self.make_named_parts(recorded.clone(), own, before, changes),
            None => self.make_parts(author, time, recorded.clone(), own, changes),
        }
    }

    /// Makes one change of everything.
    fn make_change(
        &mut self,
        author: Author,
        mut draft: Draft,
        own: u32,
        changes: &mut Vec<Change>,
    ) -> OwnIds {
        self.name(author, &mut draft);
        if author == Author::ContentNamed
            && let Some(actor) = draft.actor
        {
            self.graph.name_last_actor(actor);
        }
        let change = draft.encode();
        let mut own_ids = OwnIds::new(own);
        own_ids.push(&change);
        let fit = self.graph.local_fit(change.deps());
        self.graph.admit(&change, fit);
        changes.push(change);
        own_ids
    }

    /// Cuts operations that are done into changes of one author.
    fn make_parts(
        &mut self,
        author: Author,
        time: i64,
        mut left: Recorded,
        own: u32,
        changes: &mut Vec<Change>,
    ) -> OwnIds {
        let mut own_ids = OwnIds::new(own);
        while !left.ops.is_empty() {
            let deps: SmallVec<[ChangeHash; 1]> = self.graph.heads().hashes().into();
            let empty = self.draft(author, time, deps);
            let (draft, part) = self.longest_part(&left, own, &empty);
            left.take(part, empty.start_op, own);
            let change = draft.encode();
            own_ids.push(&change);
            let fit = self.graph.local_fit(change.deps());
            self.graph.admit(&change, fit);
            changes.push(change);
        }
        own_ids
    }

    /// Cuts operations into content-named changes and does them again, each under its own name.
    fn make_named_parts(
        &mut self,
        mut left: Recorded,
        own: u32,
        before: TextState,
        changes: &mut Vec<Change>,
    ) -> OwnIds {
        left.disown(own);
        self.graph.forget_unused_actor(own);
        self.text = before;
        let mut own_ids = OwnIds::new(own);
        while !left.ops.is_empty() {
            let deps: SmallVec<[ChangeHash; 1]> = self.graph.heads().hashes().into();
            let empty = self.draft(Author::ContentNamed, 0, deps);
            let (mut draft, part) = self.longest_part(&left, OWN, &empty);
            left.take(part, empty.start_op, OWN);
            self.name(Author::ContentNamed, &mut draft);
            let change = draft.encode();
            own_ids.push(&change);
            let fit = self.graph.local_fit(change.deps());
            self.apply_own(&change, fit);
            let actor = self.graph.intern(change.actor());
            left.adopt(change.start_op() as u32..change.max_op() as u32 + 1, actor);
            changes.push(change);
        }
        own_ids
    }

    fn longest_part(&self, left: &Recorded, own: u32, empty: &Draft) -> (Draft, u64) {
        let count = left.count_within_limits(own, self.object) as usize;
        let (draft, count) = longest_that_fits(count, |count| {
            let mut part = left.clone().take(count as u64, empty.start_op, own);
            let mut draft = empty.clone();
            part.fill(&mut draft, self.graph.actors(), own, self.object);
            draft
        });
        (draft, count as u64)
    }
}
