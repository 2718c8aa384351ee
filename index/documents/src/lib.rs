//! The text of documents that are no text files: PDF and DOCX.
//!
//! In reading order:
//! * [`limits`] what reading is bounded by
//! * [`DocumentKind`], [`Extracted`] and [`extract`] reading, in this process
//! * [`Guard`] reading in a process of its own, and [`serve`], which is that process
//!
//! Documents come from strangers, and their formats are old and large: what reads them may be made to take all memory, to
//! run forever or to end. So a node reads them with [`Guard`] only. The process has limits of memory and time that the
//! system keeps, opens no file, and what it says is read as a stranger's.

pub mod limits;

mod docx;
mod guard;
mod pdf;

use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use self::guard::{Guard, be_limited, serve};
use self::limits::{PASSAGES_MAX, PLACE_BYTES_MAX, READING_TIME_MAX, TEXT_BYTES_MAX};

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentKind {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML, as word processors write it.
    Docx,
}

impl DocumentKind {
    /// The kind of a file by the end of its name.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, end) = path.rsplit('/').next()?.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "pdf" => Some(Self::Pdf),
            "docx" => Some(Self::Docx),
            _ => None,
        }
    }
}

/// A page or section of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// What it is called: `page 3`, or its heading; empty before the first heading.
    pub place: String,
    /// Its text.
    pub text: String,
}

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Extracted {
    /// Its pages or sections, in their order.
    pub passages: Vec<Passage>,
    /// Whether something was left out, because there was too much or a page cannot be read.
    pub is_cut: bool,
}

impl Extracted {
    /// Takes a passage in, as far as there is room. `false` when there is none for more.
    fn push(&mut self, place: &str, text: &str) -> bool {
        let used: usize = self.passages.iter().map(|passage| passage.text.len()).sum();
        let room = TEXT_BYTES_MAX.saturating_sub(used);
        if self.passages.len() >= PASSAGES_MAX || room == 0 {
            self.is_cut = true;
            return false;
        }
        self.is_cut |= text.len() > room;
        let (place, text) = (cut(place, PLACE_BYTES_MAX).to_owned(), cut(text, room).to_owned());
        self.passages.push(Passage { place, text });
        true
    }

    /// Whether it says anything.
    fn has_words(&self) -> bool {
        self.passages.iter().any(|passage| passage.text.chars().any(char::is_alphanumeric))
    }

    /// All of it as one text, and the line, from 1, that each place begins in.
    #[must_use]
    pub fn joined(&self) -> (String, Vec<(u32, String)>) {
        let (mut text, mut places, mut line) = (String::new(), Vec::new(), 1_u32);
        for passage in &self.passages {
            places.push((line, passage.place.clone()));
            // A zero byte would make it a binary file, and other signs that are no letters help nobody.
            let is_shown = |char: &char| !char.is_control() || matches!(char, '\n' | '\t');
            let shown: String = passage.text.chars().filter(is_shown).collect();
            text.push_str(shown.trim_end());
            text.push_str("\n\n");
            line = line.saturating_add(
                u32::try_from(shown.trim_end().matches('\n').count() + 2).unwrap_or(u32::MAX),
            );
        }
        (text, places)
    }
}

/// The beginning of a text, without cutting a letter.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExtractError {
    /// It is larger than what is read.
    #[error("the document is larger than what is read")]
    TooLarge,
    /// It is damaged, or something else than its name says.
    #[error("the document cannot be read: {reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },
    /// It is whole and has no words, as a scanned one.
    #[error("the document has no text, only pictures")]
    NoText,
    /// It can only be read with a password.
    #[error("the document is closed with a password")]
    Encrypted,
    /// Reading it took too long, too much memory, or ended the process.
    #[error("reading the document was ended: {reason}")]
    Ended {
        /// Why.
        reason: String,
    },
    /// The process that reads cannot be started.
    #[error("documents cannot be read on this device: {reason}")]
    Unable {
        /// What the system says.
        reason: String,
    },
}

fn damaged(reason: impl std::fmt::Display) -> ExtractError {
    let reason: String = reason.to_string().chars().filter(|char| !char.is_control()).take(200).collect();
    ExtractError::Damaged { reason }
}

/// Reads a document in this process. It may take much time and memory: see [`Guard`].
///
/// # Errors
/// When it is damaged or closed.
pub fn extract(kind: DocumentKind, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract_until(kind, bytes, Instant::now() + READING_TIME_MAX)
}

/// The same until a moment: what was read by then is given.
///
/// # Errors
/// As [`extract`].
pub fn extract_until(kind: DocumentKind, bytes: &[u8], until: Instant) -> Result<Extracted, ExtractError> {
    match kind {
        DocumentKind::Pdf => pdf::extract(bytes, until),
        DocumentKind::Docx => docx::extract(bytes, until),
    }
}
