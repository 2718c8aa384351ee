//! Roles of people in a workspace.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What somebody may do, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Stores and forwards what it cannot read.
    Keeper,
    /// Reads.
    Viewer,
    /// Reads and writes.
    Editor,
    /// Also invites and removes people.
    Admin,
    /// Made the workspace; cannot be removed.
    Owner,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Keeper, Self::Viewer, Self::Editor, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| format!("no role is called {word:?}; there are admin, editor, viewer and keeper"))
    }
}
