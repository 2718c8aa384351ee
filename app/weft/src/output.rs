//! Where results, messages and questions go.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;
use weft_node::api::ApiError;

use crate::text::{self, Look, escape_json};

/// The standard streams, and what they are connected to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    has_color: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            json,
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            has_color: !no_color && !is_dumb,
        }
    }

    /// Can a person be asked? Questions go to the standard error stream.
    pub(crate) fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal && !self.json
    }

    /// How results look on the standard output.
    pub(crate) fn look(&self) -> Look {
        let width = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
        Look {
            has_color: self.has_color && self.stdout_is_terminal,
            is_terminal: self.stdout_is_terminal,
            width: if self.stdout_is_terminal { width } else { None },
            now: jiff::Zoned::now(),
        }
    }

    fn error_look(&self) -> Look {
        Look { has_color: self.has_color && self.stderr_is_terminal, ..self.look() }
    }

    /// Prints a result: as JSON, or as `human` gives it.
    pub(crate) fn result<T: Serialize>(
        &self,
        result: &T,
        human: impl FnOnce(&T, &Look) -> String,
    ) -> Result<(), ApiError> {
        if self.json { self.json_line(result) } else { self.print(&human(result, &self.look())) }
    }

    /// Prints one JSON object on a line of its own.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<(), ApiError> {
        let line = serde_json::to_string(value)
            .map_err(|error| ApiError::failed(format!("the result cannot be written as JSON: {error}")))?;
        self.write(format!("{}\n", escape_json(&line)).as_bytes())
    }

    /// Prints text as it is: whoever made it has escaped what others wrote.
    pub(crate) fn print(&self, text: &str) -> Result<(), ApiError> {
        self.write(text.as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), ApiError> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // Whoever read the output has seen enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(ApiError::failed(format!("the output cannot be written: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Tells the person something beside the result; scripts do not get it.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            self.write_error(&format!("{text}\n"));
        }
    }

    /// Shows a failure with its hint.
    pub(crate) fn error(&self, error: &ApiError) {
        if self.json {
            let object = serde_json::json!({ "error": error });
            self.write_error(&format!("{}\n", escape_json(&object.to_string())));
        } else {
            self.write_error(&text::failure(error, &self.error_look()));
        }
    }

    fn write_error(&self, text: &str) {
        // When the standard error stream is gone, there is nobody left to tell.
        let _gone = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Asks for what must not show while it is typed.
    pub(crate) fn ask_secret(&self, what: &str) -> Result<String, ApiError> {
        self.write_error(what);
        let read = console::Term::stderr().read_secure_line();
        read.map_err(|error| ApiError::failed(format!("what was typed cannot be read: {error}")))
    }

    /// Asks a question that is answered with yes or no.
    pub(crate) fn ask(&self, question: &str, default: bool) -> Result<bool, ApiError> {
        let choices = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            self.write_error(&format!("{question} {choices} "));
            let mut line = String::new();
            let length = io::stdin().lock().read_line(&mut line);
            match length {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => return Err(ApiError::failed(format!("the answer cannot be read: {error}"))),
            }
            match line.trim().to_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.write_error("Please answer y or n.\n"),
            }
        }
    }
}
