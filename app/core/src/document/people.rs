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
    /// Whose.
    pub user: String,
    /// The person's name.
    pub name: String,
    /// The cursor, in the text as it is here.
    pub selection: Selection,
}

impl Document {
    /// Takes the cursors of others: `document.cursors` of the node, each with user, name, anchor and head in the
    /// node's text. Those of another revision are not taken: newer ones are on their way. Tells whether they were.
    pub fn set_people(
        &mut self,
        revision: u64,
        cursors: impl IntoIterator<Item = (String, String, CharIndex, CharIndex)>,
    ) -> bool {
        let people: Option<Vec<Person>> = cursors
            .into_iter()
            .take(PEOPLE_MAX)
            .map(|(user, name, anchor, head)| {
                let anchor = self.link.here(revision, anchor)?;
                let head = self.link.here(revision, head)?;
                Some(Person { user, name, selection: Selection::new(anchor.0, head.0) })
            })
            .collect();
        let is_taken = people.is_some();
        if let Some(people) = people {
            self.people = people;
        }
        is_taken
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
