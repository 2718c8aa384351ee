//! What the window holds at most, and how patient it is.

use std::time::Duration;

/// Most requests that wait for the thread that talks to the node. Beyond it a request is refused with a notice.
pub(crate) const REQUESTS_MAX: usize = 1_024;

/// Most answers and news that wait for the window. News beyond it are dropped, and every document is opened again.
pub(crate) const NEWS_MAX: usize = 8_192;

/// How many of them one frame takes; the others wait for the next.
pub(crate) const NEWS_PER_FRAME_MAX: usize = 1_024;

/// Most files that quick open and searches know of.
pub(crate) const LISTED_FILES_MAX: usize = 200_000;

/// The largest file that a search in the folder reads.
pub(crate) const SEARCHED_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The largest file that is shown although it cannot be written together.
pub(crate) const LOOKED_AT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Files above this size are not asked of the node, which would read them whole to say that they are no text.
pub(crate) const SHARED_TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How often the window looks whether another program has changed a file that it saves itself.
pub(crate) const LOCAL_LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long nobody types before such a file is saved, in seconds.
pub(crate) const LOCAL_SAVE_PAUSE: f64 = 1.0;

/// After how long it is saved although somebody types, in seconds.
pub(crate) const LOCAL_SAVE_LATEST: f64 = 10.0;

/// How much longer than saving took the window waits before it saves the file again.
pub(crate) const LOCAL_SAVE_REST: f64 = 4.0;

/// Most places that a search in the folder shows.
pub(crate) const FOLDER_MATCHES_MAX: usize = 2_000;

/// How much of a line a result of a search shows, in characters.
pub(crate) const RESULT_LINE_CHARS_MAX: usize = 240;

/// Most notices that stand in the corner; older ones go.
pub(crate) const NOTICES_MAX: usize = 4;

/// The longest file of the window's own state that is read.
pub(crate) const STATE_BYTES_MAX: u64 = 1024 * 1024;

/// Most moments of a file that the history shows.
pub(crate) const HISTORY_MAX: u64 = 500;

/// Most rows whose drawn text is kept from one frame to the next in one editor.
pub(crate) const KEPT_ROWS_MAX: usize = 2_048;

/// Most labels of other people that are drawn in one editor.
pub(crate) const LABELS_MAX: usize = 64;

/// Most documents of which cursors are kept that came before the news that the document is open.
pub(crate) const EARLY_CURSORS_MAX: usize = 64;

/// Most discs of people in a bar; the others are counted.
pub(crate) const DISCS_MAX: usize = 6;

/// Most dots of people beside a file in the tree.
pub(crate) const DOTS_MAX: usize = 3;

/// Most files that are copied into the folder at once.
pub(crate) const COPIED_FILES_MAX: usize = if cfg!(test) { 40 } else { 10_000 };

/// How deep the folders of what is copied may lie in each other.
pub(crate) const COPY_DEPTH_MAX: usize = 64;

/// The largest file that is shown as a picture.
pub(crate) const PICTURE_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the points of a picture may take while it is read.
pub(crate) const PICTURE_MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The longest side of a picture that is read, in points.
pub(crate) const PICTURE_SIDE_MAX: u32 = 20_000;

/// The longest side of a picture as it is shown; larger ones are made smaller.
pub(crate) const PICTURE_SHOWN_SIDE_MAX: u32 = 2_048;

/// The longest text that is shown as it is read.
pub(crate) const PREVIEW_BYTES_MAX: usize = 512 * 1024;

/// Most commands that wait for the end of a frame.
pub(crate) const ACTIONS_MAX: usize = 1_024;

/// How often the node is asked who has what.
pub(crate) const STATUS_EVERY: Duration = Duration::from_secs(2);

/// How long another program may hold the data folder before the window gives up.
pub(crate) const BUSY_PATIENCE: Duration = Duration::from_secs(15);

/// How long the window waits at its end for what was typed last.
pub(crate) const LAST_WORDS_PATIENCE: Duration = Duration::from_secs(5);

/// Most places that one can go back to.
pub(crate) const PLACES_MAX: usize = 100;

/// How long a notice stays.
pub(crate) const NOTICE_TIME: Duration = Duration::from_secs(8);

/// How long the caret blinks after the last key; then it stands still, and nothing is drawn any more.
pub(crate) const BLINK_TIME: Duration = Duration::from_secs(10);

/// How much of a text before the caret goes along with a question for ghost text, in bytes of whole lines.
pub(crate) const GHOST_BEFORE_BYTES_MAX: usize = 64 * 1024;

/// The same behind it.
pub(crate) const GHOST_BEHIND_BYTES_MAX: usize = 16 * 1024;

/// How long a model may compute ghost text, in milliseconds: nobody waits longer for it.
pub(crate) const GHOST_MILLIS_MAX: u32 = 5_000;

/// Most turns of a conversation that are kept; the first ones go.
pub(crate) const TURNS_MAX: usize = 100;

/// How much of an answer is shown while it comes, in bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Most offers below the field while a mention is typed.
pub(crate) const MENTIONS_MAX: usize = 6;

/// Most pieces of work on models and servers at a time.
pub(crate) const MODEL_WORK_MAX: usize = 8;
