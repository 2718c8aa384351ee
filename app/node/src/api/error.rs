//! What a person or a script is told when a request fails.

use serde::{Deserialize, Serialize};

/// The kind of a failure, which decides the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// It went wrong, and none of the other kinds says why.
    Failed,
    /// The request does not make sense as it was given.
    Usage,
    /// What was named does not exist.
    NotFound,
    /// The role in this workspace does not allow it.
    NotAllowed,
    /// Nobody answered, or not in time.
    Unreachable,
    /// Another process holds the data folder and did not answer on its socket.
    Busy,
    /// It would send something to a server for the first time: the same request with `confirm` does it.
    NotConfirmed,
}

impl ErrorKind {
    /// The exit code of the command line.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::Busy => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Unreachable => 5,
            Self::NotConfirmed => 6,
        }
    }
}

/// A failure as it is shown: what failed, what the person's data is now, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// What failed: one sentence without a full stop.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What became of the person's data, where that is not obvious.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_state: Option<String>,
}

impl ApiError {
    /// Makes a failure of any kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, data_state: None }
    }

    /// Makes a plain failure.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Makes a failure for a request that makes no sense.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Makes a failure for something that does not exist.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Makes a failure for something the role does not allow.
    #[must_use]
    pub fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotAllowed, message)
    }

    /// Makes a failure for somebody who did not answer.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }

    /// Makes a failure for a data folder that another process holds.
    #[must_use]
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Busy, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what became of the person's data.
    #[must_use]
    pub fn data_state(mut self, data_state: impl Into<String>) -> Self {
        self.data_state = Some(data_state.into());
        self
    }
}
