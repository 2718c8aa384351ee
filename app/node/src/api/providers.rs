//! Servers that may be asked for text besides the models on this device. There is none until the person adds one.
//!
//! Nothing of a workspace is sent to a server before the person has agreed once for that workspace: until then a request
//! fails with [`super::ErrorKind::NotConfirmed`] and says what would be sent, and the same request with `confirm` sends it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Purpose;

/// The interface that a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI's, and that of the many servers that follow it.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

impl ProviderKind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

/// The key of a server. It never shows in what is printed for developers, and no answer holds one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiKey(pub String);

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Lists the servers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AiProviders {}

/// The servers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderList {
    /// The servers, by name.
    pub providers: Vec<AiProvider>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiProvider {
    /// Names it in commands, alone or as `id/model`.
    pub id: String,
    /// Its interface.
    pub kind: ProviderKind,
    /// Its address.
    pub url: String,
    /// The model that it is asked for when none is named.
    pub model: String,
    /// Whether a key for it lies in the store.
    pub has_key: bool,
    /// Seconds that it may say nothing.
    pub patience_seconds: u64,
    /// What it is asked for when no model is named.
    #[serde(default)]
    pub chosen_for: Vec<Purpose>,
    /// The names of the workspaces from which the person has agreed to send; empty for what is of none.
    #[serde(default)]
    pub confirmed: Vec<String>,
}

/// Makes a server known, or another one under its name: what the person has agreed to is asked again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderAdd {
    /// How it is to be called.
    pub id: String,
    /// Its interface.
    pub kind: ProviderKind,
    /// Its address, up to before `/chat/completions` or `/messages`; that of the maker of the interface when it is left out.
    #[serde(default)]
    pub url: Option<String>,
    /// The model that it is asked for.
    pub model: String,
    /// The key for it.
    #[serde(default)]
    pub key: Option<ApiKey>,
    /// Seconds that it may say nothing; a minute when it is left out.
    #[serde(default)]
    pub patience_seconds: Option<u64>,
}

/// Forgets a server and its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderRemove {
    /// Which.
    pub id: String,
}

/// A server that is forgotten.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderRemoved {
    /// Which.
    pub id: String,
}

/// Asks a server for a word. Nothing of a workspace is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderTest {
    /// Which.
    pub id: String,
}

/// A server that answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiProviderTested {
    /// Which.
    pub id: String,
    /// What it said.
    pub text: String,
    /// How long it took.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nowhere() {
        let add = AiProviderAdd {
            id: "a".into(),
            kind: ProviderKind::OpenAi,
            url: None,
            model: "m".into(),
            key: Some(ApiKey("sk-hunter2".into())),
            patience_seconds: None,
        };
        assert!(!format!("{add:?}").contains("hunter2"));
        assert_eq!(serde_json::to_value(ProviderKind::OpenAi).expect("JSON"), ProviderKind::OpenAi.name());
        assert_eq!(
            serde_json::to_value(ProviderKind::Anthropic).expect("JSON"),
            ProviderKind::Anthropic.name()
        );
    }
}
