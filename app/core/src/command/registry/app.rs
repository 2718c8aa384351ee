//! Commands of the window.

use super::CommandInfo;
use crate::command::AppCommand::{self, *};
use crate::command::Command;

const FOCUS: &str = "editorTextFocus";

const fn entry(
    command: AppCommand,
    id: &'static str,
    title: &'static str,
    keys: &'static str,
) -> CommandInfo {
    CommandInfo::new(Command::App(command), id, title, keys)
}

pub(super) const COMMANDS: &[CommandInfo] = &[
    entry(ShowCommands, "workbench.action.showCommands", "Show all commands", "mod+shift+p | f1"),
    entry(QuickOpen, "workbench.action.quickOpen", "Go to file…", "mod+p | mod+e").mac("meta+p"),
    entry(GoToLine, "workbench.action.gotoLine", "Go to line…", "ctrl+g"),
    entry(GoToSymbol, "workbench.action.gotoSymbol", "Go to symbol in file…", "mod+shift+o"),
    entry(GoToWorkspaceSymbol, "workbench.action.showAllSymbols", "Go to symbol in workspace…", "mod+t"),
    entry(NewFile, "workbench.action.files.newUntitledFile", "New file", "mod+n"),
    entry(NewFolder, "explorer.newFolder", "New folder", ""),
    entry(RenameFile, "renameFile", "Rename file", ""),
    entry(DeleteFile, "deleteFile", "Delete file", ""),
    entry(NewWindow, "workbench.action.newWindow", "New window", "mod+shift+n"),
    entry(OpenFile, "workbench.action.files.openFile", "Open file…", "mod+o"),
    entry(OpenFolder, "workbench.action.files.openFolder", "Open folder…", "mod+k mod+o"),
    entry(Save, "workbench.action.files.save", "Save", "mod+s"),
    entry(SaveAll, "workbench.action.files.saveAll", "Save all", "mod+k s").mac("alt+meta+s"),
    entry(CloseTab, "workbench.action.closeActiveEditor", "Close tab", "mod+w | ctrl+f4").mac("meta+w"),
    entry(CloseAllTabs, "workbench.action.closeAllEditors", "Close all tabs", "mod+k mod+w"),
    entry(CloseOtherTabs, "workbench.action.closeOtherEditors", "Close other tabs", "").mac("alt+meta+t"),
    entry(ReopenTab, "workbench.action.reopenClosedEditor", "Reopen closed tab", "mod+shift+t"),
    entry(NextTab, "workbench.action.nextEditor", "Next tab", "ctrl+pagedown | ctrl+tab")
        .mac("meta+shift+] | alt+meta+right | ctrl+tab"),
    entry(PreviousTab, "workbench.action.previousEditor", "Previous tab", "ctrl+pageup | ctrl+shift+tab")
        .mac("meta+shift+[ | alt+meta+left | ctrl+shift+tab"),
    entry(KeepTab, "workbench.action.keepEditor", "Keep tab", "mod+k enter"),
    entry(SplitRight, "workbench.action.splitEditor", "Split right", "mod+\\"),
    entry(SplitDown, "workbench.action.splitEditorDown", "Split down", "mod+k mod+\\"),
    entry(FocusFirstSplit, "workbench.action.focusFirstEditorGroup", "Focus first split", "mod+1"),
    entry(FocusSecondSplit, "workbench.action.focusSecondEditorGroup", "Focus second split", "mod+2"),
    entry(FocusThirdSplit, "workbench.action.focusThirdEditorGroup", "Focus third split", "mod+3"),
    entry(ToggleSideBar, "workbench.action.toggleSidebarVisibility", "Toggle side bar", "mod+b"),
    entry(TogglePanel, "workbench.action.togglePanel", "Toggle panel", "mod+j"),
    entry(ToggleTerminal, "workbench.action.terminal.toggleTerminal", "Toggle terminal", "ctrl+`"),
    entry(ShowFiles, "workbench.view.explorer", "Show files", "mod+shift+e"),
    entry(ShowSearch, "workbench.action.findInFiles", "Find in files", "mod+shift+f"),
    entry(NextSearchResult, "search.action.focusNextSearchResult", "Next search result", "f4")
        .when("hasSearchResult"),
    entry(
        PreviousSearchResult,
        "search.action.focusPreviousSearchResult",
        "Previous search result",
        "shift+f4",
    )
    .when("hasSearchResult"),
    entry(ShowGit, "workbench.view.scm", "Show git", "ctrl+shift+g"),
    entry(ShowProblems, "workbench.actions.view.problems", "Show problems", "mod+shift+m"),
    entry(Find, "actions.find", "Find", "mod+f").when("editorFocus || editorIsOpen"),
    entry(Replace, "editor.action.startFindReplaceAction", "Replace", "mod+h")
        .mac("alt+meta+f")
        .when("editorFocus || editorIsOpen"),
    entry(FindNext, "editor.action.nextMatchFindAction", "Find next", "f3")
        .mac("f3 | meta+g")
        .when("editorFocus || editorIsOpen"),
    entry(FindPrevious, "editor.action.previousMatchFindAction", "Find previous", "shift+f3")
        .mac("shift+f3 | meta+shift+g")
        .when("editorFocus || editorIsOpen"),
    entry(ReplaceOne, "editor.action.replaceOne", "Replace this", "mod+shift+1").when("findWidgetVisible"),
    entry(ReplaceAll, "editor.action.replaceAll", "Replace all", "mod+alt+enter").when("findWidgetVisible"),
    entry(SelectAllMatches, "editor.action.selectAllMatches", "Select all matches", "alt+enter")
        .when("findWidgetVisible"),
    entry(ToggleFindCase, "toggleFindCaseSensitive", "Match case", "alt+c")
        .mac("alt+meta+c")
        .when("findWidgetVisible"),
    entry(ToggleFindWord, "toggleFindWholeWord", "Match whole word", "alt+w")
        .mac("alt+meta+w")
        .when("findWidgetVisible"),
    entry(ToggleFindRegex, "toggleFindRegex", "Use regular expression", "alt+r")
        .mac("alt+meta+r")
        .when("findWidgetVisible"),
    entry(ToggleFindInSelection, "toggleFindInSelection", "Find in selection", "alt+l")
        .mac("alt+meta+l")
        .when("findWidgetVisible"),
    entry(CloseFind, "closeFindWidget", "Close find", "escape | shift+escape").when("findWidgetVisible"),
    entry(ToggleWordWrap, "editor.action.toggleWordWrap", "Toggle word wrap", "alt+z"),
    entry(ToggleWhitespace, "editor.action.toggleRenderWhitespace", "Toggle whitespace marks", ""),
    entry(ZoomIn, "workbench.action.zoomIn", "Zoom in", "mod+= | mod+shift+="),
    entry(ZoomOut, "workbench.action.zoomOut", "Zoom out", "mod+-"),
    entry(ZoomReset, "workbench.action.zoomReset", "Reset zoom", "mod+0"),
    entry(OpenSettings, "workbench.action.openSettings", "Settings", "mod+,"),
    entry(OpenSettingsFile, "workbench.action.openSettingsFile", "Open settings file", ""),
    entry(OpenKeyMap, "workbench.action.openGlobalKeybindings", "Keyboard shortcuts", "mod+k mod+s"),
    entry(SelectTheme, "workbench.action.selectTheme", "Color theme…", "mod+k mod+t"),
    entry(SelectLanguage, "workbench.action.editor.changeLanguageMode", "Change language…", "mod+k m"),
    entry(NavigateBack, "workbench.action.navigateBack", "Go back", "alt+left")
        .linux("ctrl+alt+-")
        .mac("ctrl+-"),
    entry(NavigateForward, "workbench.action.navigateForward", "Go forward", "alt+right")
        .linux("ctrl+shift+-")
        .mac("ctrl+shift+-"),
    entry(GoToDefinition, "editor.action.revealDefinition", "Go to definition", "f12").when(FOCUS),
    entry(ShowReferences, "editor.action.goToReferences", "Find references", "shift+f12").when(FOCUS),
    entry(RenameSymbol, "editor.action.rename", "Rename symbol", "f2").when(FOCUS),
    entry(QuickFix, "editor.action.quickFix", "Quick fix…", "mod+.").when(FOCUS),
    entry(Complete, "editor.action.triggerSuggest", "Complete", "ctrl+space").when(FOCUS),
    entry(Hover, "editor.action.showHover", "Show hover", "mod+k mod+i").when(FOCUS),
    entry(Format, "editor.action.formatDocument", "Format document", "shift+alt+f")
        .linux("ctrl+shift+i")
        .when(FOCUS),
    entry(NextProblem, "editor.action.marker.nextInFiles", "Next problem", "f8"),
    entry(PreviousProblem, "editor.action.marker.prevInFiles", "Previous problem", "shift+f8"),
    entry(MarkdownPreview, "markdown.showPreview", "Open preview", "mod+shift+v"),
    entry(ToggleFullScreen, "workbench.action.toggleFullScreen", "Toggle full screen", "f11")
        .mac("ctrl+meta+f"),
    entry(Quit, "workbench.action.quit", "Quit", "mod+q"),
    entry(Share, "weft.share", "Share folder…", ""),
    entry(Join, "weft.join", "Join with a ticket…", ""),
    entry(ShowMembers, "weft.members", "Show members", ""),
    entry(ShowDevices, "weft.devices", "Show my devices", ""),
    entry(ShowSyncState, "weft.syncState", "Show sync state", ""),
    entry(ShowHistory, "weft.history", "Show history of this file", ""),
    entry(ToggleBlame, "weft.blame", "Toggle blame", ""),
    entry(FollowPerson, "weft.follow", "Follow a person", ""),
    entry(PingLine, "weft.ping", "Ping this line", ""),
    entry(ToggleChat, "workbench.action.chat.toggle", "Toggle chat", "mod+alt+i").mac("ctrl+meta+i"),
    entry(EditSelection, "inlineChat.start", "Have the selection edited…", "mod+i").when("editorTextFocus"),
    entry(AskForGhost, "editor.action.inlineSuggest.trigger", "Ask for ghost text", "alt+\\").when(FOCUS),
    entry(ToggleGhosts, "weft.ghosts", "Toggle ghost text", ""),
    entry(ToggleGhostsInLanguage, "weft.ghostsInLanguage", "Toggle ghost text in this language", ""),
    entry(ToggleGhostsInFile, "weft.ghostsInFile", "Toggle ghost text in this file", ""),
    entry(UseTemplate("explain"), "weft.ai.explain", "AI: Explain selection", ""),
    entry(UseTemplate("refactor"), "weft.ai.refactor", "AI: Refactor selection", ""),
    entry(UseTemplate("document"), "weft.ai.document", "AI: Document selection", ""),
    entry(UseTemplate("test"), "weft.ai.test", "AI: Write tests for selection", ""),
    entry(UseTemplate("fix"), "weft.ai.fix", "AI: Fix selection", ""),
    entry(UseTemplate("generate"), "weft.ai.generate", "AI: Generate code for selection", ""),
    entry(ChooseTemplate, "weft.ai.templates", "AI: Use a template…", ""),
    entry(ShowModels, "weft.ai.models", "AI: Models and servers", ""),
];
