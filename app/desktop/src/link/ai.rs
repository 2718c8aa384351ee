//! Questions to language models, through the node.

use std::path::{Path, PathBuf};

use weft_editor::Buffer;
use weft_node::api::{
    AiAccept, AiAccepted, AiAnswer, AiChange, AiChat, AiComplete, AiEdit, AiMessage, AiModel,
    AiModelDownload, AiModelImport, AiModelList, AiModels, AiProposal, AiProviderList, AiProviders,
    AiSelection, ApiError,
};

use super::connect::Connection;
use crate::limits::{GHOST_BEFORE_BYTES_MAX, GHOST_BEHIND_BYTES_MAX, GHOST_MILLIS_MAX};

/// Lines of a file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The file, by its path from the root.
    pub path: String,
    /// The first line.
    pub from: u64,
    /// The last line.
    pub to: u64,
}

impl Lines {
    fn selection(self, root: &Path) -> AiSelection {
        AiSelection { file: root.join(self.path), from_line: self.from, to_line: self.to }
    }
}

/// A place at which ghost text is wanted.
#[derive(Debug, Clone)]
pub struct GhostPlace {
    /// The file, by its path from the root.
    pub path: String,
    /// Its text as it is in the window.
    pub text: Buffer,
    /// The place, in characters.
    pub at: usize,
    /// Which alternative.
    pub alternative: u32,
}

/// What a model is asked, or of models.
#[derive(Debug, Clone)]
pub enum AiAsk {
    /// Go on with a text.
    Ghost {
        /// Where.
        place: GhostPlace,
        /// Whether the person agrees that it is sent to a server.
        confirm: bool,
    },
    /// Answer a conversation.
    Chat {
        /// What was said.
        messages: Vec<AiMessage>,
        /// What `@selection` means.
        selection: Option<Lines>,
        /// Whether the person agrees that it is sent to a server.
        confirm: bool,
        /// Whether an answer of before does not do.
        fresh: bool,
    },
    /// Propose a change of some lines.
    Edit {
        /// The lines.
        lines: Lines,
        /// What is wanted.
        instruction: String,
        /// Whether the person agrees that it is sent to a server.
        confirm: bool,
        /// Whether an answer of before does not do.
        fresh: bool,
    },
    /// Propose a change of the files that are named.
    Change {
        /// What is wanted.
        instruction: String,
        /// What `@selection` means.
        selection: Option<Lines>,
        /// Whether the person agrees that it is sent to a server.
        confirm: bool,
        /// Whether an answer of before does not do.
        fresh: bool,
    },
    /// Make some of what was proposed.
    Accept {
        /// The proposal.
        proposal: u64,
        /// The numbers of the hunks.
        hunks: Vec<usize>,
        /// Whether the others wait for another answer.
        keep: bool,
    },
    /// Say which models there are.
    Models,
    /// Take a file in.
    Import(PathBuf),
    /// Fetch a model.
    Download(String),
}

impl AiAsk {
    /// The same with the person's consent.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        match &mut self {
            Self::Ghost { confirm, .. }
            | Self::Chat { confirm, .. }
            | Self::Edit { confirm, .. }
            | Self::Change { confirm, .. } => *confirm = true,
            _ => {}
        }
        self
    }

    /// The same, to be answered anew.
    #[must_use]
    pub fn again(mut self) -> Self {
        match &mut self {
            Self::Chat { fresh, .. } | Self::Edit { fresh, .. } | Self::Change { fresh, .. } => *fresh = true,
            _ => {}
        }
        self
    }
}

/// What comes of it.
#[derive(Debug)]
pub enum AiNews {
    /// More of an answer.
    Text(String),
    /// Ghost text.
    Ghost(Result<Box<AiAnswer>, ApiError>),
    /// An answer.
    Chat(Result<Box<AiAnswer>, ApiError>),
    /// A proposal.
    Proposal(Result<Box<AiProposal>, ApiError>),
    /// Hunks were made, or not.
    Accepted(Result<AiAccepted, ApiError>),
    /// The models of this device, and servers.
    Models(Result<(AiModelList, AiProviderList), ApiError>),
    /// A model is here.
    Model(Result<Box<AiModel>, ApiError>),
}

/// Asks, and waits for the answer.
pub(super) async fn answer(node: &Connection, root: &Path, number: u64, ask: AiAsk) -> AiNews {
    let (folder, stream) = (root.to_owned(), Some(number.to_string()));
    match ask {
        AiAsk::Ghost { place, confirm } => {
            let answer = node.ask(completion(root, &place, confirm)).await;
            AiNews::Ghost(answer.map(Box::new))
        }
        AiAsk::Chat { messages, selection, confirm, fresh } => {
            let selection = selection.map(|lines| lines.selection(root));
            let (folder, template, model, max_tokens) = (Some(folder), None, None, None);
            let request =
                AiChat { folder, messages, selection, template, model, max_tokens, confirm, fresh, stream };
            AiNews::Chat(node.ask(request).await.map(Box::new))
        }
        AiAsk::Edit { lines, instruction, confirm, fresh } => {
            let file = root.join(lines.path);
            let (from_line, to_line, template, model) = (lines.from, lines.to, None, None);
            let request =
                AiEdit { file, from_line, to_line, instruction, template, model, confirm, fresh, stream };
            AiNews::Proposal(node.ask(request).await.map(Box::new))
        }
        AiAsk::Change { instruction, selection, confirm, fresh } => {
            let selection = selection.map(|lines| lines.selection(root));
            let (template, model) = (None, None);
            let request =
                AiChange { folder, instruction, template, selection, model, confirm, fresh, stream };
            AiNews::Proposal(node.ask(request).await.map(Box::new))
        }
        AiAsk::Accept { proposal, hunks, keep } => {
            AiNews::Accepted(node.ask(AiAccept { proposal, hunks, keep }).await)
        }
        AiAsk::Models => AiNews::Models(models(node).await),
        AiAsk::Import(file) => AiNews::Model(node.ask(AiModelImport { file, id: None }).await.map(Box::new)),
        AiAsk::Download(url) => {
            let request = AiModelDownload { url, sha256: None, id: None };
            AiNews::Model(node.ask(request).await.map(Box::new))
        }
    }
}

async fn models(node: &Connection) -> Result<(AiModelList, AiProviderList), ApiError> {
    Ok((node.ask(AiModels {}).await?, node.ask(AiProviders {}).await?))
}

/// Of a long text only what stands around the place goes along: a model reads no more of it.
fn completion(root: &Path, place: &GhostPlace, confirm: bool) -> AiComplete {
    let rope = place.text.rope();
    let at = place.at.min(rope.len_chars());
    let byte = rope.char_to_byte(at);
    let first = rope.byte_to_line(byte.saturating_sub(GHOST_BEFORE_BYTES_MAX));
    let last = rope.byte_to_line((byte + GHOST_BEHIND_BYTES_MAX).min(rope.len_bytes()));
    let line = rope.char_to_line(at);
    let text = rope.slice(rope.line_to_char(first)..rope.line_to_char((last + 1).min(rope.len_lines())));
    let behind = rope.line(line).chars().skip(at - rope.line_to_char(line));
    AiComplete {
        file: root.join(&place.path),
        line: (line - first) as u64 + 1,
        column: (at - rope.line_to_char(line)) as u64 + 1,
        text: Some(text.to_string()),
        // At the end of a line there is room for more of them.
        multi_line: behind.into_iter().all(char::is_whitespace),
        model: None,
        max_tokens: None,
        time_millis: Some(GHOST_MILLIS_MAX),
        alternative: place.alternative,
        confirm,
        stream: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, at: usize) -> AiComplete {
        let place = GhostPlace { path: "a.rs".to_owned(), text: Buffer::new(text), at, alternative: 2 };
        completion(Path::new("/notes"), &place, false)
    }

    #[test]
    fn the_place_is_told_by_line_and_column() {
        let asked = at("one\nä b\n", 6);
        assert_eq!((asked.line, asked.column, asked.multi_line), (2, 3, false));
        assert_eq!((asked.file.as_path(), asked.alternative), (Path::new("/notes/a.rs"), 2));
        assert_eq!(asked.text.as_deref(), Some("one\nä b\n"));
        assert_eq!(asked.time_millis, Some(GHOST_MILLIS_MAX));
        assert!(at("one\nä b\n", 7).multi_line && at("", 9).multi_line);
    }

    #[test]
    fn of_a_long_text_what_stands_around_goes_along() {
        let line = "0123456789abcde\n";
        let text = line.repeat((2 * GHOST_BEFORE_BYTES_MAX + GHOST_BEHIND_BYTES_MAX) / line.len());
        let place = 2 * GHOST_BEFORE_BYTES_MAX + 5;
        let asked = at(&text, place);
        let sent = asked.text.unwrap();
        let around = GHOST_BEFORE_BYTES_MAX + GHOST_BEHIND_BYTES_MAX;
        assert!((around - 2 * line.len()..=around + 2 * line.len()).contains(&sent.len()), "{}", sent.len());
        let line_there = sent.lines().nth(asked.line as usize - 1).unwrap();
        assert_eq!((line_there, asked.column), ("0123456789abcde", 6));
        // Up to there all of it.
        let all = line.repeat(GHOST_BEFORE_BYTES_MAX / line.len());
        assert_eq!(at(&all, GHOST_BEFORE_BYTES_MAX).text.as_deref(), Some(all.as_str()));
    }
}
