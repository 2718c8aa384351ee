//! Asks a server over HTTP.
//!
//! A server may hang, lie and never end: it has a time to say something, what it sends is bounded by
//! [`weft_ai::remote`], and it cannot send a request on to another server.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::{Client, Response, StatusCode, Url, header};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};
use weft_ai::{
    limits::REMOTE_ANSWER_BYTES_MAX,
    provider::{Cancel, EmbedSink, Provider, Sink},
    remote::{self, Leniency, RemoteApi, RemoteReader, RemoteRequest},
    request::{Embed, Event, Failure, FailureKind, Finish, Generate, Usage},
};

use super::record::{ProviderRecord, is_here};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
/// The longest that one answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Bytes that are read of an answer which is a refusal.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;
/// The version of Anthropic's interface that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The connections to servers, made when the first is asked.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// For this machine, past any proxy.
    here: OnceLock<Client>,
    elsewhere: OnceLock<Client>,
}

impl Clients {
    fn of(&self, url: &Url) -> Result<Client, Failure> {
        let is_here = is_here(url);
        let place = if is_here { &self.here } else { &self.elsewhere };
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        // The same cryptography as the network's; when it is set already that is as well.
        let _set = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            // A key and a question go where the person said, and nowhere else.
            .redirect(reqwest::redirect::Policy::none());
        let builder = if is_here { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| failed("the network cannot be used", &error))?;
        Ok(place.get_or_init(|| client).clone())
    }
}

/// What failed, with the reason behind it; the address is known to the person.
fn failed(what: &str, error: &reqwest::Error) -> Failure {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    Failure::new(FailureKind::Server, format!("{what}: {}", remote::shortened(&reason.to_string())))
        .hint("check the address and the network; a model on this device needs neither")
}

/// One model of a server.
pub(crate) struct HttpProvider {
    client: Client,
    runtime: Handle,
    record: Arc<ProviderRecord>,
    model: String,
}

impl HttpProvider {
    /// Makes one; nothing is sent yet.
    pub(crate) fn new(clients: &Clients, record: ProviderRecord, model: String) -> Result<Self, Failure> {
        let url = Url::parse(&record.url).map_err(|error| {
            Failure::new(FailureKind::Unfit, format!("the server's address is none: {error}"))
        })?;
        let client = clients.of(&url)?;
        Ok(Self { client, runtime: Handle::current(), record: Arc::new(record), model })
    }
}

impl Provider for HttpProvider {
    fn generate(&self, request: Generate, mut sink: Sink) -> Box<dyn Cancel> {
        let end = Arc::new(Notify::new());
        let ended = Arc::clone(&end);
        let call =
            Call { client: self.client.clone(), record: Arc::clone(&self.record), model: self.model.clone() };
        self.runtime.spawn(async move {
            let last = tokio::select! {
                last = call.answer_in_time(request, &mut sink) => call.without_key(last.unwrap_or_else(Event::Failed)),
                () = ended.notified() => Event::Done { finish: Finish::Cancelled, usage: Usage::default() },
            };
            sink(last);
        });
        Box::new(Ticket(end))
    }

    fn embed(&self, _request: Embed, sink: EmbedSink) -> Box<dyn Cancel> {
        // The texts of an index would all leave the device.
        let failure = Failure::new(FailureKind::Unable, "embeddings are made by models on this device only")
            .hint("`weft ai models import FILE` takes an embedding model in");
        sink(Err(failure));
        Box::new(Ticket(Arc::default()))
    }
}

/// A request under way; ending it closes the connection.
struct Ticket(Arc<Notify>);

impl Cancel for Ticket {
    fn cancel(&self) {
        self.0.notify_one();
    }
}

struct Call {
    client: Client,
    record: Arc<ProviderRecord>,
    model: String,
}

impl Call {
    /// What a server says of a failure may have the key in it that it was sent.
    fn without_key(&self, last: Event) -> Event {
        match (last, &self.record.secret) {
            (Event::Failed(failure), Some(secret)) => Event::Failed(Failure {
                message: failure.message.replace(secret.0.as_str(), "****"),
                ..failure
            }),
            (last, _) => last,
        }
    }

    async fn answer_in_time(&self, request: Generate, sink: &mut Sink) -> Result<Event, Failure> {
        let wished = Duration::from_millis(request.time_millis.into());
        let has_wish = !wished.is_zero() && wished < ANSWER_TIME_MAX;
        let end = Instant::now() + if has_wish { wished } else { ANSWER_TIME_MAX };
        match timeout_at(end, self.answer(&request, sink)).await {
            Ok(last) => last,
            Err(_) if has_wish => Ok(Event::Done { finish: Finish::Deadline, usage: Usage::default() }),
            Err(_) => Err(self.silent("the server's answer takes too long")),
        }
    }

    fn silent(&self, what: &str) -> Failure {
        Failure::new(FailureKind::Server, what).hint(format!(
            "it has {} seconds to say something, which `weft ai providers add --patience` changes; ask again, or ask a model on this device",
            self.record.patience.as_secs()
        ))
    }

    /// Asks, and asks once more without what the server says that it does not take; gives the last event.
    async fn answer(&self, request: &Generate, sink: &mut Sink) -> Result<Event, Failure> {
        let mut leniency = Leniency::default();
        loop {
            let sent = remote::request(self.record.api, &self.model, request, leniency)?;
            let response = self.send(sent).await?;
            let status = response.status();
            if status.is_success() {
                return self.read(response, sink).await;
            }
            let body = self.body(response, REFUSAL_BYTES_MAX).await.unwrap_or_default();
            let said = String::from_utf8_lossy(&body);
            match leniency.after(&said).filter(|_| status == StatusCode::BAD_REQUEST) {
                Some(next) => leniency = next,
                None => {
                    let secret = self.record.secret.as_ref().map(|secret| secret.0.as_str());
                    return Err(remote::refusal(status.as_u16(), &body, secret));
                }
            }
        }
    }

    async fn send(&self, sent: RemoteRequest) -> Result<Response, Failure> {
        let url = format!("{}/{}", self.record.url, sent.path);
        let mut post = self.client.post(url).header(header::CONTENT_TYPE, "application/json").body(sent.body);
        if self.record.api == RemoteApi::Anthropic {
            post = post.header("anthropic-version", ANTHROPIC_VERSION);
        }
        if let Some(secret) = &self.record.secret {
            let (name, text) = match self.record.api {
                RemoteApi::OpenAi => (header::AUTHORIZATION, format!("Bearer {}", *secret.0)),
                RemoteApi::Anthropic => (header::HeaderName::from_static("x-api-key"), secret.0.to_string()),
            };
            let mut value = header::HeaderValue::from_str(&text)
                .map_err(|_| Failure::new(FailureKind::Unfit, "the server's key cannot be sent"))?;
            value.set_sensitive(true);
            post = post.header(name, value);
        }
        match timeout(self.record.patience, post.send()).await {
            Ok(sent) => sent.map_err(|error| failed("the server cannot be reached", &error)),
            Err(_) => Err(self.silent("the server does not answer")),
        }
    }

    async fn read(&self, response: Response, sink: &mut Sink) -> Result<Event, Failure> {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let mut reader = RemoteReader::new(self.record.api);
        if kind.is_some_and(|kind| kind.starts_with("application/json")) {
            let body = self.body(response, REMOTE_ANSWER_BYTES_MAX).await?;
            return Ok(told(reader.whole(&body), sink).unwrap_or_else(broken));
        }
        let mut pieces = response.bytes_stream();
        loop {
            let piece = timeout(self.record.patience, pieces.next()).await;
            let last = match piece.map_err(|_| self.silent("the server says nothing more"))? {
                Some(Ok(bytes)) => told(reader.feed(&bytes), sink),
                Some(Err(error)) => return Err(failed("the connection to the server broke off", &error)),
                None => Some(reader.close().unwrap_or_else(broken)),
            };
            if let Some(last) = last {
                return Ok(last);
            }
        }
    }

    /// A whole body, of which no more than so many bytes are kept.
    async fn body(&self, response: Response, most: usize) -> Result<Vec<u8>, Failure> {
        let mut pieces = response.bytes_stream();
        let mut body = Vec::new();
        loop {
            let piece = timeout(self.record.patience, pieces.next()).await;
            match piece.map_err(|_| self.silent("the server says nothing more"))? {
                None => return Ok(body),
                Some(Err(error)) => return Err(failed("the connection to the server broke off", &error)),
                Some(Ok(bytes)) => {
                    body.extend_from_slice(&bytes[..bytes.len().min(most - body.len())]);
                    if body.len() == most {
                        return Ok(body);
                    }
                }
            }
        }
    }
}

/// Hands events on but the last one of an answer, which is given.
fn told(events: Vec<Event>, sink: &mut Sink) -> Option<Event> {
    for event in events {
        if matches!(event, Event::Done { .. } | Event::Failed(_)) {
            return Some(event);
        }
        sink(event);
    }
    None
}

fn broken() -> Event {
    Event::Failed(Failure::new(FailureKind::Server, "the server's answer breaks off"))
}
