//! Answers with language models: on this device, and of servers where the person has added some.
//!
//! Each model runs in a process of its own (`weft_ai_llama`), which is started when it is asked and ended when nobody
//! asked for a while. Reading order: this file starts models; `routing` finds who is asked and asks; `catalogue` has the
//! collection, `sharing` what of it members fetch from each other, `providers` the servers, `prompts` questions and completions, `surroundings` what these are shown of other files, `context` what a model is shown of a workspace,
//! `editing` and `changing` ask it for changes, `wanting` puts what is wanted into words, `checking` looks at
//! what comes, `proposals` holds them until they are answered,
//! `answers` has what was answered before, `conversations` what programs keep of it.

mod answers;
mod catalogue;
mod changing;
mod checking;
mod context;
mod conversations;
mod editing;
mod prompts;
mod proposals;
mod providers;
mod routing;
mod sharing;
mod surroundings;
mod wanting;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use weft_ai::{
    completions::Completions,
    pipe::Load,
    provider::Provider as _,
    request::{
        Constraint, Embed, Embedding, Failure, FailureKind, Generate, Message, Priority, Prompt, Sampling,
        Speaker,
    },
};
use weft_ai_llama::{
    host::{Program, Worker},
    supervisor::Supervisor,
};

use super::Shared;
use crate::{
    api::{
        AiAnswer, AiEmbed, AiEmbedded, AiGenerate, AiMessage, AiSampling, ApiError, CallContext, ErrorKind,
        Progress, ProgressSink, Purpose, Stage,
    },
    models::{Hardware, ModelFolder, ModelRecord, fit},
    providers::Clients,
};

use self::routing::{Asking, CancelOnDrop};
pub(super) use self::{
    catalogue::{choose, download, hardware, import, list, remove, verify},
    changing::change,
    conversations::{conversation, conversations, keep_conversation, remove_conversation},
    editing::edit,
    prompts::{chat, complete},
    proposals::accept,
    providers::{add_provider, providers, remove_provider, test_provider},
    sharing::{get, offers, serve, share},
    wanting::templates,
};

/// A model that nobody asked for so long is put out of memory.
const IDLE_TIME: Duration = Duration::from_secs(300);
const IDLE_LOOK: Duration = Duration::from_secs(15);
/// Models in memory at a time; another one takes the place of the one that was asked longest ago.
const LOADED_MAX: usize = 3;

/// The models of a node.
pub(crate) struct Ai {
    folder: ModelFolder,
    program: Option<Program>,
    state: Mutex<State>,
    proposals: proposals::Proposals,
    completions: Mutex<Completions>,
    surroundings: Mutex<surroundings::Surroundings>,
    answers: Mutex<answers::Answers>,
    clients: Clients,
    /// Models that are on their way to others.
    sending: tokio::sync::Semaphore,
    /// Held while a conversation is kept.
    keeping: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    supervisors: BTreeMap<String, (Arc<Supervisor>, Instant)>,
    is_watched: bool,
}

impl Ai {
    pub(crate) fn new(home: &std::path::Path) -> Arc<Self> {
        // This same program, as a worker.
        let program = std::env::current_exe().ok();
        let program = program.map(|path| Program { path, arguments: vec!["worker".into()] });
        Arc::new(Self {
            folder: ModelFolder::new(home),
            program,
            state: Mutex::default(),
            proposals: proposals::Proposals::default(),
            completions: Mutex::default(),
            surroundings: Mutex::default(),
            answers: Mutex::default(),
            clients: Clients::default(),
            sending: sharing::places(),
            keeping: tokio::sync::Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn completions(&self) -> MutexGuard<'_, Completions> {
        self.completions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn surroundings(&self) -> MutexGuard<'_, surroundings::Surroundings> {
        self.surroundings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> MutexGuard<'_, answers::Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a model is in memory.
    fn is_loaded(&self, record: &ModelRecord) -> bool {
        self.state().supervisors.get(&record.sha256).is_some_and(|(supervisor, _)| supervisor.is_loaded())
    }

    fn forget(&self, record: &ModelRecord) {
        self.state().supervisors.remove(&record.sha256);
    }

    /// The model of a name, or the one that is chosen for this.
    fn pick(&self, name: Option<&str>, role: Purpose) -> Result<ModelRecord, ApiError> {
        if let Some(name) = name {
            return self.folder.find(name).map_err(catalogue::error);
        }
        let records = self.folder.list();
        let chosen = records.iter().find(|record| record.chosen_for.contains(&role));
        chosen.cloned().ok_or_else(|| {
            let what = match role {
                Purpose::Completion => "completing",
                Purpose::Chat => "chats",
                Purpose::Embedding => "embeddings",
            };
            ApiError::not_found(format!("there is no model for {what} on this device")).hint(
                "`weft ai models import FILE` takes a GGUF file in, `weft ai models download URL` fetches one",
            )
        })
    }

    fn supervisor(&self, record: &ModelRecord) -> Result<Arc<Supervisor>, ApiError> {
        let summary = self.folder.summary(record).map_err(catalogue::error)?;
        let mut state = self.state();
        let now = Instant::now();
        if let Some((supervisor, used)) = state.supervisors.get_mut(&record.sha256) {
            *used = now;
            return Ok(Arc::clone(supervisor));
        }
        while state.supervisors.len() >= LOADED_MAX {
            let oldest =
                state.supervisors.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            state.supervisors.remove(&oldest);
        }
        let fit = fit(&summary, record.bytes, &Hardware::look());
        if !fit.fits {
            return Err(ApiError::failed(format!(
                "the model {} does not fit into memory: it {}",
                record.id, fit.why
            ))
            .hint("end other programs, or choose a smaller model: `weft ai hardware` says what fits"));
        }
        let program =
            self.program.clone().ok_or_else(|| ApiError::failed("this program cannot find itself"))?;
        let load = Load {
            context_tokens: u32::try_from(fit.context_tokens).unwrap_or(u32::MAX),
            // A step on a processor is short enough to be interrupted after.
            batch_tokens: 128,
            ..Load::new(self.folder.file(record))
        };
        let supervisor = Arc::new(Supervisor::new(program, load));
        state.supervisors.insert(record.sha256.clone(), (Arc::clone(&supervisor), now));
        Ok(supervisor)
    }

    /// Puts models out of memory that nobody asks; ends with the node.
    fn watch(self: &Arc<Self>) {
        if std::mem::replace(&mut self.state().is_watched, true) {
            return;
        }
        let ai: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(IDLE_LOOK).await;
                let Some(ai) = ai.upgrade() else { return };
                let supervisors: Vec<_> =
                    ai.state().supervisors.values().map(|(supervisor, _)| Arc::clone(supervisor)).collect();
                // A model that is just being loaded is waited for, which takes a while.
                let looked = tokio::task::spawn_blocking(move || {
                    for supervisor in supervisors {
                        supervisor.unload_when_idle(IDLE_TIME);
                    }
                });
                let _ended = looked.await;
            }
        });
    }

    /// The running worker of a model; this may load it.
    async fn worker(
        self: &Arc<Self>,
        record: &ModelRecord,
        progress: &ProgressSink,
    ) -> Result<Arc<Worker>, ApiError> {
        self.watch();
        let (ai, of_task) = (Arc::clone(self), record.clone());
        if !self.is_loaded(record) {
            progress.report(Progress {
                detail: Some(format!("the model {} is loaded", record.id)),
                ..Progress::new(Stage::Wait)
            });
        }
        let loaded = tokio::task::spawn_blocking(move || {
            let supervisor = ai.supervisor(&of_task)?;
            supervisor.worker().map_err(failure)
        });
        loaded.await.map_err(|error| ApiError::failed(format!("the model could not be loaded: {error}")))?
    }

    /// The model that is chosen for embeddings, where there is one.
    pub(crate) fn embedding_model(&self) -> Option<ModelRecord> {
        self.pick(None, Purpose::Embedding).ok()
    }

    /// The vectors of texts, each of which is cut to what the model reads.
    pub(crate) async fn vectors(
        self: &Arc<Self>,
        record: &ModelRecord,
        texts: Vec<String>,
        priority: Priority,
    ) -> Result<Vec<Vec<f32>>, ApiError> {
        let asked = Embed { inputs: texts, may_cut: true, priority };
        let made = self.embeddings(record, asked, &ProgressSink::none()).await?;
        Ok(made.into_iter().map(|embedding| embedding.vector).collect())
    }

    async fn embeddings(
        self: &Arc<Self>,
        record: &ModelRecord,
        asked: Embed,
        progress: &ProgressSink,
    ) -> Result<Vec<Embedding>, ApiError> {
        asked.check().map_err(failure)?;
        let worker = self.worker(record, progress).await?;
        let (answer, answered) = tokio::sync::oneshot::channel();
        // Who dropped the request does not wait for its answer.
        let ticket = worker.embed(asked, Box::new(move |result| drop(answer.send(result))));
        let _cancel = CancelOnDrop(ticket);
        answered.await.map_err(|_| ApiError::failed("the model went away"))?.map_err(failure)
    }
}

/// A worker's failure, as it is told.
fn failure(failure: Failure) -> ApiError {
    let kind = match failure.kind {
        FailureKind::Unfit | FailureKind::TooLong | FailureKind::Unable => ErrorKind::Usage,
        FailureKind::Server => ErrorKind::Unreachable,
        _ => ErrorKind::Failed,
    };
    let error = ApiError::new(kind, failure.message);
    match failure.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Asks for text with a prompt as it is, or a conversation.
pub(super) async fn generate(
    shared: &Shared,
    request: AiGenerate,
    context: &CallContext,
) -> Result<AiAnswer, ApiError> {
    let prompt = match (request.prompt, request.messages.is_empty()) {
        (Some(text), true) => Prompt::Raw(text),
        (None, false) => Prompt::Chat(messages(&request.messages)?),
        _ => return Err(ApiError::usage("give either a prompt or messages")),
    };
    let role = if matches!(prompt, Prompt::Chat(_)) { Purpose::Chat } else { Purpose::Completion };
    let constraint = match (request.json_schema, request.grammar) {
        (None, None) => None,
        (Some(schema), None) => Some(Constraint::JsonSchema(schema.to_string())),
        (None, Some(grammar)) => Some(Constraint::Grammar(grammar)),
        _ => return Err(ApiError::usage("give either a schema or a grammar")),
    };
    let asked = Generate {
        sampling: sampling(&request.sampling),
        max_tokens: request.max_tokens.unwrap_or(0),
        stops: request.stops,
        constraint,
        time_millis: request.time_millis.unwrap_or(0),
        ..Generate::new(prompt, Priority::Chat)
    };
    let workspace = request.folder.as_deref().map(|folder| shared.workspace_of(folder)).transpose()?;
    let workspace = workspace.as_ref().map(|(workspace, _, _)| workspace);
    let route = routing::route(shared, request.model.as_deref(), role, workspace).await?;
    let stream = request.stream.as_deref();
    let asking =
        Asking { workspace, confirm: request.confirm, shown: &[], may_repeat: false, stream, context };
    shared.ai.answer(shared, &route, asked, asking).await
}

fn messages(messages: &[AiMessage]) -> Result<Vec<Message>, ApiError> {
    let speaker = |role: &str| match role {
        "system" | "developer" => Ok(Speaker::System),
        "user" => Ok(Speaker::User),
        "assistant" => Ok(Speaker::Assistant),
        _ => Err(ApiError::usage(format!("a message is by system, user or assistant, not by {role:?}"))),
    };
    messages
        .iter()
        .map(|message| Ok(Message { speaker: speaker(&message.role)?, text: message.text.clone() }))
        .collect()
}

fn sampling(asked: &AiSampling) -> Sampling {
    let usual = Sampling::default();
    Sampling {
        temperature: asked.temperature.unwrap_or(usual.temperature),
        top_k: asked.top_k.unwrap_or(usual.top_k),
        top_p: asked.top_p.unwrap_or(usual.top_p),
        frequency_penalty: asked.frequency_penalty.unwrap_or(usual.frequency_penalty),
        presence_penalty: asked.presence_penalty.unwrap_or(usual.presence_penalty),
        seed: asked.seed.unwrap_or(usual.seed),
        ..usual
    }
}

/// Asks for vectors.
pub(super) async fn embed(
    shared: &Shared,
    request: AiEmbed,
    context: &CallContext,
) -> Result<AiEmbedded, ApiError> {
    let record = shared.ai.pick(request.model.as_deref(), Purpose::Embedding)?;
    let asked = Embed { inputs: request.texts, may_cut: request.may_cut, priority: Priority::Agent };
    let made = shared.ai.embeddings(&record, asked, &context.progress).await?;
    Ok(AiEmbedded {
        model: record.id,
        tokens: made.iter().map(|embedding| embedding.tokens).sum(),
        cut: made
            .iter()
            .enumerate()
            .filter(|(_, embedding)| embedding.is_cut)
            .map(|(index, _)| index)
            .collect(),
        vectors: made.into_iter().map(|embedding| embedding.vector).collect(),
    })
}
