//! Commands of an editor.

use crate::commands::Motion;
use crate::document::GhostPart;

/// A direction on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
}

/// A command of an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditorCommand {
    /// Moves the cursors.
    Move(Motion),
    /// Moves the heads of the selections.
    Select(Motion),
    /// Deletes the selection, or up to where a motion goes.
    Delete(Motion),
    /// Breaks the line.
    NewLine,
    /// Indents, or goes to the next tab stop.
    Tab,
    /// Moves lines one step deeper.
    IndentLines,
    /// Moves lines one step less deep.
    OutdentLines,
    /// Makes a line below.
    InsertLineBelow,
    /// Makes a line above.
    InsertLineAbove,
    /// Removes lines.
    DeleteLines,
    /// Moves lines.
    MoveLinesUp,
    /// Moves lines.
    MoveLinesDown,
    /// Doubles lines; the cursors stay in the upper ones.
    CopyLinesUp,
    /// Doubles lines; the cursors go to the lower ones.
    CopyLinesDown,
    /// Joins lines.
    JoinLines,
    /// Sorts lines.
    SortLinesAscending,
    /// Sorts lines backwards.
    SortLinesDescending,
    /// Removes lines that were there before.
    RemoveDuplicateLines,
    /// Removes white space at the ends of lines.
    TrimTrailingWhitespace,
    /// Writes indentation with spaces.
    IndentationToSpaces,
    /// Writes indentation with tabs.
    IndentationToTabs,
    /// Turns line comments on and off.
    ToggleLineComment,
    /// Turns block comments on and off.
    ToggleBlockComment,
    /// In capitals.
    ToUppercase,
    /// In small letters.
    ToLowercase,
    /// With Capitals At Words.
    ToTitlecase,
    /// `like_this`.
    ToSnakecase,
    /// `likeThis`.
    ToCamelcase,
    /// `like-this`.
    ToKebabcase,
    /// Swaps the letters around the caret.
    Transpose,
    /// Takes back.
    Undo,
    /// Does again.
    Redo,
    /// Takes the last movement of the cursors back.
    CursorUndo,
    /// Does the last movement of the cursors again.
    CursorRedo,
    /// Selects everything.
    SelectAll,
    /// Selects lines.
    ExpandLineSelection,
    /// Makes the selection one step larger.
    ExpandSelection,
    /// Makes it one step smaller again.
    ShrinkSelection,
    /// Selects the word, then the next place like it.
    AddNextOccurrence,
    /// Lets the last one go and selects the next.
    SkipToNextOccurrence,
    /// Selects every place like this.
    SelectAllOccurrences,
    /// A cursor more, above.
    AddCursorAbove,
    /// A cursor more, below.
    AddCursorBelow,
    /// A cursor at the end of each line.
    CursorsAtLineEnds,
    /// Makes a rectangle larger or smaller.
    ColumnSelect(Direction),
    /// One cursor only.
    RemoveSecondaryCursors,
    /// Nothing selected.
    CancelSelection,
    /// Selects between brackets.
    SelectToBracket,
    /// Copies.
    Copy,
    /// Cuts.
    Cut,
    /// Asks the window for the clipboard, which gives it to [`crate::Document::paste`].
    Paste,
    /// Closes the fold at the cursors.
    Fold,
    /// Opens the fold at the cursors.
    Unfold,
    /// Closes or opens.
    ToggleFold,
    /// Closes all folds.
    FoldAll,
    /// Opens all folds.
    UnfoldAll,
    /// Makes a part of the ghost text a part of the text.
    AcceptGhost(GhostPart),
    /// Hides the ghost text.
    HideGhost,
    /// The next alternative of the ghost text.
    NextGhost,
    /// The alternative before.
    PreviousGhost,
}
