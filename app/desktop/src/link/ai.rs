//! Questions to language models, through the node.

use std::path::Path;

use weft_editor::Buffer;
use weft_node::api::{
    AiAccept, AiAccepted, AiAnswer, AiChange, AiChat, AiComplete, AiConversation, AiConversationGet,
    AiConversationHead, AiConversationKeep, AiConversationList, AiConversationRemove, AiConversations,
    AiEdit, AiHardware, AiHardwareReport, AiMessage, AiModelList, AiModelOffers, AiModels, AiModelsOffered,
    AiProposal, AiProviderList, AiProviders, AiSeen, AiSelection, AiTemplateList, AiTemplates, AiTurn,
    ApiError, Policies, Policy, Progress,
};

use super::{ModelWork, connect::Connection, models};
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

/// How a question is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asking {
    /// The template that says what is wanted.
    pub template: Option<String>,
    /// Which model; the one that is chosen when nothing is said.
    pub model: Option<String>,
    /// Whether the person agrees that it is sent to a server.
    pub confirm: bool,
    /// Whether an answer of before does not do.
    pub fresh: bool,
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
        /// How.
        asking: Asking,
    },
    /// Propose a change of some lines.
    Edit {
        /// The lines.
        lines: Lines,
        /// Where they are in the document that is open, however others have moved them meanwhile.
        seen: Option<AiSeen>,
        /// What is wanted.
        instruction: String,
        /// How.
        asking: Asking,
    },
    /// Propose a change of the files that are named.
    Change {
        /// What is wanted.
        instruction: String,
        /// What `@selection` means.
        selection: Option<Lines>,
        /// How.
        asking: Asking,
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
    /// Say which models and servers there are.
    Models,
    /// Say what this device computes models with.
    Hardware,
    /// Say which models members share.
    Offers,
    /// List the templates.
    Templates,
    /// Say whether the workspace asks models on its members' devices only.
    Policies,
    /// Do something with a model or a server.
    Work(ModelWork),
    /// List the conversations that are kept.
    Conversations,
    /// Give one.
    Conversation(u64),
    /// Keep one, as a new one where it has no number.
    KeepConversation {
        /// Its number.
        id: Option<u64>,
        /// Its turns.
        turns: Vec<AiTurn>,
    },
    /// Forget one.
    RemoveConversation(u64),
}

impl AiAsk {
    fn asking(&mut self) -> Option<&mut Asking> {
        match self {
            Self::Chat { asking, .. } | Self::Edit { asking, .. } | Self::Change { asking, .. } => {
                Some(asking)
            }
            _ => None,
        }
    }

    /// The same with the person's consent.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        if let Some(asking) = self.asking() {
            asking.confirm = true;
        }
        self
    }

    /// The same, to be answered anew.
    #[must_use]
    pub fn again(mut self) -> Self {
        if let Some(asking) = self.asking() {
            asking.fresh = true;
        }
        self
    }
}

/// What comes of it.
#[derive(Debug)]
pub enum AiNews {
    /// More of an answer.
    Text(String),
    /// How far the work is.
    Progress(Progress),
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
    /// What this device computes models with.
    Hardware(Result<Box<AiHardwareReport>, ApiError>),
    /// What members share.
    Offers(Result<AiModelsOffered, ApiError>),
    /// The templates.
    Templates(Result<AiTemplateList, ApiError>),
    /// The policies of the workspace.
    Policies(Result<Policies, ApiError>),
    /// What came of work, in words.
    Done(Result<String, ApiError>),
    /// The conversations that are kept.
    Conversations(Result<AiConversationList, ApiError>),
    /// One of them.
    Conversation(Result<Box<AiConversation>, ApiError>),
    /// It was kept.
    Kept(Result<AiConversationHead, ApiError>),
}

/// Asks, and waits for the answer.
pub(super) async fn answer(node: &Connection, root: &Path, number: u64, ask: AiAsk) -> AiNews {
    let folder = root.to_owned();
    match ask {
        AiAsk::Ghost { place, confirm } => {
            let answer = node.ask(completion(root, &place, confirm)).await;
            AiNews::Ghost(answer.map(Box::new))
        }
        AiAsk::Chat { .. } | AiAsk::Edit { .. } | AiAsk::Change { .. } => {
            question(node, root, number, ask).await
        }
        AiAsk::Accept { proposal, hunks, keep } => {
            AiNews::Accepted(node.ask(AiAccept { proposal, hunks, keep }).await)
        }
        AiAsk::Models => AiNews::Models(known(node).await),
        AiAsk::Hardware => AiNews::Hardware(node.ask(AiHardware {}).await.map(Box::new)),
        AiAsk::Offers => AiNews::Offers(node.ask(AiModelOffers { folder }).await),
        AiAsk::Templates => AiNews::Templates(node.ask(AiTemplates {}).await),
        AiAsk::Policies => {
            let request = Policy { folder, branch_switch: None, ai_local_only: None };
            AiNews::Policies(node.ask(request).await)
        }
        AiAsk::Work(work) => AiNews::Done(models::carry_out(node, root, number, work).await),
        AiAsk::Conversations => AiNews::Conversations(node.ask(AiConversations { folder }).await),
        AiAsk::Conversation(id) => {
            AiNews::Conversation(node.ask(AiConversationGet { folder, id }).await.map(Box::new))
        }
        AiAsk::KeepConversation { id, turns } => {
            AiNews::Kept(node.ask(AiConversationKeep { folder, id, turns }).await)
        }
        AiAsk::RemoveConversation(id) => {
            AiNews::Conversations(node.ask(AiConversationRemove { folder, id }).await)
        }
    }
}

/// Asks a model for an answer or a proposal.
async fn question(node: &Connection, root: &Path, number: u64, ask: AiAsk) -> AiNews {
    let (folder, stream) = (root.to_owned(), Some(number.to_string()));
    let place = |selection: Option<Lines>| selection.map(|lines| lines.selection(root));
    match ask {
        AiAsk::Chat { messages, selection, asking } => {
            let Asking { template, model, confirm, fresh } = asking;
            let (folder, selection, max_tokens) = (Some(folder), place(selection), None);
            let request =
                AiChat { folder, messages, selection, template, model, max_tokens, confirm, fresh, stream };
            AiNews::Chat(node.ask(request).await.map(Box::new))
        }
        AiAsk::Change { instruction, selection, asking } => {
            let Asking { template, model, confirm, fresh } = asking;
            let selection = place(selection);
            let request =
                AiChange { folder, instruction, template, selection, model, confirm, fresh, stream };
            AiNews::Proposal(node.ask(request).await.map(Box::new))
        }
        AiAsk::Edit { lines, seen, instruction, asking } => {
            let Asking { template, model, confirm, fresh } = asking;
            let (file, from_line, to_line) = (root.join(lines.path), lines.from, lines.to);
            let request = AiEdit {
                file,
                from_line,
                to_line,
                seen,
                instruction,
                template,
                model,
                confirm,
                fresh,
                stream,
            };
            AiNews::Proposal(node.ask(request).await.map(Box::new))
        }
        _ => AiNews::Chat(Err(ApiError::usage("this is no question"))),
    }
}

async fn known(node: &Connection) -> Result<(AiModelList, AiProviderList), ApiError> {
    Ok((node.ask(AiModels {}).await?, node.ask(AiProviders {}).await?))
}

/// Of a long text only what stands around the place goes along: a model reads no more of it.
fn completion(root: &Path, place: &GhostPlace, confirm: bool) -> AiComplete {
    let rope = place.text.rope();
    let at = place.at.min(rope.len_chars());
    let byte = rope.char_to_byte(at);
    // What goes at the beginning goes in large pieces: what a model has computed for it is used again.
    let over = byte.saturating_sub(GHOST_BEFORE_BYTES_MAX).next_multiple_of(GHOST_BEFORE_BYTES_MAX / 4);
    let first = rope.byte_to_line(if byte <= GHOST_BEFORE_BYTES_MAX { 0 } else { over.min(byte) });
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
        let least = around - GHOST_BEFORE_BYTES_MAX / 4 - 2 * line.len();
        assert!((least..=around + 2 * line.len()).contains(&sent.len()), "{}", sent.len());
        let next = at(&text, place + 3 * line.len());
        assert_eq!(next.line, asked.line + 3, "it begins at the same place");
        let line_there = sent.lines().nth(asked.line as usize - 1).unwrap();
        assert_eq!((line_there, asked.column), ("0123456789abcde", 6));
        // Up to there all of it.
        let all = line.repeat(GHOST_BEFORE_BYTES_MAX / line.len());
        assert_eq!(at(&all, GHOST_BEFORE_BYTES_MAX).text.as_deref(), Some(all.as_str()));
    }
}
