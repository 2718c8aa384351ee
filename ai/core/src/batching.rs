//! Which tokens of which requests a model computes next: continuous batching over slots that remember.
//!
//! A slot is one sequence of the model's cache. When a request is begun it takes the slot whose remembered tokens agree
//! longest with its own from the start, or copies that beginning from another slot, and only the rest is computed. Every
//! step is one batch: the next token of each answer under way, and slices of prompts as far as there is room.
//!
//! The contract: [`Batcher::submit`] and [`Batcher::cancel`] at any time between steps; then [`Batcher::plan`], do what
//! the [`Step`] says in its order, and tell with [`Batcher::computed`] that it was done; for each row that
//! wanted logits choose a token and give it to [`Batcher::push`], or end the request with [`Batcher::finish`].

use crate::{limits::REQUESTS_MAX, pipe::JobId, request::Priority};

/// A token of the model's vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub i32);

/// A slot: a sequence of the model's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotIndex(pub usize);

/// The shortest beginning that is worth copying from a slot that is at work.
const COPY_TOKENS_MIN: usize = 16;

/// A request for text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Who waits.
    pub priority: Priority,
    /// The prompt.
    pub tokens: Vec<Token>,
    /// The most tokens of the answer.
    pub max_tokens: usize,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {tokens} tokens, and the model's context holds {context} with the answer")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens of the context.
        context: usize,
    },
    /// There is nothing to read.
    #[error("the prompt is empty")]
    Empty,
    /// Too many wait.
    #[error("{REQUESTS_MAX} requests wait already")]
    Full,
}

/// What is to be done with the cache, in this order, before the batch is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheChange {
    /// Forget the tokens of a slot from a position on.
    Trim {
        /// The slot.
        slot: SlotIndex,
        /// The first position that goes.
        from: usize,
    },
    /// Copy the beginning of another slot; the slot is empty before.
    Copy {
        /// From here.
        from: SlotIndex,
        /// To there.
        to: SlotIndex,
        /// So many tokens.
        tokens: usize,
    },
}

/// One token of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub slot: SlotIndex,
    /// The token.
    pub token: Token,
    /// Its position in the sequence.
    pub position: usize,
    /// Whether the next token is to be chosen behind it.
    pub wants_logits: bool,
}

/// A request that was begun in this step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Which.
    pub id: JobId,
    /// Tokens that need not be computed again.
    pub reused: usize,
    /// Whether it was begun before and had to make room.
    pub is_resumed: bool,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Requests that begin.
    pub started: Vec<Started>,
    /// First.
    pub changes: Vec<CacheChange>,
    /// Then: one batch.
    pub rows: Vec<Row>,
}

#[derive(Debug)]
struct Work {
    id: JobId,
    priority: Priority,
    /// The order in which requests came.
    arrival: u64,
    /// Prompt and answer so far.
    tokens: Vec<Token>,
    prompt_tokens: usize,
    /// The most that the sequence may become.
    room: usize,
    was_begun: bool,
}

#[derive(Debug, Default)]
struct Slot {
    /// What the cache holds; a beginning of the work's tokens while there is work.
    cached: Vec<Token>,
    work: Option<Work>,
    last_used: u64,
}

impl Slot {
    fn reserved(&self) -> usize {
        self.work.as_ref().map_or(self.cached.len(), |work| work.room)
    }
}

/// Decides step by step.
#[derive(Debug)]
pub struct Batcher {
    slots: Vec<Slot>,
    waiting: Vec<Work>,
    context_tokens: usize,
    batch_tokens: usize,
    clock: u64,
    can_reuse: bool,
    /// Rows of the step that was planned and not yet computed.
    planned: Vec<Row>,
}

impl Batcher {
    /// Makes one for a model with so many slots, which share a context of so many tokens.
    #[must_use]
    pub fn new(slots: usize, context_tokens: usize, batch_tokens: usize) -> Self {
        Self {
            slots: (0..slots.max(1)).map(|_| Slot::default()).collect(),
            waiting: Vec::new(),
            context_tokens,
            batch_tokens: batch_tokens.max(1),
            clock: 0,
            can_reuse: true,
            planned: Vec::new(),
        }
    }

    /// From now on every request is computed from its first token: for models whose cache cannot be cut.
    pub fn forget_always(&mut self) {
        self.can_reuse = false;
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.slots.iter().all(|slot| slot.work.is_none())
    }

    /// Takes a request.
    ///
    /// # Errors
    /// When it cannot be answered.
    pub fn submit(&mut self, job: Job) -> Result<(), SubmitError> {
        let tokens = job.tokens.len();
        if tokens == 0 {
            return Err(SubmitError::Empty);
        }
        if tokens >= self.context_tokens {
            return Err(SubmitError::TooLong { tokens, context: self.context_tokens });
        }
        if self.waiting.len() >= REQUESTS_MAX {
            return Err(SubmitError::Full);
        }
        self.clock += 1;
        self.waiting.push(Work {
            id: job.id,
            priority: job.priority,
            arrival: self.clock,
            room: self.context_tokens.min(tokens.saturating_add(job.max_tokens.max(1))),
            prompt_tokens: tokens,
            tokens: job.tokens,
            was_begun: false,
        });
        self.waiting.sort_by_key(|work| (work.priority, work.arrival));
        Ok(())
    }

    /// The tokens that the context holds for an answer to a prompt of so many.
    #[must_use]
    pub fn room_for(&self, prompt_tokens: usize) -> usize {
        self.context_tokens.saturating_sub(prompt_tokens)
    }

    /// Takes a request back; says whether there was one.
    pub fn cancel(&mut self, id: JobId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|work| work.id != id);
        self.waiting.len() < before || self.end(id)
    }

    /// Ends a request whose answer is complete. What was computed for it stays for the next one.
    pub fn finish(&mut self, id: JobId) {
        self.end(id);
    }

    fn end(&mut self, id: JobId) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.work.as_ref().is_some_and(|work| work.id == id));
        slot.is_some_and(|slot| slot.work.take().is_some())
    }

    /// Ends everything and forgets the cache: after a step that failed.
    pub fn reset(&mut self) -> Vec<JobId> {
        let running = self.slots.iter_mut().filter_map(|slot| slot.work.take().map(|work| work.id));
        let mut ids: Vec<JobId> = running.collect();
        ids.extend(self.waiting.drain(..).map(|work| work.id));
        for slot in &mut self.slots {
            slot.cached.clear();
        }
        self.planned.clear();
        ids
    }

    /// The requests under way, with their slots.
    pub fn running(&self) -> impl Iterator<Item = (SlotIndex, JobId)> + '_ {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| slot.work.as_ref().map(|work| (SlotIndex(index), work.id)))
    }

    /// Tokens of the prompt of a request that are in the cache, and how many it has.
    #[must_use]
    pub fn read_of_prompt(&self, slot: SlotIndex) -> Option<(usize, usize)> {
        let slot = self.slots.get(slot.0)?;
        let work = slot.work.as_ref()?;
        Some((slot.cached.len().min(work.prompt_tokens), work.prompt_tokens))
    }

    /// The request that a slot works on.
    #[must_use]
    pub fn job_of(&self, slot: SlotIndex) -> Option<JobId> {
        self.slots.get(slot.0)?.work.as_ref().map(|work| work.id)
    }

    /// Says what to do next. With no rows there is nothing to compute.
    pub fn plan(&mut self) -> Step {
        let mut step = Step::default();
        while !self.waiting.is_empty() {
            if !self.begin_first(&mut step) {
                break;
            }
        }
        step.rows = self.rows();
        self.planned.clone_from(&step.rows);
        step
    }

    /// Begins the first of those that wait, when there is a slot and room for it.
    fn begin_first(&mut self, step: &mut Step) -> bool {
        let Some(first) = self.waiting.first() else { return false };
        let (room, priority) = (first.room, first.priority);
        while !self.has_room(room) {
            if !self.put_off_for(priority) {
                return false;
            }
        }
        let work = self.waiting.remove(0);
        let (to, kept, copied) = self.best_slot(&work.tokens);
        self.clock += 1;
        let reused = kept.max(copied.map_or(0, |(_, tokens)| tokens));
        if let Some((from, tokens)) = copied {
            step.changes.push(CacheChange::Trim { slot: to, from: 0 });
            step.changes.push(CacheChange::Copy { from, to, tokens });
        } else if kept < self.slots[to.0].cached.len() {
            step.changes.push(CacheChange::Trim { slot: to, from: kept });
        }
        let clock = self.clock;
        let slot = &mut self.slots[to.0];
        slot.cached.clear();
        slot.cached.extend_from_slice(&work.tokens[..reused]);
        slot.last_used = clock;
        step.started.push(Started { id: work.id, reused, is_resumed: work.was_begun });
        slot.work = Some(Work { was_begun: true, ..work });
        self.forget_for_room(to, step);
        true
    }

    /// Whether a slot is free, and what runs leaves so many tokens.
    fn has_room(&self, room: usize) -> bool {
        let busy: usize = self.slots.iter().filter(|slot| slot.work.is_some()).map(Slot::reserved).sum();
        self.slots.iter().any(|slot| slot.work.is_none()) && busy + room <= self.context_tokens
    }

    /// Sends the last and least of those that yield back into the queue. It goes on later from where it was.
    fn put_off_for(&mut self, priority: Priority) -> bool {
        let yields =
            |slot: &&mut Slot| slot.work.as_ref().is_some_and(|work| work.priority.yields_to(priority));
        let last = self
            .slots
            .iter_mut()
            .filter(yields)
            .max_by_key(|slot| slot.work.as_ref().map(|work| (work.priority, work.arrival)));
        let Some(work) = last.and_then(|slot| slot.work.take()) else { return false };
        self.waiting.push(work);
        self.waiting.sort_by_key(|work| (work.priority, work.arrival));
        true
    }

    /// The free slot for these tokens, how many of them it has, and whether more are copied from another one.
    fn best_slot(&self, tokens: &[Token]) -> (SlotIndex, usize, Option<(SlotIndex, usize)>) {
        // The last token is always computed: the first choice needs what the model says behind it.
        let most = if self.can_reuse { tokens.len() - 1 } else { 0 };
        let common = |slot: &Slot| {
            let equal = slot.cached.iter().zip(tokens).take_while(|(cached, token)| cached == token);
            equal.count().min(most)
        };
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.work.is_none());
        let best = free.max_by_key(|(_, slot)| (common(slot), std::cmp::Reverse(slot.last_used)));
        let (to, kept) = best.map_or((0, 0), |(index, slot)| (index, common(slot)));
        let others = self.slots.iter().enumerate().filter(|(index, _)| *index != to);
        let source =
            others.map(|(index, slot)| (SlotIndex(index), common(slot))).max_by_key(|(_, tokens)| *tokens);
        let copied = source.filter(|(_, tokens)| *tokens >= kept + COPY_TOKENS_MIN);
        (SlotIndex(to), if copied.is_some() { 0 } else { kept }, copied)
    }

    /// Forgets what free slots remember, the oldest first, until all that runs can grow as far as it may.
    fn forget_for_room(&mut self, keep: SlotIndex, step: &mut Step) {
        loop {
            let used: usize = self.slots.iter().map(Slot::reserved).sum();
            if used <= self.context_tokens {
                return;
            }
            let free =
                self.slots.iter_mut().enumerate().filter(|(index, slot)| {
                    *index != keep.0 && slot.work.is_none() && !slot.cached.is_empty()
                });
            let Some((index, slot)) = free.min_by_key(|(_, slot)| slot.last_used) else { return };
            slot.cached.clear();
            step.changes.push(CacheChange::Trim { slot: SlotIndex(index), from: 0 });
        }
    }

    fn rows(&self) -> Vec<Row> {
        let running = || {
            self.slots.iter().enumerate().filter_map(|(index, slot)| Some((index, slot, slot.work.as_ref()?)))
        };
        let Some(top) = running().map(|(_, _, work)| work.priority).min() else { return Vec::new() };
        let mut active: Vec<_> = running().filter(|(_, _, work)| !work.priority.yields_to(top)).collect();
        // Answers first, one token each; then prompts, in order.
        active.sort_by_key(|(_, slot, work)| {
            (work.tokens.len() - slot.cached.len() > 1, work.priority, work.arrival)
        });
        let mut rows = Vec::new();
        for (index, slot, work) in active {
            let pending = &work.tokens[slot.cached.len()..];
            let taken = pending.len().min(self.batch_tokens - rows.len());
            let row = |(offset, token): (usize, &Token)| Row {
                slot: SlotIndex(index),
                token: *token,
                position: slot.cached.len() + offset,
                wants_logits: offset + 1 == pending.len(),
            };
            rows.extend(pending[..taken].iter().enumerate().map(row));
        }
        rows
    }

    /// Tells that the step that was planned is computed.
    pub fn computed(&mut self) {
        self.clock += 1;
        for row in std::mem::take(&mut self.planned) {
            let slot = &mut self.slots[row.slot.0];
            slot.last_used = self.clock;
            if slot.cached.len() == row.position {
                slot.cached.push(row.token);
            }
        }
    }

    /// Takes the token that was chosen for a request; `false` when the answer has no room for more.
    pub fn push(&mut self, id: JobId, token: Token) -> bool {
        let works = self.slots.iter_mut().filter_map(|slot| slot.work.as_mut());
        let Some(work) = works.into_iter().find(|work| work.id == id) else { return false };
        if work.tokens.len() >= work.room {
            return false;
        }
        work.tokens.push(token);
        // The last one is never computed: nothing comes behind it.
        work.tokens.len() < work.room
    }
}

#[cfg(test)]
mod tests;
