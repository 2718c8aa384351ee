//! Snapshots of texts: the runs of ids, and the characters that are shown.

use ropey::Rope;

use super::changes::write_id;
use super::{SnapshotError, finish, open, read_below, read_str, start, write_bytes};
use crate::change::leb::{Reader, write_signed, write_unsigned};
use crate::document::TextDocument;
use crate::document::actors::Id;
use crate::document::graph::Graph;
use crate::ids::DocumentId;
use crate::limits::COUNTER_END;
use crate::text::{Index, Run, TextState};

const KIND: u8 = b't';

impl TextDocument {
    /// Writes the state of the document for [`TextDocument::from_snapshot`]. Deleted characters are not in it.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = start(KIND, self.id);
        self.graph.write(&mut out);
        write_id(&mut out, self.object);
        let runs = joined_runs(&self.text.index);
        write_unsigned(&mut out, runs.len() as u64);
        let mut end = 0;
        for run in runs {
            write_signed(&mut out, i64::from(run.start()) - i64::from(end));
            write_unsigned(&mut out, u64::from(run.len()) << 1 | u64::from(!run.is_visible()));
            write_unsigned(&mut out, u64::from(run.actor()));
            end = run.end();
        }
        write_bytes(&mut out, self.text().as_bytes());
        finish(out)
    }

    /// Reads what [`TextDocument::snapshot`] wrote for the document of this id.
    pub fn from_snapshot(id: DocumentId, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = open(KIND, id, bytes)?;
        let graph = Graph::read(&mut reader)?;
        let object = graph.read_id(&mut reader)?;
        let runs = read_runs(&mut reader, &graph)?;
        check_disjoint(&runs)?;
        if !runs.iter().all(|run| graph.has_made(run.actor(), run.start()..run.end())) {
            return Err(SnapshotError::Damaged);
        }
        let rope = Rope::from_str(read_str(&mut reader)?);
        let visible: u64 = runs.iter().map(|run| u64::from(run.visible_len())).sum();
        if visible != rope.len_chars() as u64 || !reader.is_empty() {
            return Err(SnapshotError::Damaged);
        }
        let mut index = Index::new();
        runs.into_iter().for_each(|run| index.append(run));
        Ok(Self { id, graph, text: TextState { rope, index }, object })
    }
}

/// The runs without the cuts that only the leaves of the index make.
fn joined_runs(index: &Index) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for run in index.runs() {
        match joined.last_mut() {
            Some(last) if last.joins(run) => last.lengthen(run.len()),
            _ => joined.push(run),
        }
    }
    joined
}

fn read_runs(reader: &mut Reader<'_>, graph: &Graph) -> Result<Vec<Run>, SnapshotError> {
    let count = read_below(reader, reader.rest().len())?;
    let mut runs = Vec::with_capacity(count as usize);
    let mut end = 0u32;
    for _ in 0..count {
        let start = i64::from(end).checked_add(reader.signed()?);
        let start = start.and_then(|start| u32::try_from(start).ok()).ok_or(SnapshotError::Damaged)?;
        let length = reader.unsigned()?;
        let actor = read_below(reader, graph.actors().len())?;
        let len = u32::try_from(length >> 1).ok().filter(|len| *len > 0).ok_or(SnapshotError::Damaged)?;
        end = start
            .checked_add(len)
            .filter(|end| u64::from(*end) <= COUNTER_END)
            .ok_or(SnapshotError::Damaged)?;
        runs.push(Run::new(Id { counter: start, actor }, len, length & 1 == 0));
    }
    Ok(runs)
}

/// No character may be in two runs.
fn check_disjoint(runs: &[Run]) -> Result<(), SnapshotError> {
    let mut ids: Vec<(u32, u32, u32)> =
        runs.iter().map(|run| (run.actor(), run.start(), run.end())).collect();
    ids.sort_unstable();
    let overlap = ids.array_windows().any(|[left, right]| left.0 == right.0 && left.2 > right.1);
    if overlap { Err(SnapshotError::Damaged) } else { Ok(()) }
}
