//! All commands by typing.

use crate::command::{Command, CommandInfo, commands};
use crate::keymap::KeyMap;
use crate::limits::RECENT_COMMANDS_MAX;
use weft_index::Fuzzy;

/// A row of the palette.
#[derive(Debug, Clone)]
pub struct PaletteRow {
    /// The command.
    pub info: &'static CommandInfo,
    /// Its keys, as menus show them.
    pub keys: Option<String>,
    /// Characters of the title that were meant.
    pub positions: Vec<usize>,
    /// Whether it was used lately.
    pub is_recent: bool,
}

/// What the palette remembers.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// The last used first.
    recent: Vec<&'static str>,
}

impl Palette {
    /// Notes that a command was used.
    pub fn used(&mut self, command: Command) {
        if let Some(info) = crate::command::info_of(command) {
            self.recent.retain(|id| *id != info.id);
            self.recent.insert(0, info.id);
            self.recent.truncate(RECENT_COMMANDS_MAX);
        }
    }

    /// The rows for what was typed: with nothing typed those used lately come first, then all by title.
    pub fn rows(&self, query: &str, keys: &KeyMap) -> Vec<PaletteRow> {
        let fuzzy = Fuzzy::new(query);
        let found = commands().iter().filter_map(|info| Some((fuzzy.matches(info.title)?, info)));
        let mut found: Vec<_> = found.collect();
        let recency = |info: &CommandInfo| self.recent.iter().position(|id| *id == info.id);
        found.sort_by_key(|(matched, info)| {
            let score = if fuzzy.is_empty() { 0 } else { matched.score };
            (std::cmp::Reverse(score), recency(info).unwrap_or(usize::MAX), info.title)
        });
        let rows = found.into_iter().map(|(matched, info)| PaletteRow {
            info,
            keys: keys.label(info.command),
            positions: matched.positions,
            is_recent: recency(info).is_some(),
        });
        rows.collect()
    }
}
