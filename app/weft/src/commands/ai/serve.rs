//! `weft ai serve`: the models of this device for other programs of this machine, with the paths and fields of OpenAI's
//! interface (platform.openai.com/docs/api-reference: models, completions, chat completions, embeddings).
//!
//! It listens on this machine only, and every request must carry the token, also one from a page in a browser. Whoever
//! closes the connection ends the computing.

mod wire;

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::{sync::mpsc, task::JoinHandle};
use weft_node::api::{AiAnswer, AiEmbed, AiGenerate, AiModels, ApiError, ErrorKind, ProgressSink};

use self::wire::{ChatRequest, CompletionRequest, EmbeddingRequest, finish_reason, usage};
use super::Outcome;
use crate::{
    arguments::ServeArguments,
    connection::{Need, with_node},
    environment::Environment,
    output::Output,
    streams::Asker,
};

/// The longest request.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pieces of an answer that wait for whoever reads it.
const PIECES_MAX: usize = 256;

#[derive(Serialize)]
struct Ready {
    event: &'static str,
    url: String,
    token: String,
}

struct Service {
    asker: Asker,
    token: String,
}

pub(super) async fn serve(
    arguments: &ServeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if !arguments.listen.ip().is_loopback() {
        return Err(ApiError::usage(format!("{} is not an address of this machine alone", arguments.listen))
            .hint("listen on 127.0.0.1 or [::1]; members of a workspace on other machines have models of their own"));
    }
    with_node(environment, Need::DeviceForLong, async |node| {
        let listener = tokio::net::TcpListener::bind(arguments.listen).await.map_err(|error| {
            ApiError::failed(format!("{} cannot be listened on: {error}", arguments.listen))
        })?;
        let address = listener.local_addr().map_err(|error| ApiError::failed(error.to_string()))?;
        let token = new_token()?;
        announce(address, &token, output)?;
        let service = Arc::new(Service { asker: node.asker(), token });
        tokio::select! {
            served = axum::serve(listener, router(service)).into_future() => {
                served.map_err(|error| ApiError::failed(format!("serving ended: {error}")))
            }
            () = node.interrupted() => Ok(()),
        }
    })
    .await?;
    Ok(Outcome::Done)
}

fn announce(address: SocketAddr, token: &str, output: &Output) -> Result<(), ApiError> {
    let url = format!("http://{address}/v1");
    if output.json {
        return output.json_line(&Ready { event: "ready", url, token: token.to_owned() });
    }
    output.print(&format!(
        "Serving at {url} until Ctrl-C.\n  OPENAI_BASE_URL={url}\n  OPENAI_API_KEY={token}\nThe token is a secret: whoever \
         has it can use your models.\n"
    ))
}

fn new_token() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::failed(format!("no random numbers: {error}")))?;
    Ok(HEXLOWER.encode(&bytes))
}

fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), guard))
        .with_state(service)
}

/// Lets in who has the token, before anything else of the request is read.
async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if !has_token(request.headers(), &service.token) {
        let mut answer = told(StatusCode::UNAUTHORIZED, "the token is missing or wrong", "invalid_api_key");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return answer;
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > BODY_BYTES_MAX as u64)
    {
        return too_large();
    }
    next.run(request).await
}

/// Compares in a time that does not tell how much of it is right.
fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    // All tokens have one length: of another one nothing is learned from the time.
    given.ct_eq(token.as_bytes()).into()
}

fn too_large() -> Response {
    told(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("a request has at most {BODY_BYTES_MAX} bytes"),
        "request_too_large",
    )
}

fn told(status: StatusCode, message: &str, code: &str) -> Response {
    let kind = if status.is_client_error() { "invalid_request_error" } else { "server_error" };
    (status, Json(json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })))
        .into_response()
}

fn failed(error: &ApiError) -> Response {
    let status = match error.kind {
        ErrorKind::Usage => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::NotAllowed | ErrorKind::NotConfirmed => StatusCode::FORBIDDEN,
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    told(status, &sentence(error), "failed")
}

fn sentence(error: &ApiError) -> String {
    match &error.hint {
        Some(hint) => format!("{}: {hint}", error.message),
        None => error.message.clone(),
    }
}

/// Reads a body as JSON; what is wrong with it is told as other failures are.
fn parsed<T: serde::de::DeserializeOwned>(
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<T, Box<Response>> {
    let body = body.map_err(|rejection| {
        let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        Box::new(if is_large {
            too_large()
        } else {
            told(rejection.status(), &rejection.body_text(), "bad_body")
        })
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Box::new(told(
            StatusCode::BAD_REQUEST,
            &format!("the request is not understood: {error}"),
            "bad_json",
        ))
    })
}

type BodyBytes = Result<Bytes, axum::extract::rejection::BytesRejection>;

async fn models(State(service): State<Arc<Service>>) -> Response {
    match service.asker.ask(AiModels {}).await {
        Ok(list) => {
            let models = list
                .models
                .iter()
                .map(|model| json!({ "id": model.id, "object": "model", "created": 0, "owned_by": "weft" }));
            Json(json!({ "object": "list", "data": models.collect::<Vec<_>>() })).into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn completions(State(service): State<Arc<Service>>, body: BodyBytes) -> Response {
    let request: CompletionRequest = match parsed(body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    let (is_stream, with_usage) = (request.stream, request.stream_options.include_usage);
    match request.into_generate() {
        Ok(asked) => answer(&service, asked, Form::Completion, is_stream, with_usage).await,
        Err(what) => told(StatusCode::BAD_REQUEST, &what, "unsupported"),
    }
}

async fn chat(State(service): State<Arc<Service>>, body: BodyBytes) -> Response {
    let request: ChatRequest = match parsed(body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    let (is_stream, with_usage) = (request.common.stream, request.common.stream_options.include_usage);
    match request.into_generate() {
        Ok(asked) => answer(&service, asked, Form::Chat, is_stream, with_usage).await,
        Err(what) => told(StatusCode::BAD_REQUEST, &what, "unsupported"),
    }
}

async fn embeddings(State(service): State<Arc<Service>>, body: BodyBytes) -> Response {
    let request: EmbeddingRequest = match parsed(body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    let is_base64 = request.encoding_format.as_deref() == Some("base64");
    let asked = AiEmbed { model: request.model, texts: request.input.into_texts(), may_cut: false };
    match service.asker.ask(asked).await {
        Ok(made) => Json(wire::embedded(&made, is_base64)).into_response(),
        Err(error) => failed(&error),
    }
}

/// The two forms of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Completion,
    Chat,
}

impl Form {
    fn head(self, is_piece: bool) -> (&'static str, &'static str) {
        match (self, is_piece) {
            (Self::Completion, _) => ("cmpl", "text_completion"),
            (Self::Chat, false) => ("chatcmpl", "chat.completion"),
            (Self::Chat, true) => ("chatcmpl", "chat.completion.chunk"),
        }
    }

    fn whole(self, text: &str, finish: &str) -> Value {
        let finish = finish_reason(finish);
        match self {
            Self::Completion => {
                json!({ "index": 0, "text": text, "logprobs": null, "finish_reason": finish })
            }
            Self::Chat => {
                json!({ "index": 0, "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null, "finish_reason": finish })
            }
        }
    }

    fn piece(self, text: &str, finish: Option<&str>, is_first: bool) -> Value {
        let finish = finish.map(finish_reason);
        match self {
            Self::Completion => {
                json!({ "index": 0, "text": text, "logprobs": null, "finish_reason": finish })
            }
            Self::Chat => {
                let mut delta = serde_json::Map::new();
                if is_first {
                    delta.insert("role".to_owned(), "assistant".into());
                }
                if finish.is_none() {
                    delta.insert("content".to_owned(), text.into());
                }
                json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish })
            }
        }
    }
}

fn envelope(form: Form, is_piece: bool, model: &str, id: u64, choices: Value) -> Value {
    let (prefix, object) = form.head(is_piece);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({ "id": format!("{prefix}-{id:x}"), "object": object, "created": now, "model": model, "choices": choices })
}

fn new_id() -> u64 {
    // A name for logs; without random numbers they are all called the same.
    getrandom::u64().unwrap_or_default()
}

async fn answer(
    service: &Service,
    asked: AiGenerate,
    form: Form,
    is_stream: bool,
    with_usage: bool,
) -> Response {
    if is_stream {
        return streamed(service.asker.clone(), asked, form, with_usage).await;
    }
    match service.asker.ask(asked).await {
        Ok(made) => {
            let choices = json!([form.whole(&made.text, &made.finish)]);
            let mut whole = envelope(form, false, &made.model, new_id(), choices);
            whole["usage"] = usage(&made);
            Json(whole).into_response()
        }
        Err(error) => failed(&error),
    }
}

enum Piece {
    Text(String),
    Done(Result<AiAnswer, ApiError>),
}

/// Answers with events. What fails before the first word is told as a failure, what fails later as an event.
async fn streamed(asker: Asker, asked: AiGenerate, form: Form, with_usage: bool) -> Response {
    let (sender, mut pieces) = mpsc::channel(PIECES_MAX);
    let last = sender.clone();
    let model = asked.model.clone().unwrap_or_default();
    let task = tokio::spawn(async move {
        let request = |stream| AiGenerate { stream: Some(stream), ..asked };
        // Pieces are put together where the reader is slow: what is not taken now is part of the next one.
        let mut waiting = String::new();
        let listener = move |text: &str| {
            waiting.push_str(text);
            if sender.try_send(Piece::Text(waiting.clone())).is_ok() {
                waiting.clear();
            }
            true
        };
        let made = asker.ask_streaming(request, ProgressSink::none(), listener).await;
        // A reader that is gone needs no end.
        let _gone = last.send(Piece::Done(made)).await;
    });
    let ended = AbortOnDrop(task);
    let first = match pieces.recv().await {
        Some(Piece::Done(Err(error))) => return failed(&error),
        None => return told(StatusCode::INTERNAL_SERVER_ERROR, "the answer broke off", "failed"),
        Some(first) => first,
    };
    let events = Events {
        pieces,
        next: Some(first),
        form,
        model,
        id: new_id(),
        is_first: true,
        with_usage,
        told: 0,
        is_done: false,
        _task: ended,
    };
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (head, Body::from_stream(events)).into_response()
}

/// Ends the request when nobody reads its answer any more.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The events of an answer.
struct Events {
    pieces: mpsc::Receiver<Piece>,
    next: Option<Piece>,
    form: Form,
    model: String,
    id: u64,
    is_first: bool,
    with_usage: bool,
    /// Bytes of the text that were sent.
    told: usize,
    is_done: bool,
    _task: AbortOnDrop,
}

impl Events {
    fn event(&mut self, text: &str, finish: Option<&str>) -> String {
        let choices = json!([self.form.piece(text, finish, self.is_first)]);
        self.is_first = false;
        format!("data: {}\n\n", envelope(self.form, true, &self.model, self.id, choices))
    }

    fn of(&mut self, piece: Piece) -> String {
        match piece {
            Piece::Text(text) => {
                self.told += text.len();
                self.event(&text, None)
            }
            Piece::Done(Ok(made)) => {
                self.is_done = true;
                let mut events = String::new();
                // What was still waiting when the answer came.
                if let Some(rest) = made.text.get(self.told..).filter(|rest| !rest.is_empty()) {
                    events.push_str(&self.event(rest, None));
                }
                self.model.clone_from(&made.model);
                events.push_str(&self.event("", Some(&made.finish)));
                if self.with_usage {
                    let mut last = envelope(self.form, true, &self.model, self.id, json!([]));
                    last["usage"] = usage(&made);
                    events.push_str(&format!("data: {last}\n\n"));
                }
                events + "data: [DONE]\n\n"
            }
            Piece::Done(Err(error)) => {
                self.is_done = true;
                let told = json!({ "error": { "message": sentence(&error), "type": "server_error", "code": "failed" } });
                format!("data: {told}\n\n")
            }
        }
    }
}

impl futures_core::Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let piece = match self.next.take() {
            Some(piece) => Some(piece),
            None => std::task::ready!(self.pieces.poll_recv(context)),
        };
        let Some(piece) = piece else { return Poll::Ready(None) };
        Poll::Ready(Some(Ok(self.of(piece).into())))
    }
}
