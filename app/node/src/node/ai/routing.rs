//! Who is asked, what may leave the device for that, and the answer.
//!
//! A name is that of a model on this device before it is that of a server, so nothing that was local becomes remote by a
//! name. A server is asked only when it is named or chosen, the workspace allows it, nothing in the question looks like a
//! secret, and the person has agreed once for that workspace.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;
use weft_ai::{
    checks,
    provider::{Cancel, Provider},
    request::{Event as ModelEvent, Failure, Finish, Generate, Prompt, Usage},
};

use super::super::{Shared, ended};
use super::{Ai, answers, catalogue, failure, providers};
use crate::{
    api::{AiAnswer, AiText, ApiError, CallContext, ErrorKind, Event, EventSink, Purpose},
    models::{ModelRecord, ModelsError},
    providers::{self as servers, HttpProvider, ProviderRecord},
    workspace::thread::WorkspaceHandle,
};

/// Who is asked.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// A model on this device.
    Device(ModelRecord),
    /// A model of a server.
    Server(ProviderRecord, String),
}

impl Route {
    /// As people name it, and as blame shows it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Device(record) => record.id.clone(),
            Self::Server(record, model) => format!("{}/{model}", record.id),
        }
    }

    /// What tells apart whose answers may differ.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Device(record) => record.sha256.clone(),
            Self::Server(record, model) => format!("{} {model}", record.url),
        }
    }
}

/// What belongs to a request besides what it asks for.
pub(super) struct Asking<'call> {
    /// The workspace that it is about.
    pub(super) workspace: Option<&'call WorkspaceHandle>,
    /// Whether the person agrees that it is sent to a server.
    pub(super) confirm: bool,
    /// What of the workspace is in it.
    pub(super) shown: &'call [String],
    /// Whether the answer to the same question may be given again.
    pub(super) may_repeat: bool,
    pub(super) stream: Option<&'call str>,
    pub(super) context: &'call CallContext,
}

/// Whether the workspace asks models on this device only.
async fn is_local_only(workspace: Option<&WorkspaceHandle>) -> Result<bool, ApiError> {
    match workspace {
        None => Ok(false),
        Some(workspace) => workspace.ask(|engine| engine.is_ai_local_only()).await.ok_or_else(ended),
    }
}

/// Finds who is meant, or who is chosen where nobody is named.
pub(super) async fn route(
    shared: &Shared,
    name: Option<&str>,
    role: Purpose,
    workspace: Option<&WorkspaceHandle>,
) -> Result<Route, ApiError> {
    if let Some(name) = name {
        return named(shared, name);
    }
    if role != Purpose::Embedding && !is_local_only(workspace).await? {
        let known = servers::all(&*shared.storage).map_err(|error| providers::error(&error))?;
        if let Some(record) = known.into_iter().find(|record| record.chosen_for.contains(&role)) {
            let model = record.model.clone();
            return Ok(Route::Server(record, model));
        }
    }
    shared.ai.pick(None, role).map(Route::Device)
}

fn named(shared: &Shared, name: &str) -> Result<Route, ApiError> {
    let (id, model) = name.split_once('/').map_or((name, None), |(id, model)| (id, Some(model)));
    let unknown = match (model, shared.ai.folder.find(name)) {
        (None, Ok(record)) => return Ok(Route::Device(record)),
        (None, Err(error @ ModelsError::NotFound(_))) => catalogue::error(error),
        (None, Err(error)) => return Err(catalogue::error(error)),
        (Some(_), _) => ApiError::not_found(format!("there is no server {id:?}")),
    };
    match servers::find(&*shared.storage, id).map_err(|error| providers::error(&error))? {
        Some(record) => {
            let model = model.filter(|model| !model.is_empty()).unwrap_or(&record.model).to_owned();
            Ok(Route::Server(record, model))
        }
        None => {
            Err(unknown
                .hint("`weft ai models` lists the models of this device, `weft ai providers` the servers"))
        }
    }
}

/// Looks whether a request may be sent to a server; what the person agrees to is remembered.
async fn may_send(
    shared: &Shared,
    record: &ProviderRecord,
    asked: &Generate,
    asking: &Asking<'_>,
) -> Result<(), ApiError> {
    let (scope, name) = match asking.workspace {
        None => (String::new(), None),
        Some(workspace) => {
            let name = shared.state().registry.get(&workspace.ws).map(|record| record.name.clone());
            (workspace.ws.to_string(), name)
        }
    };
    let nothing = "nothing was sent";
    if is_local_only(asking.workspace).await? {
        let of = name.unwrap_or_default();
        return Err(ApiError::not_allowed(format!("the workspace {of} asks models on this device only"))
            .hint("name a model of this device with --model; an admin may change this with `weft ai local-only off`")
            .data_state(nothing));
    }
    let found = texts(&asked.prompt).find_map(|text| checks::secrets("", text).into_iter().next());
    if let Some(what) = found {
        return Err(ApiError::not_allowed(format!("what would be sent has what looks like {what}"))
            .hint("take it out, or ask a model on this device")
            .data_state(nothing));
    }
    if record.confirmed.contains(&scope) {
        return Ok(());
    }
    if asking.confirm {
        // What was agreed to meanwhile for another workspace stays.
        let newest = servers::find(&*shared.storage, &record.id).map_err(|error| providers::error(&error))?;
        let mut newest = newest.filter(|newest| newest.url == record.url).ok_or_else(|| {
            ApiError::not_found(format!("the server {} was changed just now", record.id)).data_state(nothing)
        })?;
        newest.confirmed.insert(scope);
        return servers::put(&*shared.storage, &newest).map_err(|error| providers::error(&error));
    }
    let with =
        if asking.shown.is_empty() { String::new() } else { format!(", with {}", asking.shown.join(", ")) };
    let from = name.map_or_else(|| "of yours".to_owned(), |name| format!("of the workspace {name}"));
    let (id, url, bytes) = (&record.id, &record.url, asked.prompt.bytes());
    Err(ApiError::new(
        ErrorKind::NotConfirmed,
        format!("nothing {from} was sent to {id} before: {bytes} bytes would go to {url}{with}"),
    )
    .hint(
        "agree to it once with --yes; `weft ai local-only on` forbids servers for everybody in the workspace",
    )
    .data_state(nothing))
}

fn texts(prompt: &Prompt) -> Box<dyn Iterator<Item = &str> + Send + '_> {
    match prompt {
        Prompt::Raw(text) => Box::new(std::iter::once(text.as_str())),
        Prompt::Chat(messages) => Box::new(messages.iter().map(|message| message.text.as_str())),
        Prompt::Fill(fill) => {
            let snippets = fill.snippets.iter().map(|snippet| snippet.text.as_str());
            Box::new([fill.prefix.as_str(), fill.suffix.as_str()].into_iter().chain(snippets))
        }
    }
}

impl Ai {
    /// Asks for text, and waits for all of it.
    pub(super) async fn answer(
        self: &Arc<Self>,
        shared: &Shared,
        route: &Route,
        request: Generate,
        asking: Asking<'_>,
    ) -> Result<AiAnswer, ApiError> {
        let begin = Instant::now();
        request.check().map_err(failure)?;
        if let Route::Server(record, _) = route {
            may_send(shared, record, &request, &asking).await?;
        }
        let mut told = Told { stream: asking.stream, events: &asking.context.events, is_listening: true };
        let key = answers::key(route, &request).filter(|_| asking.may_repeat);
        if let Some(answer) = key.and_then(|key| self.answers().get(&key)) {
            told.tell(&answer.text);
            return Ok(answer);
        }
        let provider: Arc<dyn Provider> = match route {
            Route::Device(record) => self.worker(record, &asking.context.progress).await?,
            Route::Server(record, model) => {
                Arc::new(HttpProvider::new(&self.clients, record.clone(), model.clone()).map_err(failure)?)
            }
        };
        let shelf = Arc::new(Shelf::default());
        let filled = Arc::clone(&shelf);
        let _cancel = CancelOnDrop(provider.generate(request, Box::new(move |event| filled.put(event))));
        let mut text = String::new();
        loop {
            shelf.news.notified().await;
            let (more, end) = shelf.take();
            told.tell(&more);
            text.push_str(&more);
            match end {
                None => {}
                Some(Err(error)) => return Err(failure(error)),
                Some(Ok(end)) => {
                    let answer = AiAnswer {
                        model: route.name(),
                        seconds: begin.elapsed().as_secs_f64(),
                        ..end.answer(text)
                    };
                    if let Some(key) = key {
                        self.answers().put(key, &answer);
                    }
                    return Ok(answer);
                }
            }
        }
    }
}

/// Whoever no longer waits for an answer ends it.
pub(super) struct CancelOnDrop(pub(super) Box<dyn Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// How an answer ended.
struct End {
    finish: Finish,
    usage: Usage,
    left_out: Option<String>,
}

impl End {
    fn answer(self, text: String) -> AiAnswer {
        AiAnswer {
            text,
            finish: finish_name(self.finish).to_owned(),
            prompt_tokens: self.usage.prompt_tokens,
            reused_tokens: self.usage.reused_tokens,
            decoded_tokens: self.usage.decoded_tokens,
            tokens: self.usage.generated_tokens,
            left_out: self.left_out,
            ..AiAnswer::default()
        }
    }
}

/// Text that waits, what had no room, and the end.
type Waiting = (String, Option<String>, Option<Result<End, Failure>>);

/// Where a provider's events wait for the task that asked. It holds no more than one answer.
#[derive(Default)]
struct Shelf {
    inner: Mutex<Waiting>,
    news: Notify,
}

impl Shelf {
    fn put(&self, event: ModelEvent) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            ModelEvent::Accepted { left_out, .. } => inner.1 = left_out,
            ModelEvent::Reading { .. } => return,
            ModelEvent::Text(text) => inner.0.push_str(&text),
            ModelEvent::Done { finish, usage } => {
                let left_out = inner.1.take();
                inner.2 = Some(Ok(End { finish, usage, left_out }));
            }
            ModelEvent::Failed(failure) => inner.2 = Some(Err(failure)),
        }
        drop(inner);
        self.news.notify_one();
    }

    fn take(&self) -> (String, Option<Result<End, Failure>>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut inner.0), inner.2.take())
    }
}

/// Whoever reads along.
struct Told<'call> {
    stream: Option<&'call str>,
    events: &'call EventSink,
    is_listening: bool,
}

impl Told<'_> {
    /// A program that does not keep up is no longer told: the answer has all of it.
    fn tell(&mut self, text: &str) {
        if let Some(stream) = self.stream.filter(|_| self.is_listening && !text.is_empty()) {
            let event = Event::AiText(AiText { stream: stream.to_owned(), text: text.to_owned() });
            self.is_listening = self.events.send(event);
        }
    }
}

fn finish_name(finish: Finish) -> &'static str {
    match finish {
        Finish::End => "end",
        Finish::Stop => "stop",
        Finish::MaxTokens => "max_tokens",
        Finish::ContextFull => "context_full",
        Finish::Deadline => "deadline",
        Finish::Cancelled => "cancelled",
        Finish::Repeating => "repeating",
        Finish::Withheld => "withheld",
    }
}
