//! Every setting with its kind, default and description.

use std::fmt;

/// A value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// Writes the value as TOML.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::Text(value) => quoted(formatter, value),
            Self::List(values) => {
                formatter.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    formatter.write_str(if index == 0 { "" } else { ", " })?;
                    quoted(formatter, value)?;
                }
                formatter.write_str("]")
            }
        }
    }
}

fn quoted(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_str("\"")?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(formatter, "\\{char}")?,
            '\n' => formatter.write_str("\\n")?,
            '\t' => formatter.write_str("\\t")?,
            char if char.is_control() => write!(formatter, "\\u{:04X}", u32::from(char))?,
            char => write!(formatter, "{char}")?,
        }
    }
    formatter.write_str("\"")
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Bool {
        /// What counts when nothing is set.
        default: bool,
    },
    /// A whole number.
    Integer {
        /// What counts when nothing is set.
        default: i64,
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A number with a fraction.
    Float {
        /// What counts when nothing is set.
        default: f64,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// One of several words.
    Choice {
        /// What counts when nothing is set.
        default: &'static str,
        /// The words.
        choices: &'static [&'static str],
    },
    /// Any text.
    Text {
        /// What counts when nothing is set.
        default: &'static str,
    },
    /// Texts.
    List {
        /// What counts when nothing is set.
        default: &'static [&'static str],
    },
}

impl Kind {
    /// What counts when nothing is set.
    pub fn default_value(&self) -> Value {
        match self {
            Self::Bool { default } => Value::Bool(*default),
            Self::Integer { default, .. } => Value::Integer(*default),
            Self::Float { default, .. } => Value::Float(*default),
            Self::Choice { default, .. } | Self::Text { default } => Value::Text((*default).to_owned()),
            Self::List { default } => Value::List(default.iter().map(|text| (*text).to_owned()).collect()),
        }
    }

    /// What is expected, for messages.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Bool { .. } => "true or false".to_owned(),
            Self::Integer { min, max, .. } => format!("a number from {min} to {max}"),
            Self::Float { min, max, .. } => format!("a number from {min} to {max}"),
            Self::Choice { choices, .. } => {
                let words: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Text { .. } => "a text".to_owned(),
            Self::List { .. } => "a list of texts".to_owned(),
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Its table and name.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether a language may have its own.
    pub is_by_language: bool,
    /// What it does, for people.
    pub description: &'static str,
}

/// The setting with a key.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SCHEMA.iter().find(|setting| setting.key == key)
}

const fn bool(key: &'static str, default: bool, description: &'static str) -> Setting {
    Setting { key, kind: Kind::Bool { default }, is_by_language: false, description }
}

const fn choice(key: &'static str, choices: &'static [&'static str], description: &'static str) -> Setting {
    Setting { key, kind: Kind::Choice { default: choices[0], choices }, is_by_language: false, description }
}

const fn integer(key: &'static str, range: [i64; 3], description: &'static str) -> Setting {
    let [min, default, max] = range;
    Setting { key, kind: Kind::Integer { default, min, max }, is_by_language: false, description }
}

const fn float(key: &'static str, range: [f64; 3], description: &'static str) -> Setting {
    let [min, default, max] = range;
    Setting { key, kind: Kind::Float { default, min, max }, is_by_language: false, description }
}

const fn text(key: &'static str, default: &'static str, description: &'static str) -> Setting {
    Setting { key, kind: Kind::Text { default }, is_by_language: false, description }
}

impl Setting {
    const fn by_language(mut self) -> Self {
        self.is_by_language = true;
        self
    }
}

/// Every setting. Of words and ranges the first and the middle one is the default.
pub const SCHEMA: &[Setting] = &[
    integer("editor.tab_size", [1, 4, 16], "Cells from one tab stop to the next.").by_language(),
    bool("editor.insert_spaces", true, "The Tab key makes spaces.").by_language(),
    bool("editor.detect_indentation", true, "A file keeps the indentation that it has."),
    bool("editor.auto_close", true, "Brackets and quotes are closed as they are typed.").by_language(),
    bool("editor.auto_surround", true, "A bracket typed on a selection goes around it.").by_language(),
    bool("editor.auto_indent", true, "New lines are indented like the text around them.").by_language(),
    choice("editor.word_wrap", &["off", "window", "column"], "Where long lines are wrapped.").by_language(),
    integer("editor.wrap_column", [20, 80, 500], "The column at which lines are wrapped.").by_language(),
    text("editor.font_family", "", "The font of the text; empty for the one that comes with Weft."),
    float("editor.font_size", [6.0, 13.0, 72.0], "The size of the text."),
    float("editor.line_height", [1.0, 1.5, 3.0], "The height of a line as a multiple of the size."),
    bool("editor.line_numbers", true, "Lines have numbers."),
    choice("editor.whitespace", &["selection", "none", "all"], "Where white space is marked."),
    bool("editor.indent_guides", true, "Indentation has lines."),
    bool("editor.bracket_pairs", true, "The pair of brackets at the cursor is marked."),
    bool("editor.minimap", false, "The whole file is shown small at the side."),
    bool("editor.caret_blink", true, "The caret blinks."),
    bool("editor.scroll_beyond_end", true, "The last line can be scrolled to the top."),
    bool(
        "files.trim_trailing_whitespace",
        false,
        "White space at the ends of lines goes when a file is saved.",
    )
    .by_language(),
    bool("files.insert_final_newline", false, "A file ends with a line end when it is saved.").by_language(),
    choice("files.line_ending", &["auto", "lf", "crlf"], "What lines of new files end with."),
    Setting {
        key: "files.exclude",
        kind: Kind::List { default: &[".git", "node_modules", "target"] },
        is_by_language: false,
        description: "What the file tree and searches leave out.",
    },
    choice(
        "window.theme",
        &["auto", "dark", "light", "high-contrast"],
        "The colours; `auto` follows the system.",
    ),
    text("window.theme_file", "", "A theme of your own: the path of its file."),
    float("window.zoom", [0.5, 1.0, 3.0], "The size of everything."),
    bool("window.restore", true, "The window opens as it was closed."),
    bool("window.animations", true, "Panels slide."),
    bool("people.cursors", true, "Cursors of others are shown."),
    bool("people.names", true, "Names stand beside them."),
    integer("people.name_seconds", [0, 3, 60], "How long a name stays after its cursor moved."),
    text("network.relay", "", "The relay through which this device can be reached; empty for none."),
    bool("ai.ghosts", true, "A model on this device goes on with what you type, as ghost text.")
        .by_language(),
    integer("ai.ghost_pause", [0, 300, 5_000], "Milliseconds without a key before ghost text is asked for."),
    Setting {
        key: "ai.ghosts_off",
        kind: Kind::List { default: &[] },
        is_by_language: false,
        description: "Files without ghost text, by their paths.",
    },
    choice("search.case", &["smart", "sensitive", "insensitive"], "How searches treat capitals."),
];
