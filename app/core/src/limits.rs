//! What the editor holds and does at most. Beyond a limit it does less; it never fails.

/// The longest texts that are compared, in bytes.
pub const COMPARED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most differences of two texts that are shown.
pub const HUNKS_MAX: usize = 500;

/// Most blocks of a Markdown text that are shown as they are read.
pub const MARKDOWN_BLOCKS_MAX: usize = 5_000;

/// How deep quotes and lists of a Markdown text lie in each other at most.
pub const MARKDOWN_DEPTH_MAX: usize = 16;

/// Most cursors of one view.
pub const CURSORS_MAX: usize = 10_000;

/// Most groups of edits that one person can undo in one document. Older ones are forgotten.
pub const UNDO_GROUPS_MAX: usize = 1_000;

/// Most bytes of text that the undo history of one document keeps. Older groups are forgotten.
pub const UNDO_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The longest line whose columns are measured, in characters. Longer ones count one cell per character.
pub const MEASURED_LINE_CHARS_MAX: usize = 10_000;

/// How far the other one of a pair of brackets is looked for, in characters.
pub const BRACKET_SCAN_CHARS_MAX: usize = 200_000;

/// How many characters a row of a longer line has where lines are not wrapped. Longer rows would be slow to draw.
pub const LONG_LINE_ROW_CHARS: usize = 2_000;

/// Most folds that one view has closed.
pub const FOLDS_MAX: usize = 10_000;

/// Most lines that are measured at once while somebody waits. The others are measured when there is time.
pub const MEASURED_AT_ONCE_LINES: usize = 2_000;

/// The longest pattern that is looked for.
pub const PATTERN_BYTES_MAX: usize = 4 * 1024;

/// What a compiled regular expression may take, so that none fills the memory.
pub const REGEX_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much of a text is copied and searched at a time.
pub const SEARCHED_BYTES_STEP: usize = 64 * 1024;

/// Most places of one search that are kept.
pub const MATCHES_MAX: usize = 20_000;

/// Most places that one command replaces.
pub const REPLACED_MAX: usize = 1_000_000;

/// Most strokes of one chord.
pub const CHORD_STROKES_MAX: usize = 4;

/// How deep parentheses and negations of a clause may lie in each other.
pub const WHEN_DEPTH_MAX: usize = 32;

/// Most bindings that a person's file may have.
pub const USER_BINDINGS_MAX: usize = 2_000;

/// The longest file of settings, keys or colours that is read.
pub const SETTINGS_BYTES_MAX: usize = 1024 * 1024;

/// Most problems that are told of one file.
pub const SETTINGS_PROBLEMS_MAX: usize = 100;

/// The largest text that a syntax tree is made of, in bytes. A tree takes some thirty times as much.
pub const SYNTAX_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most edits that may happen while a tree is made. After more it is made anew.
pub const SYNTAX_EDITS_MAX: usize = 10_000;

/// Characters of what is seen that are compared with the last frame's; of more all colours are asked for after each change.
pub const SEEN_CHARS_MAX: usize = 20_000;

/// Characters of changed lines whose colours alone are asked for.
pub const SEEN_CHANGED_CHARS_MAX: usize = 4_000;

/// Most unfinished matches of a query while a part of a text is coloured.
pub const HIGHLIGHT_MATCHES_MAX: u32 = 256;

/// Most trees of texts within the text that are made to colour one part of it.
pub const INNER_TREES_MAX: usize = 500;

/// How much of a line is coloured without a tree, in characters.
pub const LEXED_LINE_CHARS_MAX: usize = 20_000;

/// Most items of an outline.
pub const OUTLINE_ITEMS_MAX: usize = 20_000;

/// How much of a name is shown in an outline, in characters.
pub const OUTLINE_NAME_CHARS_MAX: usize = 120;

/// Most results of quick open.
pub const QUICK_RESULTS_MAX: usize = 200;

/// How many names quick open looks at in one step.
pub const QUICK_STEP_NAMES: usize = 5_000;

/// How many commands the palette remembers.
pub const RECENT_COMMANDS_MAX: usize = 50;

/// Most entries of a folder that are shown.
pub const FOLDER_ENTRIES_MAX: usize = 100_000;

/// Most rows of the file tree.
pub const TREE_ROWS_MAX: usize = 500_000;

/// Most tabs of a window.
pub const TABS_MAX: usize = 1_000;

/// Most groups of tabs of a window.
pub const GROUPS_MAX: usize = 32;

/// How deep splits may lie in each other in a saved layout.
pub const PANE_DEPTH_MAX: usize = 64;

/// How many closed tabs are remembered.
pub const CLOSED_TABS_MAX: usize = 100;

/// Most further cursors of one person that others see.
pub const PERSON_CURSORS_MAX: usize = 31;

/// Most cursors of others in one document.
pub const PEOPLE_MAX: usize = 1_000;

/// How much of one answer is shown as ghost text, in characters.
pub const GHOST_CHARS_MAX: usize = 4_096;

/// Most alternatives of ghost text at one place.
pub const GHOST_ANSWERS_MAX: usize = 5;
