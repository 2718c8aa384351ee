//! Computes embeddings: as many texts a step as fit.

use std::{collections::VecDeque, io::Write, num::NonZeroU32};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    token::LlamaToken,
};
use weft_ai::{
    pipe::{FromWorker, JobId, Load, ToWorker},
    request::{Embed, Embedding, Event, Failure, FailureKind, ModelInfo, Priority},
};

use super::{
    Closed, Outbox,
    inbox::{Found, Inbox},
    model::{Model, threads},
};

/// Texts of one step.
const TEXTS_MAX: usize = 16;
/// Tokens of one step.
const STEP_TOKENS: u32 = 2048;

struct Work {
    id: JobId,
    priority: Priority,
    texts: VecDeque<(Vec<LlamaToken>, bool)>,
    done: Vec<Embedding>,
}

pub(super) struct Embedder<'model> {
    model: &'model Model,
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    works: Vec<Work>,
    text_tokens_max: usize,
    step_tokens: usize,
    info: ModelInfo,
}

impl<'model> Embedder<'model> {
    pub(super) fn new(backend: &LlamaBackend, model: &'model Model, load: &Load) -> Result<Self, Failure> {
        let made_for = model.llama().n_ctx_train().max(8);
        let text_tokens = if load.context_tokens == 0 { made_for } else { made_for.min(load.context_tokens) };
        let step = text_tokens.max(STEP_TOKENS.min(load.batch_tokens.max(text_tokens)));
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(step))
            .with_n_batch(step)
            .with_n_ubatch(step)
            .with_n_seq_max(TEXTS_MAX as u32)
            .with_kv_unified(true)
            .with_embeddings(true)
            .with_n_threads(threads(load))
            .with_n_threads_batch(threads(load));
        let context = model.llama().new_context(backend, params).map_err(|_| {
            Failure::new(FailureKind::NoMemory, format!("there is no memory for {step} tokens at a time"))
                .hint("use a smaller model; `weft ai hardware` says what fits")
        })?;
        let info = ModelInfo {
            architecture: model.summary().architecture.clone(),
            context_tokens: text_tokens,
            slots: TEXTS_MAX as u32,
            embedding_numbers: u32::try_from(model.llama().n_embd()).unwrap_or(0),
            is_embedding: true,
            can_fill: false,
            can_chat: false,
            device: model.device(),
        };
        Ok(Self {
            model,
            context,
            batch: LlamaBatch::new(step as usize, 1),
            works: Vec::new(),
            text_tokens_max: text_tokens as usize,
            step_tokens: step as usize,
            info,
        })
    }

    pub(super) fn info(&self) -> ModelInfo {
        self.info.clone()
    }

    pub(super) fn run<W: Write>(&mut self, inbox: &Inbox, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        loop {
            if self.works.is_empty() {
                self.take(inbox.wait().ok_or(Closed)?, outbox)?;
            }
            loop {
                match inbox.look() {
                    Found::Message(message) => self.take(message, outbox)?,
                    Found::Nothing => break,
                    Found::Closed => return Ok(()),
                }
            }
            self.step(outbox)?;
        }
    }

    fn take<W: Write>(&mut self, message: ToWorker, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        match message {
            ToWorker::Embed(id, request) => match self.texts(&request) {
                Ok(texts) if texts.is_empty() => outbox.send(&FromWorker::Embedded(id, Ok(Vec::new()))),
                Ok(texts) => {
                    self.works.push(Work { id, priority: request.priority, texts, done: Vec::new() });
                    self.works.sort_by_key(|work| work.priority);
                    Ok(())
                }
                Err(failure) => outbox.send(&FromWorker::Embedded(id, Err(failure))),
            },
            ToWorker::Cancel(id) => {
                let before = self.works.len();
                self.works.retain(|work| work.id != id);
                if self.works.len() == before {
                    return Ok(());
                }
                let failure = Failure::new(FailureKind::Other, "it was cancelled");
                outbox.send(&FromWorker::Embedded(id, Err(failure)))
            }
            ToWorker::Count(id, text) => {
                let tokens = u32::try_from(self.tokens(&text).len()).unwrap_or(u32::MAX);
                outbox.send(&FromWorker::Counted(id, tokens))
            }
            ToWorker::Generate(id, _) => {
                let failure =
                    Failure::new(FailureKind::Unable, "this model makes embeddings and writes no text")
                        .hint("choose another model: `weft ai models` lists what each is for");
                outbox.send(&FromWorker::Event(id, Event::Failed(failure)))
            }
            ToWorker::Load(_) | ToWorker::Look => Ok(()),
        }
    }

    fn tokens(&self, text: &str) -> Vec<LlamaToken> {
        self.model.llama().vocab().tokenize(text.as_bytes(), true, false)
    }

    fn texts(&self, request: &Embed) -> Result<VecDeque<(Vec<LlamaToken>, bool)>, Failure> {
        request.check()?;
        let most = self.text_tokens_max;
        let mut texts = VecDeque::new();
        for (index, text) in request.inputs.iter().enumerate() {
            let mut tokens = self.tokens(text);
            let is_cut = tokens.len() > most;
            if is_cut && !request.may_cut {
                let message = format!("text {index} has {} tokens, this model reads {most}", tokens.len());
                return Err(
                    Failure::new(FailureKind::TooLong, message).hint("cut the text; nothing was embedded")
                );
            }
            if is_cut {
                // What ends a sequence stays at its end.
                let last = tokens.last().copied();
                tokens.truncate(most - 1);
                tokens.extend(last);
            }
            if tokens.is_empty() {
                return Err(Failure::new(FailureKind::Unfit, format!("text {index} is empty")));
            }
            texts.push_back((tokens, is_cut));
        }
        Ok(texts)
    }

    /// One batch of texts from the requests in their order.
    fn step<W: Write>(&mut self, outbox: &mut Outbox<W>) -> Result<(), Closed> {
        self.batch.clear();
        let mut owners = Vec::new();
        let mut room = self.step_tokens;
        'fill: for (index, work) in self.works.iter().enumerate() {
            for (tokens, is_cut) in &work.texts {
                if tokens.len() > room || owners.len() == TEXTS_MAX {
                    break 'fill;
                }
                room -= tokens.len();
                let sequence = i32::try_from(owners.len()).unwrap_or(0);
                if self.batch.add_sequence(tokens, sequence, true).is_err() {
                    break 'fill;
                }
                owners.push((index, u32::try_from(tokens.len()).unwrap_or(u32::MAX), *is_cut));
            }
        }
        if owners.is_empty() {
            return Ok(());
        }
        self.context.clear_kv_cache();
        let computed = self.context.decode(&mut self.batch).map_err(|error| error.to_string());
        for (sequence, (index, tokens, is_cut)) in owners.iter().enumerate() {
            let work = &mut self.works[*index];
            work.texts.pop_front();
            let vector = computed.clone().and_then(|()| {
                let sequence = i32::try_from(sequence).unwrap_or(0);
                self.context.embeddings_seq_ith(sequence).map(unit).map_err(|error| error.to_string())
            });
            match vector {
                Ok(vector) => work.done.push(Embedding { vector, tokens: *tokens, is_cut: *is_cut }),
                Err(error) => {
                    work.texts.clear();
                    let failure =
                        Failure::new(FailureKind::Other, format!("the model cannot be computed: {error}"));
                    outbox.send(&FromWorker::Embedded(work.id, Err(failure)))?;
                    work.done.clear();
                }
            }
        }
        for work in self.works.iter_mut().filter(|work| work.texts.is_empty() && !work.done.is_empty()) {
            outbox.send(&FromWorker::Embedded(work.id, Ok(std::mem::take(&mut work.done))))?;
        }
        self.works.retain(|work| !work.texts.is_empty());
        Ok(())
    }
}

/// The vector of length one in the same direction.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 { vector.iter().map(|number| number / length).collect() } else { vector.to_vec() }
}
