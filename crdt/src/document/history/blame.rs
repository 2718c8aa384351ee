//! Who wrote which line.

use std::collections::BTreeMap;

use super::History;
use crate::document::TextDocument;
use crate::ids::{ActorId, ChangeHash, LineIndex, Version};

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineBlame {
    /// The line; lines end at line feeds.
    pub line: LineIndex,
    /// The last change that inserted one of its characters; `None` when all are from the base text.
    pub change: Option<ChangeHash>,
}

impl History {
    /// For each line of the text at a version the last change that inserted into it; `None` when the version is not
    /// here. A line that is empty, as the one behind the last line feed, has no change.
    pub fn blame(&self, version: &Version) -> Option<Vec<LineBlame>> {
        let document = self.document_at(version)?;
        let starts = self.changes_by_counter();
        let mut last: Vec<Option<usize>> = vec![None; document.rope().len_lines()];
        let mut at = 0;
        for (actor, counter, count) in document.visible_runs() {
            self.blame_run(&document, &starts, (actor, counter, count), at, &mut last);
            at += count as usize;
        }
        let blame = last.into_iter().enumerate().map(|(line, place)| LineBlame {
            line: LineIndex(line),
            change: place.map(|place| self.changes[place].hash()),
        });
        Some(blame.collect())
    }

    /// Orders changes alike on all devices: each comes after those it builds upon.
    fn age(&self, place: usize) -> (u64, ActorId) {
        let change = &self.changes[place];
        (change.start_op(), change.actor())
    }

    /// The place of each change by its actor and first counter.
    fn changes_by_counter(&self) -> BTreeMap<(ActorId, u64), usize> {
        let changes = self.changes.iter().enumerate().filter(|(_, change)| change.op_count() > 0);
        changes.map(|(place, change)| ((change.actor(), change.start_op()), place)).collect()
    }

    /// Notes the changes of a run of visible characters at the lines that they are in.
    fn blame_run(
        &self,
        document: &TextDocument,
        starts: &BTreeMap<(ActorId, u64), usize>,
        (actor, mut counter, count): (ActorId, u64, u32),
        mut at: usize,
        last: &mut [Option<usize>],
    ) {
        let end = counter + u64::from(count);
        while counter < end {
            let change = starts.range((actor, 0)..=(actor, counter)).next_back();
            let place = change.map(|(_, place)| *place);
            // A run may go on in the next change of its actor; the genesis is nobody's.
            let change_end = place.map_or(end, |place| self.changes[place].max_op() + 1);
            let part = (change_end.min(end).max(counter + 1) - counter) as usize;
            let lines = document.rope().char_to_line(at)..=document.rope().char_to_line(at + part - 1);
            for line in &mut last[lines] {
                let known = line.map(|place| self.age(place));
                if place.map(|place| self.age(place)) > known {
                    *line = place;
                }
            }
            counter += part as u64;
            at += part;
        }
    }
}
