//! What views ask for. They change nothing themselves: they push actions, which are carried out after drawing.

use std::{panic::Location, path::PathBuf};

use weft_editor::{
    AppCommand, Command, Grain,
    compare::Hunk,
    search::Query,
    settings::Value,
    window::{GroupId, TabId},
};

use crate::{
    limits::ACTIONS_MAX,
    link::{Ask, FileChange, FolderMatch, FolderQuery, ModelWork, PassphraseAnswer},
    state::{FoundRow, Naming, Overlay, Page},
};

/// Something that a view asks for.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A command of the list.
    Run(Command),
    /// A command that was chosen in the palette, which remembers it.
    Choose(Command),
    /// Show a folder.
    OpenFolder(PathBuf),
    /// Find out where a path leads that is being typed.
    LookAtPath(String),
    /// Show a file, and a place in it.
    OpenFile {
        path: String,
        is_preview: bool,
        /// The line and the character in it, from 0.
        place: Option<(usize, usize)>,
    },
    /// Ask for a file again that could not be opened.
    RetryFile(String),
    /// Open or close a folder of the tree.
    ToggleFolder(String),
    ShowTab(TabId),
    CloseTab(TabId),
    KeepTab(TabId),
    Focus(GroupId),
    ResizeSplit {
        path: Vec<usize>,
        child: usize,
        share: f32,
    },
    /// Something in the text of a group.
    Editor(GroupId, EditorAction),
    ShowOverlay(Option<Overlay>),
    ShowPage(Option<Page>),
    ShowSearch(bool),
    SearchFolder(FolderQuery),
    /// Something in the panel of the search.
    Search(SearchAction),
    OpenMatch(FolderMatch),
    SetQuery(Query),
    SetReplacement(String),
    Ask(Ask),
    CopyText(String),
    SetTheme(&'static str),
    /// Treat the text that is shown as one of a language; `None`: as its name says.
    SetLanguage(Option<&'static str>),
    SetSetting(&'static str, Value),
    /// Show the whole text of the moment, or what is different since.
    ShowWholePast(bool),
    /// Bring lines of the moment back.
    RestoreLines(Hunk),
    /// Show the text of a moment, or the present.
    ShowPast(Option<String>),
    /// What the person says to a question for a passphrase.
    Passphrase(PassphraseAnswer),
    /// Something in the tree of files.
    Tree(TreeAction),
    /// Something with a model.
    Ai(AiAction),
    /// Go where the person at a device goes; who is followed already is not any more.
    Follow(String),
    DismissNotice(u64),
    /// Try a panel again that has failed.
    RetryPanel(&'static str),
}

/// Something in the panel of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchAction {
    /// Fold the places of a file away, or unfold them.
    Fold(String),
    /// Go up or down by rows.
    Move(isize),
    /// Unfold the file, or go to its first place.
    Into,
    /// Go to the file of the place, or fold it.
    Out,
    /// Open what is selected: a place, or the first one of a file.
    Open,
    Select(FoundRow),
    /// Show what replacing would change.
    PreviewReplacing {
        query: FolderQuery,
        replacement: String,
    },
    /// Take a file out of the replacement, or into it again.
    LeaveAlone(String),
    /// Replace what is shown.
    Replace,
    /// Show what was found again.
    EndReplacing,
}

/// Something with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AiAction {
    /// Send what stands in the field.
    Send,
    Stop,
    /// Ask a turn again, for another answer.
    Retry(usize),
    /// Ask a turn again: it may be sent to a server.
    Confirm(usize),
    /// Whether text around the caret may be sent to a server.
    ConfirmGhosts(bool),
    /// Choose a hunk of a turn, or not.
    Choose {
        turn: usize,
        hunk: usize,
        is_chosen: bool,
    },
    /// Make what is chosen of a turn.
    Accept(usize),
    Discard(usize),
    /// Begin a new conversation.
    Forget,
    /// Say which model answers in this conversation: nothing for the one that is chosen.
    AnswerWith(Option<String>),
    /// Do something with a model or a server.
    Work(ModelWork),
    /// End work, or take it off the list.
    Dismiss(u64),
    /// Ask which models members share.
    LookForOffers,
    /// Show the list of conversations, or hide it.
    ListConversations(bool),
    /// Show a conversation of before.
    OpenConversation(u64),
    /// Ask whether a conversation is to be deleted, or no longer.
    AskDeleteConversation(Option<u64>),
    DeleteConversation(u64),
}

/// Something in the tree of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TreeAction {
    /// Go up or down by rows.
    Move(isize),
    /// Open the folder, or go into it.
    Into,
    /// Close the folder, or go to the one above.
    Out,
    /// Open what is selected.
    Open,
    Select(String),
    /// Begin to type a name, or give it up.
    Name(Option<Naming>),
    /// Take the name that was typed.
    Named(String),
    /// Ask whether something is to be deleted, or no longer.
    AskDelete(Option<String>),
    Change(FileChange),
}

/// Something in the text of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EditorAction {
    Click {
        at: usize,
        grain: Grain,
        extends: bool,
    },
    AddCursor(usize),
    /// From and to as lines and columns in cells.
    Rectangle {
        from: (usize, usize),
        to: (usize, usize),
    },
    DropSelection {
        at: usize,
        copies: bool,
    },
    ScrollToRow(f64),
    ScrollBy(f64),
    /// Close or open the fold of a line.
    ToggleFold(usize),
    /// Select a line by its number.
    SelectLine {
        line: usize,
        extends: bool,
    },
    /// Paste the text that was selected last, from a click with the middle button.
    PasteAt {
        at: usize,
        text: String,
    },
}

/// What was asked for in this frame, each with the place that asked.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    list: Vec<(Action, &'static Location<'static>)>,
}

impl Actions {
    /// Asks for something.
    #[track_caller]
    pub(crate) fn push(&mut self, action: Action) {
        // A view that asks for more than this in one frame is broken.
        if self.list.len() < ACTIONS_MAX {
            self.list.push((action, Location::caller()));
        }
    }

    /// Asks for a command of the window.
    #[track_caller]
    pub(crate) fn run(&mut self, command: AppCommand) {
        self.push(Action::Run(Command::App(command)));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first ones: a view that failed is not half obeyed.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<(Action, &'static Location<'static>)> {
        std::mem::take(&mut self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_asks_without_end_is_cut() {
        let mut actions = Actions::default();
        for _ in 0..=ACTIONS_MAX {
            actions.run(AppCommand::Find);
        }
        assert_eq!(actions.take().len(), ACTIONS_MAX);
        assert_eq!(actions.len(), 0);
    }
}
