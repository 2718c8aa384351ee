//! What a command gave.

use std::{process::Output, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A command that went well.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Every JSON object it printed.
    pub lines: Vec<Value>,
    /// How long the process lived.
    pub took: Duration,
}

/// A command that did not go well.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`weft {command}` ended with {code:?}: {message}\n{stderr}")]
pub struct Failure {
    /// What was asked.
    pub command: String,
    /// The exit code; none when a signal ended it or it never ran.
    pub code: Option<i32>,
    /// What failed.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The whole error stream.
    pub stderr: String,
}

impl Answer {
    /// The last object, which is the result; those before are events.
    ///
    /// # Errors
    /// When there is none, or it has another shape.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let last = self.lines.last().cloned().unwrap_or_default();
        serde_json::from_value(last)
    }

    /// A field of the result; null when there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.lines.last().and_then(|last| last.get(name)).unwrap_or(&NULL)
    }

    /// A field of the result that is text; empty when there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_default()
    }

    /// A field of the result that is a number; 0 when there is none.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.field(name).as_f64().unwrap_or_default()
    }

    pub(crate) fn read(command: &str, output: &Output, took: Duration) -> Result<Self, Failure> {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let stdout = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(Failure::read(command, output.status.code(), stderr));
        }
        let lines: Result<Vec<Value>, _> = stdout.lines().map(serde_json::from_str).collect();
        match lines {
            Ok(lines) => Ok(Self { lines, took }),
            Err(error) => Err(Failure {
                command: command.to_owned(),
                code: output.status.code(),
                message: format!("printed what is no JSON ({error}): {stdout}"),
                hint: None,
                stderr,
            }),
        }
    }
}

impl Failure {
    fn read(command: &str, code: Option<i32>, stderr: String) -> Self {
        let told = stderr.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let told = told.unwrap_or_default();
        let word = |name: &str| told["error"][name].as_str().map(str::to_owned);
        Self {
            command: command.to_owned(),
            code,
            message: word("message").unwrap_or_default(),
            hint: word("hint"),
            stderr,
        }
    }

    pub(crate) fn without_process(command: &str, message: String) -> Self {
        Self { command: command.to_owned(), code: None, message, hint: None, stderr: String::new() }
    }
}
