//! What the window keeps from one start to the next, as TOML.

use std::path::PathBuf;

use toml::Value;

/// How many folders are remembered.
const RECENT_MAX: usize = 10;

/// What the window keeps from one start to the next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SavedState {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) recent: Vec<PathBuf>,
    pub(crate) zoom: f32,
    /// Width and height in points.
    pub(crate) size: (f32, f32),
    pub(crate) is_maximized: bool,
    pub(crate) shows_side_bar: bool,
    /// The tabs of the folder, as [`weft_editor::window::Layout::save`] writes them.
    pub(crate) layout: String,
}

impl Default for SavedState {
    fn default() -> Self {
        Self {
            folder: None,
            recent: Vec::new(),
            zoom: 1.0,
            size: (1_280.0, 800.0),
            is_maximized: false,
            shows_side_bar: true,
            layout: String::new(),
        }
    }
}

impl SavedState {
    /// Reads what was written. What cannot be read has its default.
    pub(crate) fn read(text: &str) -> Self {
        let mut state = Self::default();
        let Ok(table) = text.parse::<toml::Table>() else { return state };
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        let number = |name: &str, least: f32, most: f32| {
            let value = table.get(name)?;
            let value = value.as_float().or_else(|| value.as_integer().map(|value| value as f64))?;
            value.is_finite().then(|| (value as f32).clamp(least, most))
        };
        state.folder = table.get("folder").and_then(path);
        if let Some(Value::Array(list)) = table.get("recent") {
            state.recent = list.iter().filter_map(path).take(RECENT_MAX).collect();
        }
        state.zoom = number("zoom", 0.5, 3.0).unwrap_or(state.zoom);
        state.size = (
            number("width", 400.0, 16_000.0).unwrap_or(state.size.0),
            number("height", 300.0, 16_000.0).unwrap_or(state.size.1),
        );
        let is = |name: &str, default: bool| table.get(name).and_then(Value::as_bool).unwrap_or(default);
        state.is_maximized = is("maximized", false);
        state.shows_side_bar = is("side_bar", true);
        state.layout = table.get("layout").and_then(Value::as_str).unwrap_or_default().to_owned();
        state
    }

    /// Writes it.
    pub(crate) fn write(&self) -> String {
        let text = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        let mut table = toml::Table::new();
        if let Some(folder) = &self.folder {
            table.insert("folder".to_owned(), text(folder));
        }
        let recent = self.recent.iter().take(RECENT_MAX).map(text).collect();
        table.insert("recent".to_owned(), Value::Array(recent));
        for (name, value) in [("zoom", self.zoom), ("width", self.size.0), ("height", self.size.1)] {
            table.insert(name.to_owned(), Value::Float(f64::from(value)));
        }
        table.insert("maximized".to_owned(), Value::Boolean(self.is_maximized));
        table.insert("side_bar".to_owned(), Value::Boolean(self.shows_side_bar));
        table.insert("layout".to_owned(), Value::String(self.layout.clone()));
        format!("# The state of Weft's window. Settings are in settings.toml.\n{table}")
    }

    /// Puts a folder to the front.
    pub(crate) fn remember(recent: &mut Vec<PathBuf>, folder: &PathBuf) {
        recent.retain(|other| other != folder);
        recent.insert(0, folder.clone());
        recent.truncate(RECENT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nonsense_is_the_default() {
        let mut state = SavedState { folder: Some("/a \"b\"/c".into()), zoom: 1.25, ..SavedState::default() };
        for number in 0..=RECENT_MAX {
            SavedState::remember(&mut state.recent, &format!("/{number}").into());
        }
        state.layout = "a\n\"b\"\\".to_owned();
        assert_eq!(state.recent.len(), RECENT_MAX);
        assert_eq!(SavedState::read(&state.write()), state);
        assert_eq!(SavedState::read("zoom = \"much\"\nrecent = 4"), SavedState::default());
        assert_eq!(SavedState::read("]["), SavedState::default());
        assert_eq!(SavedState::read("zoom = 900").zoom, 3.0);
    }
}
