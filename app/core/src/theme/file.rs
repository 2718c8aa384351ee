//! Themes from TOML.

use std::{collections::BTreeMap, sync::LazyLock};

use toml::de::{DeTable, DeValue};

use super::Color;
use crate::syntax::Highlight;
use crate::toml_file::{Problem, Problems, closest, kind_of, read};

/// How a piece of text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Its colour.
    pub color: Color,
    /// Whether it is slanted.
    pub is_italic: bool,
    /// Whether it is heavy.
    pub is_bold: bool,
}

/// The colours of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name for people.
    pub name: String,
    /// Whether it is dark.
    pub is_dark: bool,
    colors: BTreeMap<&'static str, Color>,
    styles: BTreeMap<Highlight, Style>,
}

/// What has a colour.
pub const ROLES: &[&str] = &[
    "background",
    "text",
    "text_muted",
    "text_faint",
    "panel",
    "panel_raised",
    "border",
    "accent",
    "accent_text",
    "caret",
    "selection",
    "current_line",
    "line_number",
    "line_number_current",
    "whitespace",
    "indent_guide",
    "bracket_match",
    "find_match",
    "find_match_current",
    "error",
    "warning",
    "info",
    "success",
    "added",
    "removed",
    "changed",
    "shadow",
    "person_1",
    "person_2",
    "person_3",
    "person_4",
    "person_5",
    "person_6",
    "person_7",
    "person_8",
    "person_text",
];

/// What shows when even the built-in theme names no colour; a test says that it never does.
const MISSING: Color = Color { red: 255, green: 0, blue: 255, alpha: 255 };

impl Theme {
    /// The theme for dark rooms.
    pub fn dark() -> &'static Self {
        static THEME: LazyLock<Theme> = LazyLock::new(|| Theme::built_in(include_str!("dark.toml")));
        &THEME
    }

    /// The theme for light rooms.
    pub fn light() -> &'static Self {
        static THEME: LazyLock<Theme> = LazyLock::new(|| Theme::built_in(include_str!("light.toml")));
        &THEME
    }

    /// The theme for those who see little contrast.
    pub fn high_contrast() -> &'static Self {
        static THEME: LazyLock<Theme> = LazyLock::new(|| Theme::built_in(include_str!("high_contrast.toml")));
        &THEME
    }

    /// The built-in theme with an id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        match id {
            "dark" => Some(Self::dark()),
            "light" => Some(Self::light()),
            "high-contrast" => Some(Self::high_contrast()),
            _ => None,
        }
    }

    fn built_in(text: &str) -> Self {
        let empty =
            Self { name: String::new(), is_dark: true, colors: BTreeMap::new(), styles: BTreeMap::new() };
        empty.with_file(text).0
    }

    /// Reads a theme of the person's own. What it does not name is as in the built-in theme that `base` names.
    ///
    /// ```toml
    /// name = "Mine"
    /// base = "dark"
    /// [colors]
    /// background = "#101010"
    /// [syntax]
    /// comment = "italic #888888"
    /// ```
    pub fn read(text: &str) -> (Self, Vec<Problem>) {
        let mut ignored = Problems::new(text);
        let table = read(text, &mut ignored);
        let base = table.get_ref().iter().find(|(name, _)| name.get_ref().as_ref() == "base");
        let base = base.and_then(|(_, value)| match value.get_ref() {
            DeValue::String(id) => Self::by_id(id),
            _ => None,
        });
        base.unwrap_or_else(Self::dark).clone().with_file(text)
    }

    fn with_file(mut self, text: &str) -> (Self, Vec<Problem>) {
        let mut problems = Problems::new(text);
        let table = read(text, &mut problems);
        for (key, value) in table.get_ref() {
            let byte = value.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", DeValue::String(name)) => self.name = name.to_string(),
                ("dark", DeValue::Boolean(is_dark)) => self.is_dark = *is_dark,
                ("base", DeValue::String(id)) if Self::by_id(id).is_some() => {}
                ("base", _) => {
                    problems.push(byte, "`base` takes \"dark\", \"light\" or \"high-contrast\"", None);
                }
                ("colors", DeValue::Table(colors)) => self.read_colors(colors, &mut problems),
                ("syntax", DeValue::Table(styles)) => self.read_styles(styles, &mut problems),
                (name @ ("name" | "dark" | "colors" | "syntax"), other) => {
                    problems.push(byte, format!("`{name}` cannot be {}", kind_of(other)), None);
                }
                (name, _) => problems.push(key.span().start, format!("`{name}` is not known"), None),
            }
        }
        (self, problems.finish())
    }

    fn read_colors(&mut self, colors: &DeTable<'_>, problems: &mut Problems<'_>) {
        for (name, value) in colors {
            let Some(role) = ROLES.iter().find(|role| **role == name.get_ref().as_ref()) else {
                let hint = closest(name.get_ref(), ROLES.iter().copied());
                let hint = hint.map(|name| format!("did you mean `{name}`?"));
                problems.push(name.span().start, format!("there is no colour `{}`", name.get_ref()), hint);
                continue;
            };
            match value.get_ref() {
                DeValue::String(text) if Color::parse(text).is_some() => {
                    self.colors.extend(Color::parse(text).map(|color| (*role, color)));
                }
                _ => problems.push(
                    value.span().start,
                    "a colour is written \"#rrggbb\" or \"#rrggbbaa\"",
                    None,
                ),
            }
        }
    }

    fn read_styles(&mut self, styles: &DeTable<'_>, problems: &mut Problems<'_>) {
        for (name, value) in styles {
            let kind = Highlight::ALL.into_iter().find(|kind| style_name(*kind) == name.get_ref().as_ref());
            let Some(kind) = kind else {
                problems.push(
                    name.span().start,
                    format!("no text is of the kind `{}`", name.get_ref()),
                    None,
                );
                continue;
            };
            let style = match value.get_ref() {
                DeValue::String(text) => read_style(text),
                _ => None,
            };
            match style {
                Some(style) => drop(self.styles.insert(kind, style)),
                None => problems.push(
                    value.span().start,
                    "a style is written \"#rrggbb\", with `bold` or `italic` before it",
                    None,
                ),
            }
        }
    }

    /// The colour of something of [`ROLES`].
    pub fn color(&self, role: &str) -> Color {
        self.colors.get(role).copied().unwrap_or(MISSING)
    }

    /// How a kind of text is written.
    pub fn style(&self, kind: Highlight) -> Style {
        let plain = Style { color: self.color("text"), is_italic: false, is_bold: false };
        self.styles.get(&kind).copied().unwrap_or(plain)
    }

    /// The colour of a person: the same for the same number everywhere.
    pub fn person(&self, number: usize) -> Color {
        const PEOPLE: [&str; 8] =
            ["person_1", "person_2", "person_3", "person_4", "person_5", "person_6", "person_7", "person_8"];
        self.color(PEOPLE[number % PEOPLE.len()])
    }
}

/// The name of a kind of text in a file.
fn style_name(kind: Highlight) -> String {
    format!("{kind:?}").to_lowercase()
}

fn read_style(text: &str) -> Option<Style> {
    let mut style = Style { color: MISSING, is_italic: false, is_bold: false };
    let mut has_color = false;
    for word in text.split_whitespace() {
        match word {
            "italic" => style.is_italic = true,
            "bold" => style.is_bold = true,
            color => {
                style.color = Color::parse(color)?;
                has_color = true;
            }
        }
    }
    has_color.then_some(style)
}
