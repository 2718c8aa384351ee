//! What is known of questions to language models: the conversation, proposals, and ghost text that is asked for.

use weft_editor::{
    Completer,
    markdown::{self, Placed},
};
use weft_node::api::{
    AiAccepted, AiAnswer, AiMessage, AiModelList, AiProposal, AiProviderList, ApiError, Purpose,
};

use super::{conversations::Keeping, models::ModelsPage};
use crate::{
    limits::{ANSWER_BYTES_MAX, TURNS_MAX},
    link::AiAsk,
    remote::Remote,
    shell::Alternative,
};

/// Numbers of questions begin here; those of ghost text count from below.
const FIRST_NUMBER: u64 = 1 << 32;

/// What is wanted of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Task {
    /// An answer in words.
    #[default]
    Ask,
    /// A change of the lines that are selected.
    Edit,
    /// A change of the files that are named.
    Change,
}

/// Something that the person has to agree to before it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// What the node says of it.
    pub(crate) error: ApiError,
}

/// What is to be sent to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) text: String,
    pub(crate) task: Task,
    pub(crate) template: Option<String>,
    /// What stood in the field for it, which is cleared unless something else stands there by then.
    pub(crate) field: Option<String>,
}

/// What became of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HunkState {
    /// It waits, and is chosen or not.
    Open(bool),
    Made,
    /// Its text is another by now.
    Outdated,
    /// It was proposed before the window was opened, and cannot be made any more.
    Lapsed,
}

/// A proposal with what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) made: AiProposal,
    pub(crate) hunks: Vec<HunkState>,
    /// The question that accepts some of it, while that is on its way.
    pub(crate) accepting: Option<u64>,
    pub(crate) is_discarded: bool,
}

impl Proposal {
    fn new(made: AiProposal) -> Self {
        // What is doubtful is chosen by the person, and by nobody else.
        let hunks = made.hunks.iter().map(|hunk| HunkState::Open(hunk.doubt.is_none())).collect();
        Self { made, hunks, accepting: None, is_discarded: false }
    }

    /// The hunks that are chosen, and whether others are left.
    pub(crate) fn chosen(&self) -> (Vec<usize>, bool) {
        let of = |state: HunkState| {
            let hunks = self.hunks.iter().enumerate();
            hunks.filter(move |(_, hunk)| **hunk == state).map(|(index, _)| index).collect::<Vec<_>>()
        };
        (of(HunkState::Open(true)), !of(HunkState::Open(false)).is_empty())
    }

    /// Whether something of it waits for an answer.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_discarded && self.hunks.iter().any(|hunk| matches!(hunk, HunkState::Open(_)))
    }

    fn accepted(&mut self, accepted: &AiAccepted) {
        self.accepting = None;
        for (indices, state) in [(&accepted.made, HunkState::Made), (&accepted.outdated, HunkState::Outdated)]
        {
            for index in indices {
                if let Some(hunk) = self.hunks.get_mut(*index) {
                    *hunk = state;
                }
            }
        }
    }
}

/// What came of a turn.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Running,
    Stopped,
    Answer(Box<AiAnswer>),
    Proposal(Box<Proposal>),
    Failed(ApiError),
}

/// What the person said, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) said: String,
    pub(crate) task: Task,
    /// What was asked, for asking it again; nothing where that is not known any more.
    pub(crate) ask: Option<AiAsk>,
    pub(crate) number: u64,
    /// The answer as far as it has come.
    pub(crate) text: String,
    pub(crate) blocks: Vec<Placed>,
    /// How much of the text the blocks are made of.
    pub(super) read: usize,
    pub(crate) reply: Reply,
}

/// Everything about models.
#[derive(Debug)]
pub(crate) struct Assistant {
    pub(crate) completer: Completer,
    pub(crate) alternative: Option<Alternative>,
    /// The person asks for ghost text, and may agree that a server is asked.
    pub(crate) wants_ghost: Option<bool>,
    /// Why there is no ghost text.
    pub(crate) ghost_failure: Option<ApiError>,
    /// Which model made the last ghost text.
    pub(crate) ghost_model: Option<String>,
    /// What is to be agreed to before ghost text is asked for.
    pub(crate) question: Option<Question>,
    pub(crate) turns: Vec<Turn>,
    pub(crate) models: Remote<(AiModelList, AiProviderList)>,
    pub(crate) page: ModelsPage,
    /// The model that the person has chosen for this conversation.
    pub(crate) chat_model: Option<String>,
    /// What is sent as soon as the node has what was typed last.
    pub(crate) waiting: Option<Waiting>,
    pub(crate) keeping: Keeping,
    next: u64,
}

impl Default for Assistant {
    fn default() -> Self {
        Self {
            completer: Completer::default(),
            alternative: None,
            wants_ghost: None,
            ghost_failure: None,
            ghost_model: None,
            question: None,
            turns: Vec::new(),
            models: Remote::default(),
            page: ModelsPage::default(),
            chat_model: None,
            waiting: None,
            keeping: Keeping::default(),
            next: FIRST_NUMBER,
        }
    }
}

impl Assistant {
    /// Forgets what belongs to a folder. Numbers go on, so that late answers fit nothing.
    pub(crate) fn leave_folder(&mut self) {
        let (next, completer) = (self.next, std::mem::take(&mut self.completer));
        // Models and work on them belong to the device, not to the folder.
        let page = ModelsPage {
            offers: Remote::default(),
            policies: Remote::default(),
            ..std::mem::take(&mut self.page)
        };
        let models = std::mem::take(&mut self.models);
        *self = Self { next, completer, page, models, ..Self::default() };
    }

    /// A number for a question.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether a model can be asked for this; nothing while it is not known.
    pub(crate) fn has_model(&self, purpose: Purpose) -> Option<bool> {
        self.models.value()?;
        Some(self.chosen_for(purpose).is_some())
    }

    /// What may be asked for this: models of this device, and servers where the workspace allows them.
    pub(crate) fn asked_for(&self, purpose: Purpose) -> Vec<String> {
        let Some((models, servers)) = self.models.value() else { return Vec::new() };
        let here = models.models.iter().filter(|model| model.roles.contains(&purpose) && model.fits);
        let servers = servers.providers.iter().filter(|_| !self.page.is_local_only());
        let servers = servers.filter(|_| purpose != Purpose::Embedding);
        here.map(|model| model.id.clone()).chain(servers.map(|server| server.id.clone())).collect()
    }

    /// Who is asked for this when no model is named.
    pub(crate) fn chosen_for(&self, purpose: Purpose) -> Option<&str> {
        let (models, servers) = self.models.value()?;
        let may_send = !self.page.is_local_only() && purpose != Purpose::Embedding;
        let server = servers.providers.iter().find(|one| may_send && one.chosen_for.contains(&purpose));
        let model = || models.models.iter().find(|model| model.chosen_for.contains(&purpose));
        server.map(|server| server.id.as_str()).or_else(|| model().map(|model| model.id.as_str()))
    }

    /// The turn that is being answered.
    pub(crate) fn running(&self) -> Option<&Turn> {
        self.turns.last().filter(|turn| matches!(turn.reply, Reply::Running))
    }

    /// What was said until now, and the next question.
    pub(crate) fn messages(&self, question: &str) -> Vec<AiMessage> {
        let message = |role: &str, text: &str| AiMessage { role: role.to_owned(), text: text.to_owned() };
        let answered = self.turns.iter().filter_map(|turn| match &turn.reply {
            Reply::Answer(answer) => Some([message("user", &turn.said), message("assistant", &answer.text)]),
            _ => None,
        });
        answered.flatten().chain([message("user", question)]).collect()
    }

    /// Begins a turn. Of a long conversation the first turns are forgotten.
    pub(crate) fn begin(&mut self, said: &str, task: Task, ask: AiAsk) -> u64 {
        let number = self.next_number();
        if self.turns.len() >= TURNS_MAX {
            self.turns.remove(0);
        }
        self.turns.push(Turn {
            said: said.to_owned(),
            task,
            ask: Some(ask),
            number,
            text: String::new(),
            blocks: Vec::new(),
            read: 0,
            reply: Reply::Running,
        });
        number
    }

    /// Asks a turn once more. Gives its new number.
    pub(crate) fn repeat(&mut self, index: usize, ask: AiAsk) -> Option<u64> {
        let number = self.next_number();
        let turn = self.turns.get_mut(index)?;
        (turn.number, turn.ask, turn.reply, turn.read) = (number, Some(ask), Reply::Running, 0);
        turn.text.clear();
        turn.blocks.clear();
        Some(number)
    }

    fn turn(&mut self, number: u64) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.number == number && matches!(turn.reply, Reply::Running))
    }

    /// More of an answer came.
    pub(crate) fn more(&mut self, number: u64, text: &str) {
        if let Some(turn) = self.turn(number)
            && turn.text.len() + text.len() <= ANSWER_BYTES_MAX
        {
            turn.text.push_str(text);
        }
    }

    /// The whole answer came, or why there is none.
    pub(crate) fn answered(&mut self, number: u64, result: Result<AiAnswer, ApiError>) {
        let Some(turn) = self.turn(number) else { return };
        turn.reply = match result {
            Ok(answer) => {
                turn.text.clone_from(&answer.text);
                Reply::Answer(Box::new(answer))
            }
            Err(error) => Reply::Failed(error),
        };
    }

    /// A proposal came, or why there is none.
    pub(crate) fn proposed(&mut self, number: u64, result: Result<AiProposal, ApiError>) {
        let Some(turn) = self.turn(number) else { return };
        turn.text.clear();
        turn.reply = match result {
            Ok(made) => {
                turn.text = made.text.clone().unwrap_or_default();
                Reply::Proposal(Box::new(Proposal::new(made)))
            }
            Err(error) => Reply::Failed(error),
        };
    }

    /// Nobody waits for the turn any more. Gives its number.
    pub(crate) fn stop(&mut self) -> Option<u64> {
        let turn = self.turns.last_mut().filter(|turn| matches!(turn.reply, Reply::Running))?;
        turn.reply = Reply::Stopped;
        Some(turn.number)
    }

    /// The proposal of a turn.
    pub(crate) fn proposal(&mut self, index: usize) -> Option<&mut Proposal> {
        match &mut self.turns.get_mut(index)?.reply {
            Reply::Proposal(proposal) => Some(proposal),
            _ => None,
        }
    }

    /// Hunks were made, or not.
    pub(crate) fn accepted(&mut self, number: u64, result: &Result<AiAccepted, ApiError>) {
        for turn in &mut self.turns {
            if let Reply::Proposal(proposal) = &mut turn.reply
                && proposal.accepting == Some(number)
            {
                match result {
                    Ok(accepted) => proposal.accepted(accepted),
                    Err(_) => proposal.accepting = None,
                }
            }
        }
    }

    /// Reads what has come as Markdown.
    pub(crate) fn read_answers(&mut self) {
        for turn in &mut self.turns {
            let is_shown = turn.task == Task::Ask || !matches!(turn.reply, Reply::Running);
            if is_shown && turn.read != turn.text.len() {
                turn.read = turn.text.len();
                turn.blocks = markdown::read(&turn.text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_node::api::AiHunk;

    use super::*;
    use crate::link::Asking;

    fn chat(assistant: &mut Assistant, said: &str) -> u64 {
        let messages = assistant.messages(said);
        assistant.begin(said, Task::Ask, AiAsk::Chat { messages, selection: None, asking: Asking::default() })
    }

    fn answer(text: &str) -> AiAnswer {
        AiAnswer { text: text.to_owned(), ..AiAnswer::default() }
    }

    #[test]
    fn a_conversation_goes_on_with_what_was_answered() {
        let mut assistant = Assistant::default();
        let first = chat(&mut assistant, "one?");
        assistant.more(first, "on");
        assistant.more(first + 9, "of another question");
        assert_eq!(assistant.running().map(|turn| turn.text.as_str()), Some("on"));
        assistant.answered(first, Ok(answer("**one**")));
        assistant.read_answers();
        assert_eq!(assistant.turns[0].blocks.len(), 1);
        let second = chat(&mut assistant, "two?");
        assert_eq!(assistant.stop(), Some(second));
        assistant.answered(second, Ok(answer("too late")));
        assert!(matches!(assistant.turns[1].reply, Reply::Stopped) && assistant.running().is_none());
        let said: Vec<String> =
            assistant.messages("three?").iter().map(|it| format!("{} {}", it.role, it.text)).collect();
        assert_eq!(said, ["user one?", "assistant **one**", "user three?"]);
        let again = assistant.turns[1].ask.clone().unwrap().again();
        let third = assistant.repeat(1, again).unwrap();
        let asked = &assistant.turns[1].ask;
        assert!(matches!(asked, Some(AiAsk::Chat { asking: Asking { fresh: true, .. }, .. })));
        assert!(third > second);
    }

    #[test]
    fn hunks_are_made_left_or_outdated() {
        let hunk =
            AiHunk { path: "a".to_owned(), line: 1, old: String::new(), new: "x".to_owned(), doubt: None };
        let mut hunks = vec![hunk; 4];
        hunks[3].doubt = Some("new syntax errors".to_owned());
        let made = AiProposal { proposal: 3, hunks, ..AiProposal::default() };
        let mut assistant = Assistant::default();
        let ask = AiAsk::Change { instruction: String::new(), selection: None, asking: Asking::default() };
        let number = assistant.begin("tidy", Task::Change, ask);
        assistant.proposed(number, Ok(made));
        let proposal = assistant.proposal(0).unwrap();
        assert_eq!(proposal.chosen(), (vec![0, 1, 2], true), "what is doubtful is not chosen by itself");
        proposal.hunks[1] = HunkState::Open(false);
        assert_eq!(proposal.chosen(), (vec![0, 2], true));
        proposal.accepting = Some(77);
        assistant.accepted(77, &Ok(AiAccepted { made: vec![0], outdated: vec![2, 9] }));
        let proposal = assistant.proposal(0).unwrap();
        let open = HunkState::Open(false);
        let states = [HunkState::Made, open, HunkState::Outdated, open];
        assert_eq!((proposal.hunks.as_slice(), proposal.accepting), (states.as_slice(), None));
        assert!(proposal.is_open());
        proposal.is_discarded = true;
        assert!(!proposal.is_open());
    }

    #[test]
    fn a_conversation_and_an_answer_have_an_end() {
        let mut assistant = Assistant::default();
        for number in 0..TURNS_MAX + 1 {
            let number = chat(&mut assistant, &number.to_string());
            assistant.more(number, &"x".repeat(ANSWER_BYTES_MAX));
            assistant.more(number, "x");
            assert_eq!(assistant.running().map(|turn| turn.text.len()), Some(ANSWER_BYTES_MAX));
            assistant.answered(number, Ok(answer("")));
        }
        assert_eq!((assistant.turns.len(), assistant.turns[0].said.as_str()), (TURNS_MAX, "1"));
    }
}
