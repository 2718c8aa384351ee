//! Who knew of what: the entries of a workspace as lines of positions, and the past of each.
//!
//! A log without a fork is one line. At a fork the other branch becomes a line of its own that starts where it
//! left its parent. So a past is one number per line, and "is in the past of" is one comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::entry::{Header, Lane, Signer};
use crate::ids::{EntryId, EntryRef, LogId};

/// An index into the lines of a [`History`].
pub(crate) type LineIndex = u32;

/// Where an operation stands: a line, a place on it, and its place within the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: LineIndex,
    pub(crate) seq: u64,
    pub(crate) sub: u32,
}

impl Place {
    /// The entry as a whole: it has all of its operations in its past.
    pub(crate) const WHOLE: u32 = u32::MAX;

    pub(crate) const fn entry(line: LineIndex, seq: u64) -> Self {
        Self { line, seq, sub: Self::WHOLE }
    }
}

/// The greatest place of each line that somebody knew of.
pub(crate) type Past = BTreeMap<LineIndex, u64>;

/// Where something was written, and what was known there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'p> {
    pub(crate) place: Place,
    /// None: what the place itself knew.
    pub(crate) past: Option<&'p Past>,
}

impl From<Place> for At<'_> {
    fn from(place: Place) -> Self {
        Self { place, past: None }
    }
}

/// Whether the entry at `place` is in this past.
pub(crate) fn contains(past: &Past, place: Place) -> bool {
    past.get(&place.line).is_some_and(|known| *known >= place.seq)
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) log: LogId,
    pub(crate) signer: Signer,
    /// None for the Genesis, which is part of no log.
    pub(crate) lane: Option<Lane>,
    parent: Option<(LineIndex, u64)>,
    ids: Ids,
    /// What the entries name beyond their predecessor, where that changes.
    names: Vec<(u64, Names)>,
    /// The past outside of the line itself, from a place on, as the names give it.
    bases: Vec<(u64, Arc<Past>)>,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
enum Ids {
    /// Of the control lane every id, from the place `first` on.
    All { first: u64, ids: Vec<EntryId> },
    /// Of the data lane the last one, and those that somebody's cut names.
    Some { last: (u64, EntryId), held: BTreeMap<u64, EntryId> },
}

/// What one entry names: control-lane heads, and entries of `prev_logs` and `seen`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) heads: Vec<EntryId>,
    pub(crate) entries: Vec<EntryRef>,
}

impl Line {
    pub(crate) fn last(&self) -> u64 {
        self.last_ref().seq
    }

    pub(crate) fn last_ref(&self) -> EntryRef {
        let (seq, id) = match &self.ids {
            Ids::All { first, ids } => {
                (first + ids.len() as u64 - 1, *ids.last().expect("a line with an entry"))
            }
            Ids::Some { last, .. } => *last,
        };
        EntryRef { log: self.log, seq, id }
    }

    pub(crate) fn id_at(&self, seq: u64) -> Option<&EntryId> {
        match &self.ids {
            Ids::All { first, ids } => ids.get(usize::try_from(seq.checked_sub(*first)?).ok()?),
            Ids::Some { last, .. } if last.0 == seq => Some(&last.1),
            Ids::Some { held, .. } => held.get(&seq),
        }
    }

    fn base_at(&self, seq: u64) -> Option<&Arc<Past>> {
        let after = self.bases.partition_point(|(from, _)| *from <= seq);
        after.checked_sub(1).map(|at| &self.bases[at].1)
    }
}

/// All entries, as far as their order goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    lines: Vec<Line>,
    by_log: BTreeMap<LogId, Vec<LineIndex>>,
    control: BTreeMap<EntryId, (LineIndex, u64)>,
    heads: BTreeSet<EntryId>,
    /// Named by somebody, but not here. When one comes, pasts grow.
    awaited: BTreeSet<EntryRef>,
    /// Data logs that were continued twice, and the first place at which.
    forks: BTreeMap<LogId, u64>,
}

/// Where a new entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// It is here already.
    Known,
    /// It continues this line.
    Next(LineIndex),
    /// It begins a log, or a branch of one.
    Branch(Option<(LineIndex, u64)>),
    /// What it follows is not here.
    NoPredecessor,
}

impl History {
    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineIndex, &Line)> {
        (0..).zip(&self.lines)
    }

    pub(crate) fn line(&self, index: LineIndex) -> &Line {
        &self.lines[index as usize]
    }

    /// The lines of a log; the first one is the one that was here first.
    pub(crate) fn lines_of(&self, log: &LogId) -> &[LineIndex] {
        self.by_log.get(log).map_or(&[], Vec::as_slice)
    }

    /// The heads of the control lane, ascending.
    pub(crate) fn heads(&self) -> &BTreeSet<EntryId> {
        &self.heads
    }

    pub(crate) fn control_place(&self, id: &EntryId) -> Option<(LineIndex, u64)> {
        self.control.get(id).copied()
    }

    /// Where the entry that this names stands.
    pub(crate) fn find(&self, named: &EntryRef) -> Option<(LineIndex, u64)> {
        let lines = self.lines_of(&named.log);
        let line = lines.iter().find(|line| self.line(**line).id_at(named.seq) == Some(&named.id));
        if let Some(line) = line {
            return Some((*line, named.seq));
        }
        // On a branch that is not here: whoever named it knew of the log up to where the branches part.
        let fork = self.forks.get(&named.log).filter(|fork| **fork <= named.seq)?;
        Some((*lines.first()?, fork - 1))
    }

    pub(crate) fn position(&self, id: &EntryId, header: &Header) -> Position {
        let lines = self.lines_of(&header.log);
        if lines.iter().any(|line| self.line(*line).id_at(header.seq) == Some(id)) {
            return Position::Known;
        }
        if header.seq == 1 {
            return Position::Branch(None);
        }
        let before = header.seq - 1;
        let Some(line) = lines.iter().find(|line| self.line(**line).id_at(before) == Some(&header.prev))
        else {
            return Position::NoPredecessor;
        };
        if self.line(*line).last() == before {
            Position::Next(*line)
        } else {
            Position::Branch(Some((*line, before)))
        }
    }

    /// Control-lane entries that must be here before `names` can be judged, and are not.
    pub(crate) fn missing(&self, names: &Names) -> Vec<EntryId> {
        let heads = names.heads.iter().filter(|head| !self.control.contains_key(*head)).copied();
        let entries = names.entries.iter().filter(|named| {
            let control = |line: &LineIndex| self.line(*line).lane == Some(Lane::Control);
            self.lines_of(&named.log).first().is_some_and(control) && self.find(named).is_none()
        });
        heads.chain(entries.map(|named| named.id)).collect()
    }

    /// The past of an entry that is not here yet, given where it would stand and what it names.
    pub(crate) fn past_of_new(&self, position: Position, names: &Names) -> Past {
        let mut past = match position {
            Position::Next(line) => self.past_including(line, self.line(line).last()),
            Position::Branch(Some((line, seq))) => self.past_including(line, seq),
            _ => Past::new(),
        };
        self.add_names(&mut past, names);
        past
    }

    /// Notes that an entry of a data log is stored. Returns whether pasts changed.
    pub(crate) fn hold(&mut self, held: &EntryRef) -> bool {
        let Some(line) = self.lines_of(&held.log).first().copied() else { return false };
        let Ids::Some { last, held: ids } = &mut self.lines[line as usize].ids else { return false };
        if held.seq > last.0 {
            *last = (held.seq, held.id);
        }
        let was_awaited = self.awaited.remove(held);
        if was_awaited {
            ids.insert(held.seq, held.id);
            self.settle();
        }
        was_awaited
    }

    /// Notes that a data log was continued twice at this place. Returns whether pasts may have changed.
    pub(crate) fn fork(&mut self, log: LogId, seq: u64) -> bool {
        let first = self.forks.entry(log).or_insert(u64::MAX);
        let is_new = seq < *first;
        *first = seq.min(*first);
        if is_new {
            self.settle();
        }
        is_new
    }

    /// Takes a data log back to an earlier place. What is named beyond it is looked for anew.
    pub(crate) fn cut_back(&mut self, to: &EntryRef) {
        let Some(line) = self.lines_of(&to.log).first().copied() else { return };
        let Ids::Some { last, held } = &mut self.lines[line as usize].ids else { return };
        *last = (to.seq, to.id);
        let beyond = held.split_off(&(to.seq + 1));
        let log = to.log;
        self.awaited.extend(beyond.into_iter().map(|(seq, id)| EntryRef { log, seq, id }));
        self.settle();
    }

    /// What cuts name of data logs, within what is stored, and of which the id is not known here.
    pub(crate) fn unconfirmed(&self) -> Vec<EntryRef> {
        let is_stored = |named: &&EntryRef| {
            self.lines_of(&named.log).first().is_some_and(|line| self.line(*line).last() >= named.seq)
        };
        self.awaited.iter().filter(is_stored).copied().collect()
    }

    /// Adds an entry of the control lane, or the first of a data log. Returns its line and whether pasts of
    /// earlier ones changed.
    pub(crate) fn insert(
        &mut self,
        id: EntryId,
        header: &Header,
        position: Position,
        signer: Signer,
        lane: Option<Lane>,
        names: Names,
    ) -> (LineIndex, bool) {
        let line = match position {
            Position::Next(line) => line,
            _ => self.new_line(id, header, position, signer, lane),
        };
        let was_awaited = self.awaited.remove(&EntryRef { log: header.log, seq: header.seq, id });
        let past = self.names_change(line, &names).then(|| self.past_of_new(position, &names));
        let entry = &mut self.lines[line as usize];
        if let Ids::All { ids, .. } = &mut entry.ids {
            ids.push(id);
        }
        if let Some(mut past) = past {
            past.remove(&line);
            entry.bases.push((header.seq, Arc::new(past)));
            self.pin(&names);
            self.lines[line as usize].names.push((header.seq, names));
        }
        if lane != Some(Lane::Data) {
            self.add_control(id, header, line);
        }
        if was_awaited {
            self.settle();
        }
        (line, was_awaited)
    }

    fn new_line(
        &mut self,
        id: EntryId,
        header: &Header,
        position: Position,
        signer: Signer,
        lane: Option<Lane>,
    ) -> LineIndex {
        let ids = if lane == Some(Lane::Data) {
            Ids::Some { last: (header.seq, id), held: BTreeMap::from([(header.seq, id)]) }
        } else {
            Ids::All { first: header.seq, ids: Vec::new() }
        };
        let line = LineIndex::try_from(self.lines.len()).expect("fewer lines than a log limit");
        let parent = if let Position::Branch(parent) = position { parent } else { None };
        self.lines.push(Line {
            log: header.log,
            signer,
            lane,
            parent,
            ids,
            names: Vec::new(),
            bases: Vec::new(),
            closed: false,
        });
        self.by_log.entry(header.log).or_default().push(line);
        line
    }

    pub(crate) fn close(&mut self, line: LineIndex) {
        self.lines[line as usize].closed = true;
    }

    /// Most entries of a log name the heads that the one before named: they share its past.
    fn names_change(&self, line: LineIndex, names: &Names) -> bool {
        let last = self.line(line).names.last();
        !names.entries.is_empty() || last.is_none_or(|(_, last)| last.heads != names.heads)
    }

    /// Keeps the ids that a cut names, and waits for those that are not here.
    fn pin(&mut self, names: &Names) {
        for named in &names.entries {
            let line = self
                .lines_of(&named.log)
                .iter()
                .find(|line| self.line(**line).id_at(named.seq) == Some(&named.id));
            let (Some(line), seq) = (line.copied(), named.seq) else {
                self.awaited.insert(*named);
                continue;
            };
            if let Ids::Some { held, .. } = &mut self.lines[line as usize].ids {
                held.insert(seq, named.id);
            }
        }
    }

    fn add_control(&mut self, id: EntryId, header: &Header, line: LineIndex) {
        self.control.insert(id, (line, header.seq));
        for head in header.acl_heads.iter().chain([&header.prev]) {
            self.heads.remove(head);
        }
        self.heads.insert(id);
    }

    /// Computes the pasts again until they stand. They only grow, so this ends.
    fn settle(&mut self) {
        loop {
            let mut changed = false;
            for line in 0..self.lines.len() {
                changed |= self.settle_line(line);
            }
            if !changed {
                return;
            }
        }
    }

    fn settle_line(&mut self, at: usize) -> bool {
        let line = &self.lines[at];
        let index = LineIndex::try_from(at).expect("fewer lines than a log limit");
        let mut past = line.parent.map_or_else(Past::new, |(parent, seq)| self.past_including(parent, seq));
        let mut bases = Vec::with_capacity(line.names.len());
        for (from, names) in &line.names {
            self.add_names(&mut past, names);
            past.remove(&index);
            bases.push((*from, Arc::new(past.clone())));
        }
        let changed = bases != self.lines[at].bases;
        self.lines[at].bases = bases;
        changed
    }

    fn add_names(&self, past: &mut Past, names: &Names) {
        let heads = names.heads.iter().filter_map(|head| self.control_place(head));
        let entries = names.entries.iter().filter_map(|named| self.find(named));
        for (line, seq) in heads.chain(entries) {
            self.add_including(past, line, seq);
        }
    }

    fn past_including(&self, line: LineIndex, seq: u64) -> Past {
        let mut past = Past::new();
        self.add_including(&mut past, line, seq);
        past
    }

    fn add_including(&self, past: &mut Past, line: LineIndex, seq: u64) {
        if past.get(&line).is_some_and(|known| *known >= seq) {
            return;
        }
        if let Some(base) = self.line(line).base_at(seq) {
            for (other, known) in base.iter() {
                let entry = past.entry(*other).or_insert(0);
                *entry = (*entry).max(*known);
            }
        }
        past.insert(line, seq);
    }

    /// Everything that is known by whoever names these control-lane heads.
    pub(crate) fn closure(&self, heads: &[EntryId]) -> Past {
        let mut past = Past::new();
        self.add_names(&mut past, &Names { heads: heads.to_vec(), entries: Vec::new() });
        past
    }

    /// What the entry of a data log knew that named these heads.
    pub(crate) fn past_of_data(&self, line: LineIndex, heads: &[EntryId]) -> Past {
        let mut past = self.closure(heads);
        self.add_including(&mut past, line, 1);
        past
    }

    /// Whether `a` is in the past of `b`.
    pub(crate) fn before(&self, a: Place, b: Place) -> bool {
        if a.line == b.line {
            return a.seq < b.seq || a.seq == b.seq && a.sub < b.sub;
        }
        self.line(b.line)
            .base_at(b.seq)
            .and_then(|base| base.get(&a.line))
            .is_some_and(|known| *known >= a.seq)
    }
}
