//! Commands of the window.

/// A command of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppCommand {
    /// Shows all commands.
    ShowCommands,
    /// Goes to a file.
    QuickOpen,
    /// Goes to a line.
    GoToLine,
    /// Goes to a symbol of this file.
    GoToSymbol,
    /// Goes to a symbol of the workspace.
    GoToWorkspaceSymbol,
    /// Makes a new file.
    NewFile,
    /// Makes a new folder.
    NewFolder,
    /// Gives the file another name.
    RenameFile,
    /// Deletes the file.
    DeleteFile,
    /// Makes a new window.
    NewWindow,
    /// Opens a file.
    OpenFile,
    /// Opens a folder.
    OpenFolder,
    /// Writes the file.
    Save,
    /// Writes all files.
    SaveAll,
    /// Closes the tab.
    CloseTab,
    /// Closes all tabs.
    CloseAllTabs,
    /// Closes the other tabs.
    CloseOtherTabs,
    /// Opens the tab that was closed last.
    ReopenTab,
    /// The next tab.
    NextTab,
    /// The tab before.
    PreviousTab,
    /// Keeps a tab that would be replaced by the next file.
    KeepTab,
    /// Puts a second editor to the right.
    SplitRight,
    /// Puts a second editor below.
    SplitDown,
    /// Goes to the first split.
    FocusFirstSplit,
    /// Goes to the second split.
    FocusSecondSplit,
    /// Goes to the third split.
    FocusThirdSplit,
    /// Shows or hides the side bar.
    ToggleSideBar,
    /// Shows or hides the panel at the bottom.
    TogglePanel,
    /// Shows or hides the terminal.
    ToggleTerminal,
    /// Shows the file tree.
    ShowFiles,
    /// Searches the folder.
    ShowSearch,
    /// Shows the next place that was found in the folder.
    NextSearchResult,
    /// Shows the place before.
    PreviousSearchResult,
    /// Shows git.
    ShowGit,
    /// Shows problems.
    ShowProblems,
    /// Finds in the file.
    Find,
    /// Finds and replaces in the file.
    Replace,
    /// The next place found.
    FindNext,
    /// The place found before.
    FindPrevious,
    /// Replaces this place and goes on.
    ReplaceOne,
    /// Replaces all places.
    ReplaceAll,
    /// Selects all places.
    SelectAllMatches,
    /// Turns upper and lower case of the search on and off.
    ToggleFindCase,
    /// Turns whole words of the search on and off.
    ToggleFindWord,
    /// Turns regular expressions of the search on and off.
    ToggleFindRegex,
    /// Searches only in what is selected, or everywhere.
    ToggleFindInSelection,
    /// Ends the search.
    CloseFind,
    /// Wraps long lines, or no longer.
    ToggleWordWrap,
    /// Shows white space, or no longer.
    ToggleWhitespace,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// As it was.
    ZoomReset,
    /// Shows the settings.
    OpenSettings,
    /// Shows the file of the settings.
    OpenSettingsFile,
    /// Shows the keys.
    OpenKeyMap,
    /// Chooses the theme.
    SelectTheme,
    /// Chooses the language of the file.
    SelectLanguage,
    /// Goes back to where the cursor was.
    NavigateBack,
    /// Goes forward again.
    NavigateForward,
    /// Goes to the definition.
    GoToDefinition,
    /// Shows where something is used.
    ShowReferences,
    /// Renames a symbol.
    RenameSymbol,
    /// Offers repairs.
    QuickFix,
    /// Offers completions.
    Complete,
    /// Explains what is at the cursor.
    Hover,
    /// Formats the file.
    Format,
    /// Goes to the next problem.
    NextProblem,
    /// Goes to the problem before.
    PreviousProblem,
    /// Shows Markdown as it is read.
    MarkdownPreview,
    /// Fills the screen.
    ToggleFullScreen,
    /// Ends the program.
    Quit,
    /// Shares the folder.
    Share,
    /// Joins a workspace.
    Join,
    /// Shows who is in the workspace.
    ShowMembers,
    /// Shows this person's devices.
    ShowDevices,
    /// Shows who has what.
    ShowSyncState,
    /// Shows the past of the file.
    ShowHistory,
    /// Shows who wrote each line.
    ToggleBlame,
    /// Follows somebody's cursor.
    FollowPerson,
    /// Points others at this line.
    PingLine,
    /// Shows or hides the chat.
    ToggleChat,
    /// Says what is to be done with what is selected.
    EditSelection,
    /// Asks for ghost text now.
    AskForGhost,
    /// Turns ghost text on or off.
    ToggleGhosts,
    /// Turns ghost text on or off in the language of the file.
    ToggleGhostsInLanguage,
    /// Turns ghost text on or off in the file.
    ToggleGhostsInFile,
    /// Has a model do what the template of this name says with what is selected.
    UseTemplate(&'static str),
    /// Offers all templates, those of the person too.
    ChooseTemplate,
    /// Shows the models of this device, servers, and who is asked for what.
    ShowModels,
}
