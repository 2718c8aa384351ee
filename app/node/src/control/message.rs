//! What goes over the line.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{ApiError, DecodeError, ErrorKind, Event, Progress};

/// The version in the greeting. It changes when an old client could misunderstand an answer.
pub const PROTOCOL_VERSION: u32 = 1;

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const CANCELLED: i64 = -32800;
/// The code of an [`ErrorKind`] is this less its place in [`KINDS`].
const FIRST_OF_NODE: i64 = -32001;
const KINDS: [ErrorKind; 7] = [
    ErrorKind::Failed,
    ErrorKind::Usage,
    ErrorKind::NotFound,
    ErrorKind::NotAllowed,
    ErrorKind::Unreachable,
    ErrorKind::Busy,
    ErrorKind::NotConfirmed,
];

/// Names a request on its connection; chosen by who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum RequestId {
    Number(i64),
    Text(String),
}

/// What a program sends to the node.
#[derive(Debug)]
pub(crate) enum ToNode {
    Request {
        id: RequestId,
        method: String,
        params: Value,
    },
    Cancel {
        id: RequestId,
    },
    /// A notification that this version does not know; ignored.
    Other,
}

/// What the node sends to a program.
#[derive(Debug)]
pub(crate) enum FromNode {
    Hello(Hello),
    /// The node ends; requests that are not answered by now were not begun.
    Goodbye,
    Progress {
        id: RequestId,
        progress: Progress,
    },
    Event(Event),
    Result {
        id: RequestId,
        result: Value,
    },
    Error {
        id: Option<RequestId>,
        error: ApiError,
    },
    /// Something that this version does not know; ignored.
    Other,
}

/// The first line on each connection, from the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) protocol: u32,
}

impl Hello {
    pub(crate) fn ours() -> Self {
        Self {
            name: "weft".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL_VERSION,
        }
    }
}

/// A message that could not be understood, with the answer that says so.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) id: Option<RequestId>,
    code: i64,
    error: ApiError,
}

impl Refusal {
    pub(crate) fn not_json(what: &str) -> Self {
        Self { id: None, code: PARSE_ERROR, error: ApiError::usage(format!("not a JSON object: {what}")) }
    }

    pub(crate) fn invalid(id: Option<RequestId>, why: impl Into<String>) -> Self {
        Self { id, code: INVALID_REQUEST, error: ApiError::usage(why) }
    }

    pub(crate) fn undecodable(id: RequestId, why: &DecodeError) -> Self {
        let code = match why {
            DecodeError::UnknownMethod { .. } => METHOD_NOT_FOUND,
            DecodeError::Shape { .. } => INVALID_PARAMS,
        };
        let message = match std::error::Error::source(why) {
            Some(source) => format!("{why}: {source}"),
            None => why.to_string(),
        };
        Self { id: Some(id), code, error: ApiError::usage(message) }
    }

    pub(crate) fn cancelled(id: RequestId) -> Self {
        Self { id: Some(id), code: CANCELLED, error: ApiError::failed("cancelled by who asked") }
    }

    pub(crate) fn to_line(&self) -> String {
        error_line(self.id.as_ref(), self.code, &self.error)
    }
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<IncomingError>,
}

#[derive(Deserialize)]
struct IncomingError {
    code: i64,
    message: String,
    #[serde(default)]
    data: Option<ErrorData>,
}

#[derive(Default, Serialize, Deserialize)]
struct ErrorData {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_state: Option<String>,
}

/// Reads a line that a program sent.
pub(crate) fn parse_to_node(line: &[u8]) -> Result<ToNode, Refusal> {
    let incoming: Incoming =
        serde_json::from_slice(line).map_err(|error| Refusal::not_json(&error.to_string()))?;
    match (incoming.method, incoming.id) {
        (Some(method), Some(id)) => Ok(ToNode::Request { id, method, params: incoming.params }),
        (Some(method), None) if method == "cancel" => {
            let id = incoming.params.get("id").cloned().map(serde_json::from_value);
            match id {
                Some(Ok(id)) => Ok(ToNode::Cancel { id }),
                _ => Err(Refusal::invalid(None, "cancel needs the id of a request")),
            }
        }
        (Some(_), None) => Ok(ToNode::Other),
        (None, id) => Err(Refusal::invalid(id, "a message needs a method")),
    }
}

/// Reads a line that a node sent.
pub(crate) fn parse_from_node(line: &[u8]) -> Result<FromNode, serde_json::Error> {
    let incoming: Incoming = serde_json::from_slice(line)?;
    if let Some(error) = incoming.error {
        return Ok(FromNode::Error { id: incoming.id, error: error.into_api_error() });
    }
    match (incoming.method.as_deref(), incoming.id) {
        (Some("hello"), _) => Ok(FromNode::Hello(serde_json::from_value(incoming.params)?)),
        (Some("goodbye"), _) => Ok(FromNode::Goodbye),
        (Some("progress"), _) => {
            let id = incoming.params.get("id").cloned().unwrap_or_default();
            Ok(FromNode::Progress {
                id: serde_json::from_value(id)?,
                progress: serde_json::from_value(incoming.params)?,
            })
        }
        (Some(method), _) => {
            let event = json!({ "method": method, "params": incoming.params });
            Ok(serde_json::from_value(event).map_or(FromNode::Other, FromNode::Event))
        }
        (None, Some(id)) => Ok(FromNode::Result { id, result: incoming.result.unwrap_or_default() }),
        (None, None) => Ok(FromNode::Other),
    }
}

impl IncomingError {
    fn into_api_error(self) -> ApiError {
        let place = usize::try_from(FIRST_OF_NODE - self.code).ok();
        let kind = place.and_then(|place| KINDS.get(place).copied()).unwrap_or(match self.code {
            INVALID_REQUEST | METHOD_NOT_FOUND | INVALID_PARAMS => ErrorKind::Usage,
            _ => ErrorKind::Failed,
        });
        let ErrorData { hint, data_state } = self.data.unwrap_or_default();
        ApiError { kind, message: self.message, hint, data_state }
    }
}

pub(crate) fn request_line(id: u64, method: &str, params: &Value) -> String {
    line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

pub(crate) fn cancel_line(id: u64) -> String {
    line(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": { "id": id } }))
}

pub(crate) fn hello_line() -> String {
    line(&json!({ "jsonrpc": "2.0", "method": "hello", "params": Hello::ours() }))
}

pub(crate) fn goodbye_line() -> String {
    line(&json!({ "jsonrpc": "2.0", "method": "goodbye" }))
}

pub(crate) fn progress_line(id: &RequestId, progress: &Progress) -> String {
    #[derive(Serialize)]
    struct Params<'a> {
        id: &'a RequestId,
        #[serde(flatten)]
        progress: &'a Progress,
    }
    line(&json!({ "jsonrpc": "2.0", "method": "progress", "params": Params { id, progress } }))
}

pub(crate) fn event_line(event: &Event) -> String {
    let mut message = json!(event);
    message["jsonrpc"] = Value::from("2.0");
    line(&message)
}

pub(crate) fn result_line(id: &RequestId, result: &Value) -> String {
    line(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

pub(crate) fn api_error_line(id: &RequestId, error: &ApiError) -> String {
    let place = KINDS.iter().position(|kind| *kind == error.kind).unwrap_or(0);
    let code = FIRST_OF_NODE - i64::try_from(place).unwrap_or(0);
    error_line(Some(id), code, error)
}

fn error_line(id: Option<&RequestId>, code: i64, error: &ApiError) -> String {
    let data = ErrorData { hint: error.hint.clone(), data_state: error.data_state.clone() };
    line(&json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": code, "message": error.message, "data": data },
    }))
}

fn line(message: &Value) -> String {
    let mut line = message.to_string();
    line.push('\n');
    line
}
