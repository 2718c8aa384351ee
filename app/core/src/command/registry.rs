//! Every command with its name, title and default keys.

mod app;
mod editor;

use std::sync::LazyLock;

use super::Command;
use crate::keymap::Platform;

/// What is known of a command.
#[derive(Debug, Clone, Copy)]
pub struct CommandInfo {
    /// Its name in key maps: that of VS Code where it has one.
    pub id: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// What it does.
    pub command: Command,
    /// When its default keys count.
    pub when: &'static str,
    /// Default keys, several with ` | ` between; `mod` is Cmd on macOS and Ctrl elsewhere.
    keys: &'static str,
    linux: Option<&'static str>,
    mac: Option<&'static str>,
}

impl CommandInfo {
    const fn new(command: Command, id: &'static str, title: &'static str, keys: &'static str) -> Self {
        Self { id, title, command, when: "", keys, linux: None, mac: None }
    }

    const fn when(mut self, when: &'static str) -> Self {
        self.when = when;
        self
    }

    const fn linux(mut self, keys: &'static str) -> Self {
        self.linux = Some(keys);
        self
    }

    const fn mac(mut self, keys: &'static str) -> Self {
        self.mac = Some(keys);
        self
    }

    /// The default keys on a platform.
    pub fn default_keys(&self, platform: Platform) -> impl Iterator<Item = &'static str> {
        let keys = match platform {
            Platform::Linux => self.linux.unwrap_or(self.keys),
            Platform::Windows => self.keys,
            Platform::MacOs => self.mac.unwrap_or(self.keys),
        };
        keys.split(" | ").filter(|keys| !keys.is_empty())
    }
}

static COMMANDS: LazyLock<Vec<CommandInfo>> =
    LazyLock::new(|| editor::COMMANDS.iter().chain(app::COMMANDS).copied().collect());

/// Every command.
pub fn commands() -> &'static [CommandInfo] {
    &COMMANDS
}

/// The command with a name.
pub fn find(id: &str) -> Option<&'static CommandInfo> {
    COMMANDS.iter().find(|info| info.id == id)
}

/// What is known of a command.
pub fn info_of(command: Command) -> Option<&'static CommandInfo> {
    COMMANDS.iter().find(|info| info.command == command)
}
