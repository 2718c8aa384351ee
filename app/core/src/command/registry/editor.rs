//! Commands of an editor.

use super::CommandInfo;
use crate::command::EditorCommand::{self, *};
use crate::command::{Command, Direction};
use crate::commands::Motion;
use crate::document::GhostPart;

const FOCUS: &str = "editorTextFocus";
const WRITES: &str = "editorTextFocus && !editorReadonly";
const GHOST: &str = "editorTextFocus && inlineSuggestionVisible && !editorReadonly";

const fn entry(
    command: EditorCommand,
    id: &'static str,
    title: &'static str,
    keys: &'static str,
) -> CommandInfo {
    CommandInfo::new(Command::Editor(command), id, title, keys)
}

pub(super) const COMMANDS: &[CommandInfo] = &[
    entry(Move(Motion::Left), "cursorLeft", "Cursor left", "left").mac("left | ctrl+b").when(FOCUS),
    entry(Select(Motion::Left), "cursorLeftSelect", "Select: Cursor left", "shift+left")
        .mac("shift+left | ctrl+shift+b")
        .when(FOCUS),
    entry(Move(Motion::Right), "cursorRight", "Cursor right", "right").mac("right | ctrl+f").when(FOCUS),
    entry(Select(Motion::Right), "cursorRightSelect", "Select: Cursor right", "shift+right")
        .mac("shift+right | ctrl+shift+f")
        .when(FOCUS),
    entry(Move(Motion::Up), "cursorUp", "Cursor up", "up").mac("up | ctrl+p").when(FOCUS),
    entry(Select(Motion::Up), "cursorUpSelect", "Select: Cursor up", "shift+up")
        .mac("shift+up | ctrl+shift+p")
        .when(FOCUS),
    entry(Move(Motion::Down), "cursorDown", "Cursor down", "down").mac("down | ctrl+n").when(FOCUS),
    entry(Select(Motion::Down), "cursorDownSelect", "Select: Cursor down", "shift+down")
        .mac("shift+down | ctrl+shift+n")
        .when(FOCUS),
    entry(Move(Motion::WordLeft), "cursorWordLeft", "Cursor to the start of the word", "ctrl+left")
        .mac("alt+left")
        .when(FOCUS),
    entry(
        Select(Motion::WordLeft),
        "cursorWordLeftSelect",
        "Select: Cursor to the start of the word",
        "ctrl+shift+left",
    )
    .mac("alt+shift+left")
    .when(FOCUS),
    entry(Move(Motion::WordRight), "cursorWordEndRight", "Cursor to the end of the word", "ctrl+right")
        .mac("alt+right")
        .when(FOCUS),
    entry(
        Select(Motion::WordRight),
        "cursorWordEndRightSelect",
        "Select: Cursor to the end of the word",
        "ctrl+shift+right",
    )
    .mac("alt+shift+right")
    .when(FOCUS),
    entry(Move(Motion::WordStartRight), "cursorWordStartRight", "Cursor to the next word", "").when(FOCUS),
    entry(
        Select(Motion::WordStartRight),
        "cursorWordStartRightSelect",
        "Select: Cursor to the next word",
        "",
    )
    .when(FOCUS),
    entry(Move(Motion::LineStart), "cursorHome", "Cursor to the start of the line", "home")
        .mac("home | meta+left | ctrl+a")
        .when(FOCUS),
    entry(
        Select(Motion::LineStart),
        "cursorHomeSelect",
        "Select: Cursor to the start of the line",
        "shift+home",
    )
    .mac("shift+home | meta+shift+left | ctrl+shift+a")
    .when(FOCUS),
    entry(Move(Motion::LineEnd), "cursorEnd", "Cursor to the end of the line", "end")
        .mac("end | meta+right | ctrl+e")
        .when(FOCUS),
    entry(Select(Motion::LineEnd), "cursorEndSelect", "Select: Cursor to the end of the line", "shift+end")
        .mac("shift+end | meta+shift+right | ctrl+shift+e")
        .when(FOCUS),
    entry(Move(Motion::Top), "cursorTop", "Cursor to the start of the file", "ctrl+home")
        .mac("meta+up")
        .when(FOCUS),
    entry(
        Select(Motion::Top),
        "cursorTopSelect",
        "Select: Cursor to the start of the file",
        "ctrl+shift+home",
    )
    .mac("meta+shift+up")
    .when(FOCUS),
    entry(Move(Motion::Bottom), "cursorBottom", "Cursor to the end of the file", "ctrl+end")
        .mac("meta+down")
        .when(FOCUS),
    entry(
        Select(Motion::Bottom),
        "cursorBottomSelect",
        "Select: Cursor to the end of the file",
        "ctrl+shift+end",
    )
    .mac("meta+shift+down")
    .when(FOCUS),
    entry(Move(Motion::PageUp), "cursorPageUp", "Cursor a page up", "pageup").when(FOCUS),
    entry(Select(Motion::PageUp), "cursorPageUpSelect", "Select: Cursor a page up", "shift+pageup")
        .when(FOCUS),
    entry(Move(Motion::PageDown), "cursorPageDown", "Cursor a page down", "pagedown").when(FOCUS),
    entry(Select(Motion::PageDown), "cursorPageDownSelect", "Select: Cursor a page down", "shift+pagedown")
        .when(FOCUS),
    entry(Move(Motion::ParagraphUp), "cursorParagraphUp", "Cursor to the paragraph above", "").when(FOCUS),
    entry(
        Select(Motion::ParagraphUp),
        "cursorParagraphUpSelect",
        "Select: Cursor to the paragraph above",
        "",
    )
    .when(FOCUS),
    entry(Move(Motion::ParagraphDown), "cursorParagraphDown", "Cursor to the paragraph below", "")
        .when(FOCUS),
    entry(
        Select(Motion::ParagraphDown),
        "cursorParagraphDownSelect",
        "Select: Cursor to the paragraph below",
        "",
    )
    .when(FOCUS),
    entry(Delete(Motion::Left), "deleteLeft", "Delete left", "backspace | shift+backspace")
        .mac("backspace | shift+backspace | ctrl+h | ctrl+backspace")
        .when(WRITES),
    entry(Delete(Motion::Right), "deleteRight", "Delete right", "delete")
        .mac("delete | ctrl+d | ctrl+delete")
        .when(WRITES),
    entry(Delete(Motion::WordLeft), "deleteWordLeft", "Delete to the start of the word", "ctrl+backspace")
        .mac("alt+backspace")
        .when(WRITES),
    entry(Delete(Motion::WordRight), "deleteWordRight", "Delete to the end of the word", "ctrl+delete")
        .mac("alt+delete")
        .when(WRITES),
    entry(Delete(Motion::LineStart), "deleteAllLeft", "Delete to the start of the line", "")
        .mac("meta+backspace")
        .when(WRITES),
    entry(Delete(Motion::LineEnd), "deleteAllRight", "Delete to the end of the line", "")
        .mac("ctrl+k | meta+delete")
        .when(WRITES),
    entry(NewLine, "lineBreakInsert", "New line", "enter | shift+enter").when(WRITES),
    entry(Tab, "tab", "Indent or insert a tab", "tab").when(WRITES),
    entry(OutdentLines, "outdent", "Outdent", "shift+tab").when(WRITES),
    entry(IndentLines, "editor.action.indentLines", "Indent lines", "mod+]").when(WRITES),
    entry(OutdentLines, "editor.action.outdentLines", "Outdent lines", "mod+[").when(WRITES),
    entry(InsertLineBelow, "editor.action.insertLineAfter", "Insert line below", "mod+enter").when(WRITES),
    entry(InsertLineAbove, "editor.action.insertLineBefore", "Insert line above", "mod+shift+enter")
        .when(WRITES),
    entry(DeleteLines, "editor.action.deleteLines", "Delete lines", "mod+shift+k").when(WRITES),
    entry(MoveLinesUp, "editor.action.moveLinesUpAction", "Move lines up", "alt+up").when(WRITES),
    entry(MoveLinesDown, "editor.action.moveLinesDownAction", "Move lines down", "alt+down").when(WRITES),
    entry(CopyLinesUp, "editor.action.copyLinesUpAction", "Copy lines up", "shift+alt+up")
        .linux("ctrl+shift+alt+up")
        .when(WRITES),
    entry(CopyLinesDown, "editor.action.copyLinesDownAction", "Copy lines down", "shift+alt+down")
        .linux("ctrl+shift+alt+down")
        .when(WRITES),
    entry(JoinLines, "editor.action.joinLines", "Join lines", "").mac("ctrl+j").when(WRITES),
    entry(SortLinesAscending, "editor.action.sortLinesAscending", "Sort lines ascending", "").when(WRITES),
    entry(SortLinesDescending, "editor.action.sortLinesDescending", "Sort lines descending", "").when(WRITES),
    entry(RemoveDuplicateLines, "editor.action.removeDuplicateLines", "Delete duplicate lines", "")
        .when(WRITES),
    entry(
        TrimTrailingWhitespace,
        "editor.action.trimTrailingWhitespace",
        "Trim trailing whitespace",
        "mod+k mod+x",
    )
    .when(WRITES),
    entry(IndentationToSpaces, "editor.action.indentationToSpaces", "Convert indentation to spaces", "")
        .when(WRITES),
    entry(IndentationToTabs, "editor.action.indentationToTabs", "Convert indentation to tabs", "")
        .when(WRITES),
    entry(ToggleLineComment, "editor.action.commentLine", "Toggle line comment", "mod+/").when(WRITES),
    entry(ToggleBlockComment, "editor.action.blockComment", "Toggle block comment", "shift+alt+a")
        .linux("ctrl+shift+a")
        .when(WRITES),
    entry(ToUppercase, "editor.action.transformToUppercase", "Transform to uppercase", "").when(WRITES),
    entry(ToLowercase, "editor.action.transformToLowercase", "Transform to lowercase", "").when(WRITES),
    entry(ToTitlecase, "editor.action.transformToTitlecase", "Transform to title case", "").when(WRITES),
    entry(ToSnakecase, "editor.action.transformToSnakecase", "Transform to snake case", "").when(WRITES),
    entry(ToCamelcase, "editor.action.transformToCamelcase", "Transform to camel case", "").when(WRITES),
    entry(ToKebabcase, "editor.action.transformToKebabcase", "Transform to kebab case", "").when(WRITES),
    entry(Transpose, "editor.action.transposeLetters", "Transpose letters", "").mac("ctrl+t").when(WRITES),
    entry(Undo, "undo", "Undo", "mod+z").when(WRITES),
    entry(Redo, "redo", "Redo", "mod+y | mod+shift+z").mac("meta+shift+z").when(WRITES),
    entry(Copy, "editor.action.clipboardCopyAction", "Copy", "mod+c | ctrl+insert").mac("meta+c").when(FOCUS),
    entry(Cut, "editor.action.clipboardCutAction", "Cut", "mod+x | shift+delete").mac("meta+x").when(WRITES),
    entry(Paste, "editor.action.clipboardPasteAction", "Paste", "mod+v | shift+insert")
        .mac("meta+v")
        .when(WRITES),
    entry(CursorUndo, "cursorUndo", "Undo cursor movement", "mod+u").when(FOCUS),
    entry(CursorRedo, "cursorRedo", "Redo cursor movement", "").when(FOCUS),
    entry(SelectAll, "editor.action.selectAll", "Select all", "mod+a").when(FOCUS),
    entry(ExpandLineSelection, "expandLineSelection", "Select line", "mod+l").when(FOCUS),
    entry(ExpandSelection, "editor.action.smartSelect.expand", "Expand selection", "shift+alt+right")
        .mac("ctrl+shift+meta+right")
        .when(FOCUS),
    entry(ShrinkSelection, "editor.action.smartSelect.shrink", "Shrink selection", "shift+alt+left")
        .mac("ctrl+shift+meta+left")
        .when(FOCUS),
    entry(AddNextOccurrence, "editor.action.addSelectionToNextFindMatch", "Add next occurrence", "mod+d")
        .when(FOCUS),
    entry(
        SkipToNextOccurrence,
        "editor.action.moveSelectionToNextFindMatch",
        "Skip to next occurrence",
        "mod+k mod+d",
    )
    .when(FOCUS),
    entry(
        SelectAllOccurrences,
        "editor.action.selectHighlights",
        "Select all occurrences",
        "mod+shift+l | mod+f2",
    )
    .when(FOCUS),
    entry(AddCursorAbove, "editor.action.insertCursorAbove", "Add cursor above", "ctrl+alt+up")
        .linux("shift+alt+up | ctrl+alt+up")
        .mac("alt+meta+up")
        .when(FOCUS),
    entry(AddCursorBelow, "editor.action.insertCursorBelow", "Add cursor below", "ctrl+alt+down")
        .linux("shift+alt+down | ctrl+alt+down")
        .mac("alt+meta+down")
        .when(FOCUS),
    entry(
        CursorsAtLineEnds,
        "editor.action.insertCursorAtEndOfEachLineSelected",
        "Add cursors to line ends",
        "shift+alt+i",
    )
    .when(FOCUS),
    entry(ColumnSelect(Direction::Up), "cursorColumnSelectUp", "Column select up", "ctrl+shift+alt+up")
        .linux("")
        .mac("shift+alt+meta+up")
        .when(FOCUS),
    entry(
        ColumnSelect(Direction::Down),
        "cursorColumnSelectDown",
        "Column select down",
        "ctrl+shift+alt+down",
    )
    .linux("")
    .mac("shift+alt+meta+down")
    .when(FOCUS),
    entry(
        ColumnSelect(Direction::Left),
        "cursorColumnSelectLeft",
        "Column select left",
        "ctrl+shift+alt+left",
    )
    .mac("shift+alt+meta+left")
    .when(FOCUS),
    entry(
        ColumnSelect(Direction::Right),
        "cursorColumnSelectRight",
        "Column select right",
        "ctrl+shift+alt+right",
    )
    .mac("shift+alt+meta+right")
    .when(FOCUS),
    entry(
        RemoveSecondaryCursors,
        "removeSecondaryCursors",
        "Remove secondary cursors",
        "escape | shift+escape",
    )
    .when("editorTextFocus && editorHasMultipleSelections"),
    entry(CancelSelection, "cancelSelection", "Cancel selection", "escape | shift+escape")
        .when("editorTextFocus && editorHasSelection && !editorHasMultipleSelections"),
    entry(Move(Motion::Bracket), "editor.action.jumpToBracket", "Go to bracket", "mod+shift+\\").when(FOCUS),
    entry(SelectToBracket, "editor.action.selectToBracket", "Select to bracket", "").when(FOCUS),
    entry(Fold, "editor.fold", "Fold", "mod+shift+[").mac("alt+meta+[").when(FOCUS),
    entry(Unfold, "editor.unfold", "Unfold", "mod+shift+]").mac("alt+meta+]").when(FOCUS),
    entry(ToggleFold, "editor.toggleFold", "Toggle fold", "mod+k mod+l").when(FOCUS),
    entry(FoldAll, "editor.foldAll", "Fold all", "mod+k mod+0").when(FOCUS),
    entry(UnfoldAll, "editor.unfoldAll", "Unfold all", "mod+k mod+j").when(FOCUS),
    entry(AcceptGhost(GhostPart::All), "editor.action.inlineSuggest.commit", "Accept ghost text", "tab")
        .when(GHOST),
    entry(
        AcceptGhost(GhostPart::Word),
        "editor.action.inlineSuggest.acceptNextWord",
        "Accept a word of the ghost text",
        "ctrl+right",
    )
    .mac("meta+right")
    .when(GHOST),
    entry(
        AcceptGhost(GhostPart::Line),
        "editor.action.inlineSuggest.acceptNextLine",
        "Accept a line of the ghost text",
        "end",
    )
    .when(GHOST),
    entry(HideGhost, "editor.action.inlineSuggest.hide", "Hide ghost text", "escape | shift+escape")
        .when(GHOST),
    entry(NextGhost, "editor.action.inlineSuggest.showNext", "Next alternative of the ghost text", "alt+]")
        .when(GHOST),
    entry(
        PreviousGhost,
        "editor.action.inlineSuggest.showPrevious",
        "Previous alternative of the ghost text",
        "alt+[",
    )
    .when(GHOST),
];
