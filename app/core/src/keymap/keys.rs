//! Keys and chords, read and shown.

use std::fmt::Write as _;

use crate::limits::CHORD_STROKES_MAX;

/// Whose habits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and its like.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
}

/// A key with what is held down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Stroke {
    /// Control.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt, or Option.
    pub alt: bool,
    /// Cmd, or the Windows key.
    pub meta: bool,
    /// The key's name: what it types without Shift, in small letters, or a name such as `pageup`.
    pub key: String,
}

/// Strokes one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Chord(pub Vec<Stroke>);

/// Says why a text does not name keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key.
    #[error("no key is named")]
    Empty,
    /// Something that must be held down is no such key.
    #[error("`{name}` cannot be held down: use ctrl, shift, alt or cmd")]
    Modifier {
        /// What was written.
        name: String,
    },
    /// The key is not known.
    #[error("there is no key `{name}`")]
    Key {
        /// What was written.
        name: String,
    },
    /// There are too many strokes.
    #[error("a chord has at most {CHORD_STROKES_MAX} strokes")]
    TooLong,
}

/// Keys with a name; all others are named by the character they type.
const NAMES: &[(&str, &str)] = &[
    ("left", "Left"),
    ("right", "Right"),
    ("up", "Up"),
    ("down", "Down"),
    ("home", "Home"),
    ("end", "End"),
    ("pageup", "Page Up"),
    ("pagedown", "Page Down"),
    ("enter", "Enter"),
    ("tab", "Tab"),
    ("space", "Space"),
    ("escape", "Escape"),
    ("backspace", "Backspace"),
    ("delete", "Delete"),
    ("insert", "Insert"),
];

impl Stroke {
    /// Reads one stroke. `mod` is Cmd on macOS and Ctrl elsewhere.
    pub fn parse(text: &str, platform: Platform) -> Result<Self, KeyError> {
        let mut stroke = Self::default();
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(KeyError::Empty);
        }
        // The key itself may be a plus.
        while let Some(at) = rest.find('+').filter(|at| *at > 0 && at + 1 < rest.len()) {
            match rest[..at].to_lowercase().as_str() {
                "ctrl" | "control" => stroke.ctrl = true,
                "shift" => stroke.shift = true,
                "alt" | "option" | "opt" => stroke.alt = true,
                "cmd" | "meta" | "win" | "super" | "command" => stroke.meta = true,
                "mod" if platform == Platform::MacOs => stroke.meta = true,
                "mod" => stroke.ctrl = true,
                _ => return Err(KeyError::Modifier { name: rest[..at].to_owned() }),
            }
            rest = &rest[at + 1..];
        }
        let key = match rest.to_lowercase().as_str() {
            "esc" => "escape".to_owned(),
            "return" => "enter".to_owned(),
            "del" => "delete".to_owned(),
            "ins" => "insert".to_owned(),
            "pgup" => "pageup".to_owned(),
            "pgdown" => "pagedown".to_owned(),
            key => key.to_owned(),
        };
        let is_function = key.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
        let is_known = NAMES.iter().any(|(name, _)| *name == key)
            || is_function.is_some_and(|number| (1..=24).contains(&number))
            || key.chars().count() == 1;
        if !is_known {
            return Err(KeyError::Key { name: rest.to_owned() });
        }
        stroke.key = key;
        Ok(stroke)
    }

    /// The stroke as menus show it.
    pub fn label(&self, platform: Platform) -> String {
        let name = NAMES.iter().find(|(name, _)| *name == self.key).map(|(_, shown)| (*shown).to_owned());
        let name = name.unwrap_or_else(|| self.key.to_uppercase());
        let mut out = String::new();
        if platform == Platform::MacOs {
            for (is_held, sign) in [(self.ctrl, '⌃'), (self.alt, '⌥'), (self.shift, '⇧'), (self.meta, '⌘')]
            {
                if is_held {
                    out.push(sign);
                }
            }
            return out + &name;
        }
        let meta = if platform == Platform::Windows { "Win" } else { "Super" };
        for (is_held, word) in
            [(self.ctrl, "Ctrl"), (self.shift, "Shift"), (self.alt, "Alt"), (self.meta, meta)]
        {
            if is_held {
                let _ = write!(out, "{word}+");
            }
        }
        out + &name
    }
}

impl Chord {
    /// Reads strokes with spaces between.
    pub fn parse(text: &str, platform: Platform) -> Result<Self, KeyError> {
        let strokes: Result<Vec<Stroke>, KeyError> =
            text.split_whitespace().map(|stroke| Stroke::parse(stroke, platform)).collect();
        let strokes = strokes?;
        match strokes.len() {
            0 => Err(KeyError::Empty),
            count if count > CHORD_STROKES_MAX => Err(KeyError::TooLong),
            _ => Ok(Self(strokes)),
        }
    }

    /// The chord as menus show it.
    pub fn label(&self, platform: Platform) -> String {
        let strokes: Vec<String> = self.0.iter().map(|stroke| stroke.label(platform)).collect();
        strokes.join(" ")
    }
}
