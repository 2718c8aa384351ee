//! Where others are in the document, and where this person is for them.

use weft_crdt::CharIndex;

use super::Document;
use crate::limits::PEOPLE_MAX;
use crate::selection::{Selection, Selections};
use crate::text::ChangeSet;
use crate::view::ViewId;

/// Somebody else's cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Tells cursors apart: one person may have several devices.
    pub id: String,
    /// Whose.
    pub user: String,
    /// The person's name.
    pub name: String,
    /// The cursor, in the text as it is here.
    pub selection: Selection,
}

/// Where the node says that somebody is: in its text, at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Tells cursors apart.
    pub id: String,
    /// Whose.
    pub user: String,
    /// The person's name.
    pub name: String,
    /// The end that stays.
    pub anchor: CharIndex,
    /// The end that moves.
    pub head: CharIndex,
}

impl Document {
    /// Takes the cursors of others: `document.cursors` of the node. Those of a revision that is still to come wait for
    /// it; those of one that is past are not taken, since newer ones are on their way. Tells whether they were taken now.
    pub fn set_people(&mut self, revision: u64, cursors: impl IntoIterator<Item = Whereabouts>) -> bool {
        let cursors: Vec<Whereabouts> = cursors.into_iter().take(PEOPLE_MAX).collect();
        self.waiting_people = None;
        let people: Option<Vec<Person>> = cursors
            .iter()
            .map(|one| {
                let anchor = self.link.here(revision, one.anchor)?;
                let head = self.link.here(revision, one.head)?;
                let (id, user, name) = (one.id.clone(), one.user.clone(), one.name.clone());
                Some(Person { id, user, name, selection: Selection::new(anchor.0, head.0) })
            })
            .collect();
        match people {
            Some(people) => {
                self.people = people;
                true
            }
            None => {
                self.waiting_people = Some((revision, cursors)).filter(|_| revision > self.link.revision());
                false
            }
        }
    }

    /// The revision is another one: cursors that waited for it are taken.
    pub(super) fn take_waiting_people(&mut self) {
        if let Some((revision, cursors)) = self.waiting_people.take() {
            self.set_people(revision, cursors);
        }
    }

    /// The cursors of others. They follow every edit.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The cursor of a view for the others: the revision that it belongs to, the anchor and the head.
    pub fn cursor_for_others(&self, id: ViewId) -> Option<(u64, CharIndex, CharIndex)> {
        let selection = self.view(id)?.selections().primary();
        let (revision, anchor) = self.link.at_node(selection.anchor);
        Some((revision, anchor, self.link.at_node(selection.head).1))
    }

    pub(super) fn move_people(&mut self, change: &ChangeSet) {
        for person in &mut self.people {
            person.selection = *Selections::single(person.selection).mapped(change).primary();
        }
    }
}
