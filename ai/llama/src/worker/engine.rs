//! Computes text: one context, slots that remember, one batch for each step.

use std::{
    collections::BTreeMap,
    io::Write,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use llama_cpp_2::{
    DecodeError,
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    token::LlamaToken,
};
use weft_ai::{
    batching::{Batcher, CacheChange, Job, Row, Started, Step, SubmitError, Token},
    limits::SLOTS_MAX,
    pipe::{FromWorker, JobId, Load, ToWorker},
    repetition::Repetition,
    request::{Event, Failure, FailureKind, Finish, Generate, ModelInfo, Priority, Prompt, Usage},
    text_stream::TextStream,
};

use super::{
    Closed, Outbox,
    chooser::Chooser,
    inbox::{Found, Inbox},
    model::{Model, threads},
};

/// The length of an answer that nobody asked to be of a length.
const ANSWER_TOKENS_USUAL: usize = 1024;
/// The same for a completion.
const COMPLETION_TOKENS_USUAL: usize = 128;

/// An answer under way.
struct Answer {
    chooser: Chooser,
    text: TextStream,
    repetition: Repetition,
    usage: Usage,
    max_tokens: usize,
    left_out: Option<String>,
    deadline: Option<Instant>,
    submitted: Instant,
    first_token: Option<Instant>,
}

pub(super) struct Engine<'model> {
    model: &'model Model,
    context: LlamaContext<'model>,
    batcher: Batcher,
    batch: LlamaBatch<'static>,
    answers: BTreeMap<JobId, Answer>,
    info: ModelInfo,
    piece: Vec<u8>,
}

impl<'model> Engine<'model> {
    pub(super) fn new(backend: &LlamaBackend, model: &'model Model, load: &Load) -> Result<Self, Failure> {
        let tokens = model.context_tokens(load.context_tokens).max(8);
        let slots = (load.slots.max(1) as usize).min(SLOTS_MAX);
        let batch_tokens = load.batch_tokens.clamp(8, 2048).min(tokens);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(tokens))
            .with_n_batch(batch_tokens)
            .with_n_ubatch(batch_tokens)
            .with_n_seq_max(slots as u32)
            // All slots share the cells: one long request may have what short ones do not need.
            .with_kv_unified(true)
            // Beginnings can only be used again where nothing of them was dropped.
            .with_swa_full(true)
            .with_n_threads(threads(load))
            .with_n_threads_batch(threads(load));
        let context = model.llama().new_context(backend, params).map_err(|_| {
            Failure::new(
                FailureKind::NoMemory,
                format!("there is no memory for a context of {tokens} tokens"),
            )
            .hint("use a smaller context or a smaller model; `weft ai hardware` says what fits")
        })?;
        let info = ModelInfo {
            architecture: model.summary().architecture.clone(),
            context_tokens: tokens,
            slots: slots as u32,
            embedding_numbers: 0,
            is_embedding: false,
            can_fill: weft_ai::fill::Vocabulary::fill(model).is_some(),
            can_chat: model.can_chat(),
            device: model.device(),
        };
        let can_trim = !model.llama().is_recurrent() && !model.llama().is_hybrid();
        let mut batcher = Batcher::new(slots, tokens as usize, batch_tokens as usize);
        if !can_trim {
            batcher.forget_always();
        }
        Ok(Self {
            model,
            context,
            batcher,
            batch: LlamaBatch::new(batch_tokens as usize, 1),
            answers: BTreeMap::new(),
            info,
            piece: Vec::new(),
        })
    }

    pub(super) fn info(&self) -> ModelInfo {
        self.info.clone()
    }

    /// Computes until the node is gone. Between two steps it looks at what the node says.
    pub(super) fn run<W: Write>(&mut self, inbox: &Inbox, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        loop {
            if self.batcher.is_idle() {
                self.take(inbox.wait().ok_or(Closed)?, outbox)?;
            }
            loop {
                match inbox.look() {
                    Found::Message(message) => self.take(message, outbox)?,
                    Found::Nothing => break,
                    Found::Closed => return Ok(()),
                }
            }
            self.end_late(outbox)?;
            self.step(outbox)?;
        }
    }

    fn take<W: Write>(&mut self, message: ToWorker, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        match message {
            ToWorker::Generate(id, request) => match self.begin(id, &request) {
                Ok(()) => Ok(()),
                Err(failure) => outbox.send(&FromWorker::Event(id, Event::Failed(failure))),
            },
            ToWorker::Cancel(id) => {
                if self.batcher.cancel(id) {
                    self.done(id, Finish::Cancelled, outbox)
                } else {
                    Ok(())
                }
            }
            ToWorker::Count(id, text) => {
                let tokens = u32::try_from(self.model.raw(&text).len()).unwrap_or(u32::MAX);
                outbox.send(&FromWorker::Counted(id, tokens))
            }
            ToWorker::Embed(id, _) => {
                let failure =
                    Failure::new(FailureKind::Unable, "this model writes text and makes no embeddings")
                        .hint("choose a model for embeddings: `weft ai models` lists what each is for");
                outbox.send(&FromWorker::Embedded(id, Err(failure)))
            }
            ToWorker::Load(_) | ToWorker::Look => Ok(()),
        }
    }

    fn begin(&mut self, id: JobId, request: &Generate) -> Result<(), Failure> {
        request.check()?;
        let usual = if request.priority == Priority::Completion {
            COMPLETION_TOKENS_USUAL
        } else {
            ANSWER_TOKENS_USUAL
        };
        let mut max_tokens = if request.max_tokens == 0 { usual } else { request.max_tokens as usize };
        let (tokens, left_out) = match &request.prompt {
            Prompt::Raw(text) => (self.model.raw(text), None),
            Prompt::Chat(messages) => (self.model.chat(messages), None),
            Prompt::Fill(fill) => {
                let most = (self.info.context_tokens as usize).saturating_sub(max_tokens).max(8);
                let budget =
                    if fill.budget_tokens == 0 { most } else { most.min(fill.budget_tokens as usize) };
                let built = self.model.fill(fill, budget);
                (built.tokens, built.left_out)
            }
        };
        if request.max_tokens == 0 {
            max_tokens = max_tokens.min(self.batcher.room_for(tokens.len()).max(1));
        }
        let chooser = Chooser::new(self.model, &request.sampling, request.constraint.as_ref())?;
        let prompt_tokens = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        self.batcher.submit(Job { id, priority: request.priority, tokens, max_tokens }).map_err(refused)?;
        let now = Instant::now();
        let limit = (request.time_millis > 0).then(|| Duration::from_millis(u64::from(request.time_millis)));
        let answer = Answer {
            chooser,
            text: TextStream::new(request.stops.clone()),
            repetition: Repetition::default(),
            usage: Usage { prompt_tokens, ..Usage::default() },
            max_tokens,
            left_out,
            deadline: limit.map(|limit| now + limit),
            submitted: now,
            first_token: None,
        };
        self.answers.insert(id, answer);
        Ok(())
    }

    /// Ends what has no time left, with the text that there is.
    fn end_late<W: Write>(&mut self, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        if self.answers.values().all(|answer| answer.deadline.is_none()) {
            return Ok(());
        }
        let now = Instant::now();
        let is_late = |answer: &Answer| answer.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<JobId> =
            self.answers.iter().filter(|(_, answer)| is_late(answer)).map(|(id, _)| *id).collect();
        for id in late {
            self.batcher.cancel(id);
            self.done(id, Finish::Deadline, outbox)?;
        }
        Ok(())
    }

    fn step<W: Write>(&mut self, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        let step = self.batcher.plan();
        for started in &step.started {
            self.accepted(started, outbox)?;
        }
        if self.change_cache(&step).is_err() {
            return self.fail_all("the model's memory cannot be changed", outbox);
        }
        if step.rows.is_empty() {
            return Ok(());
        }
        self.batch.clear();
        for row in &step.rows {
            let added = i32::try_from(row.position).ok().map(|position| {
                self.batch.add(LlamaToken(row.token.0), position, &[slot(row)], row.wants_logits)
            });
            if !matches!(added, Some(Ok(()))) {
                return self.fail_all("a step of the model is too large", outbox);
            }
        }
        match self.context.decode(&mut self.batch) {
            Ok(()) => {}
            Err(DecodeError::NoKvCacheSlot) => return self.fail_all("the model's context is full", outbox),
            Err(error) => return self.fail_all(&format!("the model cannot be computed: {error}"), outbox),
        }
        self.batcher.computed();
        for (index, row) in step.rows.iter().enumerate() {
            let Some(id) = self.batcher.job_of(row.slot) else { continue };
            if let Some(answer) = self.answers.get_mut(&id) {
                answer.usage.decoded_tokens += 1;
            }
            if row.wants_logits {
                self.choose(id, i32::try_from(index).unwrap_or(0), outbox)?;
            }
        }
        self.report_reading(&step, outbox)
    }

    fn accepted<W: Write>(&mut self, started: &Started, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        let Some(answer) = self.answers.get_mut(&started.id) else { return Ok(()) };
        if started.is_resumed {
            return Ok(());
        }
        answer.usage.reused_tokens = u32::try_from(started.reused).unwrap_or(u32::MAX);
        let event = Event::Accepted {
            prompt_tokens: answer.usage.prompt_tokens,
            reused_tokens: answer.usage.reused_tokens,
            left_out: answer.left_out.take(),
        };
        outbox.send(&FromWorker::Event(started.id, event))
    }

    fn change_cache(&mut self, step: &Step) -> Result<(), ()> {
        for change in &step.changes {
            match *change {
                CacheChange::Trim { slot, from } => {
                    let from = u32::try_from(from).map_err(|_| ())?;
                    let slot = u32::try_from(slot.0).map_err(|_| ())?;
                    let trimmed =
                        self.context.clear_kv_cache_seq(Some(slot), Some(from), None).map_err(|_| ())?;
                    if !trimmed {
                        return Err(());
                    }
                }
                CacheChange::Copy { from, to, tokens } => {
                    let number = |slot: usize| i32::try_from(slot).map_err(|_| ());
                    let end = u32::try_from(tokens).map_err(|_| ())?;
                    self.context
                        .copy_kv_cache_seq(number(from.0)?, number(to.0)?, Some(0), Some(end))
                        .map_err(|_| ())?;
                }
            }
        }
        Ok(())
    }

    fn choose<W: Write>(&mut self, id: JobId, row: i32, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        let Some(answer) = self.answers.get_mut(&id) else { return Ok(()) };
        answer.first_token.get_or_insert_with(Instant::now);
        let Some(token) = answer.chooser.choose(&self.context, row) else {
            self.batcher.finish(id);
            return self.done(id, Finish::End, outbox);
        };
        if self.model.llama().vocab().is_eog(token) {
            self.batcher.finish(id);
            return self.done(id, Finish::End, outbox);
        }
        answer.chooser.accept(token);
        answer.usage.generated_tokens += 1;
        self.model.piece(token, &mut self.piece);
        let text = answer.text.push(&self.piece);
        let finish = if answer.text.is_stopped() {
            Some(Finish::Stop)
        } else if answer.repetition.push(token.0) {
            Some(Finish::Repeating)
        } else if answer.usage.generated_tokens as usize >= answer.max_tokens {
            Some(Finish::MaxTokens)
        } else {
            None
        };
        if !text.is_empty() {
            outbox.send(&FromWorker::Event(id, Event::Text(text)))?;
        }
        let has_room = self.batcher.push(id, Token(token.0));
        match finish {
            None if has_room => Ok(()),
            finish => {
                self.batcher.finish(id);
                self.done(id, finish.unwrap_or(Finish::ContextFull), outbox)
            }
        }
    }

    fn report_reading<W: Write>(&mut self, step: &Step, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        let mut last = None;
        for row in step.rows.iter().filter(|row| !row.wants_logits) {
            if last == Some(row.slot) {
                continue;
            }
            last = Some(row.slot);
            let (Some(id), Some((done, total))) =
                (self.batcher.job_of(row.slot), self.batcher.read_of_prompt(row.slot))
            else {
                continue;
            };
            if done < total {
                let [done, total] = [done, total].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                outbox.send(&FromWorker::Event(id, Event::Reading { done, total }))?;
            }
        }
        Ok(())
    }

    fn done<W: Write>(&mut self, id: JobId, finish: Finish, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        let Some(mut answer) = self.answers.remove(&id) else { return Ok(()) };
        let rest = answer.text.finish();
        if !rest.is_empty() {
            outbox.send(&FromWorker::Event(id, Event::Text(rest)))?;
        }
        let first = answer.first_token.unwrap_or_else(Instant::now);
        answer.usage.prompt_millis = first.duration_since(answer.submitted).as_secs_f32() * 1000.0;
        answer.usage.generate_millis = first.elapsed().as_secs_f32() * 1000.0;
        outbox.send(&FromWorker::Event(id, Event::Done { finish, usage: answer.usage }))
    }

    /// After a step that failed nothing is known about the cache: everybody is told, and it begins anew.
    fn fail_all<W: Write>(&mut self, what: &str, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        self.batcher.reset();
        self.context.clear_kv_cache();
        let failure = Failure::new(FailureKind::Other, what).hint("ask again");
        for (id, _) in std::mem::take(&mut self.answers) {
            outbox.send(&FromWorker::Event(id, Event::Failed(failure.clone())))?;
        }
        Ok(())
    }
}

fn slot(row: &Row) -> i32 {
    i32::try_from(row.slot.0).unwrap_or(0)
}

fn refused(error: SubmitError) -> Failure {
    let kind = match error {
        SubmitError::TooLong { .. } => FailureKind::TooLong,
        SubmitError::Full => FailureKind::Busy,
        _ => FailureKind::Unfit,
    };
    let failure = Failure::new(kind, error.to_string());
    match kind {
        FailureKind::TooLong => {
            failure.hint("ask with less text, or use a model with a larger context; nothing was cut")
        }
        FailureKind::Busy => failure.hint("try again in a moment"),
        _ => failure,
    }
}
