//! Turns as they are kept, and as they come back.

use weft_editor::markdown;
use weft_node::api::{AiConversation, AiConversationList, AiTurn, AiTurnKind};

use super::assistant::{Assistant, HunkState, Proposal, Reply, Task, Turn};
use crate::{
    link::{AiAsk, Asking},
    remote::Remote,
};

/// What is known of keeping the conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keeping {
    /// Its number, once it was kept.
    pub(crate) id: Option<u64>,
    /// The question that keeps it now.
    pub(crate) asked: Option<u64>,
    /// It has gone on since that was asked.
    pub(crate) is_behind: bool,
    /// All that are kept.
    pub(crate) all: Remote<AiConversationList>,
    /// Whether the list is shown beside the turns.
    pub(crate) is_listed: bool,
    /// The one of which it is asked whether it is to be deleted.
    pub(crate) deleting: Option<u64>,
    /// Whether it was told that it cannot be kept.
    pub(crate) has_told: bool,
}

impl Keeping {
    /// Another conversation begins.
    pub(crate) fn begin_new(&mut self) {
        (self.id, self.asked, self.is_behind, self.is_listed) = (None, None, false, false);
    }
}

impl Assistant {
    /// The turns as they are kept.
    pub(crate) fn kept_turns(&self) -> Vec<AiTurn> {
        self.turns.iter().map(kept).collect()
    }

    /// Shows a conversation of before.
    pub(crate) fn show(&mut self, conversation: AiConversation) {
        self.keeping.begin_new();
        self.keeping.id = Some(conversation.id);
        self.turns.clear();
        for turn in conversation.turns {
            let ask = self.asked_again(&turn);
            self.turns.push(restored(turn, ask));
        }
    }

    /// What would ask a turn again: a question can be, and a change only where its lines are known.
    fn asked_again(&self, turn: &AiTurn) -> Option<AiAsk> {
        let asking = Asking::default();
        match turn.kind {
            AiTurnKind::Ask => {
                let messages = self.messages(&turn.said);
                Some(AiAsk::Chat { messages, selection: None, asking })
            }
            AiTurnKind::Change => {
                Some(AiAsk::Change { instruction: turn.said.clone(), selection: None, asking })
            }
            AiTurnKind::Edit => None,
        }
    }
}

fn kept(turn: &Turn) -> AiTurn {
    let kind = match turn.task {
        Task::Ask => AiTurnKind::Ask,
        Task::Edit => AiTurnKind::Edit,
        Task::Change => AiTurnKind::Change,
    };
    let (mut answer, mut proposal, mut made) = (None, None, Vec::new());
    match &turn.reply {
        Reply::Answer(whole) => answer = Some((**whole).clone()),
        Reply::Proposal(whole) => {
            let is_made = |(_, state): &(usize, &HunkState)| **state == HunkState::Made;
            made = whole.hunks.iter().enumerate().filter(is_made).map(|(index, _)| index).collect();
            proposal = Some(whole.made.clone());
        }
        _ => {}
    }
    AiTurn { said: turn.said.clone(), kind, text: turn.text.clone(), answer, proposal, made }
}

fn restored(turn: AiTurn, ask: Option<AiAsk>) -> Turn {
    let reply = match (turn.answer, turn.proposal) {
        (Some(answer), _) => Reply::Answer(Box::new(answer)),
        (None, Some(made)) => {
            let state = |index| match turn.made.contains(&index) {
                true => HunkState::Made,
                // Nobody remembers the text that the model saw.
                false => HunkState::Lapsed,
            };
            let hunks = (0..made.hunks.len()).map(state).collect();
            Reply::Proposal(Box::new(Proposal { made, hunks, accepting: None, is_discarded: false }))
        }
        (None, None) => Reply::Stopped,
    };
    let task = match turn.kind {
        AiTurnKind::Ask => Task::Ask,
        AiTurnKind::Edit => Task::Edit,
        AiTurnKind::Change => Task::Change,
    };
    let blocks = markdown::read(&turn.text);
    let read = turn.text.len();
    Turn { said: turn.said, task, ask, number: 0, text: turn.text, blocks, read, reply }
}

#[cfg(test)]
mod tests {
    use weft_node::api::{AiAnswer, AiHunk, AiProposal};

    use super::*;

    #[test]
    fn turns_come_back_as_they_were_kept() {
        let mut assistant = Assistant::default();
        let ask = || AiAsk::Change { instruction: String::new(), selection: None, asking: Asking::default() };
        let number = assistant.begin("what?", Task::Ask, ask());
        assistant.answered(number, Ok(AiAnswer { text: "**that**".to_owned(), ..AiAnswer::default() }));
        let number = assistant.begin("tidy", Task::Change, ask());
        let hunk = |line| AiHunk {
            path: "a".to_owned(),
            line,
            old: String::new(),
            new: "x".to_owned(),
            doubt: None,
        };
        let made = AiProposal { proposal: 3, hunks: vec![hunk(1), hunk(2)], ..AiProposal::default() };
        assistant.proposed(number, Ok(made));
        if let Some(proposal) = assistant.proposal(1) {
            proposal.hunks[1] = HunkState::Made;
        }
        assistant.begin("more", Task::Edit, ask());
        let kept = assistant.kept_turns();
        assert_eq!((kept.len(), kept[1].made.as_slice()), (3, [1].as_slice()));
        let mut other = Assistant::default();
        other.show(AiConversation { id: 5, turns: kept.clone() });
        assert_eq!(other.kept_turns(), kept);
        assert_eq!((other.keeping.id, other.turns[0].blocks.len()), (Some(5), 1));
        let Some(proposal) = other.proposal(1) else { panic!("no proposal") };
        assert_eq!(proposal.hunks, [HunkState::Lapsed, HunkState::Made]);
        assert!(!proposal.is_open());
        assert!(matches!(other.turns[2].reply, Reply::Stopped) && other.turns[2].ask.is_none());
        assert_eq!(other.messages("next").len(), 3, "it goes on from there");
    }
}
