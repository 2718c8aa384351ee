//! All bindings, and what keys mean.

use super::{Chord, Context, Platform, Stroke, When};
use crate::command::{self, Command, CommandInfo};

/// Keys that ask for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The keys.
    pub chord: Chord,
    /// The command.
    pub command: Command,
    /// When they count.
    pub when: When,
    /// Who says so.
    pub origin: Origin,
}

/// Where a binding comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the editor.
    Default,
    /// From the person's own file, with the line that it stands on.
    User {
        /// The line, from 1.
        line: usize,
    },
}

/// What keys that were pressed mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing: a single stroke may type a character, more are thrown away.
    None,
    /// The start of a chord: more has to come.
    More,
    /// A command.
    Run(Command),
}

/// Two bindings of which one hides the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The keys.
    pub chord: Chord,
    /// Counts.
    pub wins: Command,
    /// Where it comes from.
    pub wins_origin: Origin,
    /// Does not count.
    pub hidden: Command,
    /// Whether the hidden one is a longer chord, which cannot be reached.
    pub is_longer: bool,
}

/// Which keys ask for what. Of several bindings for the same keys the last one whose clause holds counts; bindings of
/// the person come behind those of the editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap {
    platform: Platform,
    bindings: Vec<Binding>,
}

impl KeyMap {
    /// Makes the key map with the editor's own bindings.
    pub fn new(platform: Platform) -> Self {
        let bindings = command::commands().iter().flat_map(|info| {
            let chords =
                info.default_keys(platform).filter_map(move |keys| Chord::parse(keys, platform).ok());
            let when = When::parse(info.when).unwrap_or(When::Always);
            chords.map(move |chord| Binding {
                chord,
                command: info.command,
                when: when.clone(),
                origin: Origin::Default,
            })
        });
        Self { platform, bindings: bindings.collect() }
    }

    /// Whose habits count.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// All bindings, later ones before earlier ones where they clash.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    pub(super) fn push(&mut self, binding: Binding) {
        self.bindings.push(binding);
    }

    /// Takes bindings of a command away: those of some keys, or all.
    pub(super) fn remove(&mut self, command: &CommandInfo, chord: Option<&Chord>) {
        self.bindings.retain(|binding| {
            binding.command != command.command || chord.is_some_and(|chord| binding.chord != *chord)
        });
    }

    /// What keys mean that were pressed one after another.
    pub fn resolve(&self, pressed: &[Stroke], context: &Context) -> Resolution {
        for binding in self.bindings.iter().rev() {
            if binding.chord.0.starts_with(pressed) && binding.when.holds(context) {
                return if binding.chord.0.len() == pressed.len() {
                    Resolution::Run(binding.command)
                } else {
                    Resolution::More
                };
            }
        }
        Resolution::None
    }

    /// The keys that ask for a command, as menus show them: those of the person first.
    pub fn label(&self, command: Command) -> Option<String> {
        let of_command = |binding: &&Binding| binding.command == command;
        let own = self
            .bindings
            .iter()
            .rev()
            .find(|binding| of_command(binding) && matches!(binding.origin, Origin::User { .. }));
        let binding = own.or_else(|| self.bindings.iter().find(of_command))?;
        Some(binding.chord.label(self.platform))
    }

    /// Bindings that hide others whose clause is the same or always holds.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (index, binding) in self.bindings.iter().enumerate() {
            let later = self.bindings[index + 1..].iter().filter(|later| later.command != binding.command);
            for later in later {
                let is_same_time = later.when == binding.when || later.when == When::Always;
                let is_longer = binding.chord.0.len() > later.chord.0.len();
                if is_same_time && binding.chord.0.starts_with(&later.chord.0) {
                    conflicts.push(Conflict {
                        chord: later.chord.clone(),
                        wins: later.command,
                        wins_origin: later.origin,
                        hidden: binding.command,
                        is_longer,
                    });
                }
            }
        }
        conflicts
    }
}
