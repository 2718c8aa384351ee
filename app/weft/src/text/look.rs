//! How text may look where it goes.

use std::fmt::Display;

/// How text may look where it goes, and when it is read.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) has_color: bool,
    pub(crate) is_terminal: bool,
    /// Columns, when there is a terminal.
    pub(crate) width: Option<usize>,
    /// The moment of reading, in the reader's time zone.
    pub(crate) now: jiff::Zoned,
}

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Heading,
    Good,
    Warning,
    Bad,
    Faint,
}

impl Look {
    /// Colours text, where colours are wanted.
    pub(crate) fn paint(&self, tone: Tone, text: impl Display) -> String {
        if !self.has_color {
            return text.to_string();
        }
        let code = match tone {
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31;1",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Is there room for so many columns? Without a terminal there always is.
    pub(crate) fn has_room(&self, columns: usize) -> bool {
        self.width.is_none_or(|width| columns <= width)
    }
}

#[cfg(test)]
impl Look {
    /// No colours, and a fixed moment: noon of 21 November 2026, UTC.
    pub(crate) fn for_tests() -> Self {
        let now = jiff::Timestamp::from_second(1_795_262_400).expect("a moment");
        Self { has_color: false, is_terminal: false, width: None, now: now.to_zoned(jiff::tz::TimeZone::UTC) }
    }
}
