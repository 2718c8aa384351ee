//! Where others are in the document, and where this person is for them.

use weft_crdt::CharIndex;

use super::Document;
use crate::limits::{PEOPLE_MAX, PERSON_CURSORS_MAX};
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
    /// Their further cursors.
    pub others: Vec<Selection>,
}

impl Person {
    /// All of their cursors, the one that they are at first.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        std::iter::once(&self.selection).chain(&self.others)
    }
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
    /// Their further cursors: the ends that stay and those that move.
    pub others: Vec<(CharIndex, CharIndex)>,
}

/// The cursors of a view for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCursors {
    /// The revision that they belong to.
    pub revision: u64,
    /// The end that stays and the end that moves, of the one that counts.
    pub primary: (CharIndex, CharIndex),
    /// The nearest of the others, in the same form.
    pub others: Vec<(CharIndex, CharIndex)>,
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
                let here = |(anchor, head): (CharIndex, CharIndex)| {
                    let anchor = self.link.here(revision, anchor)?;
                    Some(Selection::new(anchor.0, self.link.here(revision, head)?.0))
                };
                let (id, user, name) = (one.id.clone(), one.user.clone(), one.name.clone());
                let others = one.others.iter().take(PERSON_CURSORS_MAX).copied();
                let others = others.map(here).collect::<Option<Vec<_>>>()?;
                Some(Person { id, user, name, selection: here((one.anchor, one.head))?, others })
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

    /// The cursors of a view for the others.
    pub fn cursors_for_others(&self, id: ViewId) -> Option<OwnCursors> {
        let selections = self.view(id)?.selections();
        let primary = selections.primary();
        let at_node = |one: &Selection| (self.link.at_node(one.anchor).1, self.link.at_node(one.head).1);
        let revision = self.link.at_node(primary.head).0;
        // Of very many those around the primary one are the ones that are likely to be looked at.
        let all = selections.all();
        let place = all.iter().position(|one| one == primary).unwrap_or(0);
        let from = place.saturating_sub(PERSON_CURSORS_MAX / 2);
        let from = from.min(all.len().saturating_sub(PERSON_CURSORS_MAX + 1));
        let near = all.iter().skip(from).take(PERSON_CURSORS_MAX + 1).filter(|one| *one != primary);
        Some(OwnCursors { revision, primary: at_node(primary), others: near.map(at_node).collect() })
    }

    pub(super) fn move_people(&mut self, change: &ChangeSet) {
        for person in &mut self.people {
            for selection in std::iter::once(&mut person.selection).chain(&mut person.others) {
                *selection = *Selections::single(*selection).mapped(change).primary();
            }
        }
    }
}
