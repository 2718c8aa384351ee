//! What goes over the queues.

use std::path::PathBuf;

use super::ai::{AiAsk, AiNews};
use super::saving::{LocalSave, SavedLocally};
use weft_editor::{
    Buffer, Document, OutlineItem, ParseJob, Parsed, SyntaxTree,
    window::{Entry, LocalFile},
};
use weft_node::api::{
    ApiError, BlameLines, CatText, ClientEdit, CursorPosition, DeviceAcceptPreviewed, DeviceAccepted,
    DocumentChanged, DocumentCursors, Existing, FileVersion, HistoryVersions, Invitations, JoinPreviewed,
    Joined, MembersList, OwnDevices, Presence, Progress, RecoveryWords, ReplaceApplied, ReplacePreviewed,
    Restored, Revoked, Role, SearchKind, Shared, Words, WorkspaceStatus,
};

/// A file of the window's own, which the person may edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnFile {
    /// The settings.
    Settings,
    /// The person's own keys.
    Keys,
}

impl OwnFile {
    /// Its name in the data folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Settings => crate::SETTINGS_FILE,
            Self::Keys => crate::KEYS_FILE,
        }
    }
}

/// What the window asks for.
#[derive(Debug)]
pub enum ToLink {
    /// Show this folder from now on: answers [`FromLink::FolderFound`], then [`FromLink::Status`], now and whenever it
    /// changes.
    OpenFolder(PathBuf),
    /// Say where a path that is being typed leads: answers [`FromLink::PathSeen`].
    LookAtPath(String),
    /// Read a folder of the tree, by its path from the root: answers [`FromLink::FolderRead`].
    ReadFolder(String),
    /// List all files: answers [`FromLink::Listed`].
    ListFiles,
    /// Change which files there are: answers [`FromLink::FileChanged`].
    ChangeFile(FileChange),
    /// Make a file of the window's own, where it is missing: answers [`FromLink::OwnFileMade`].
    MakeOwnFile(OwnFile),
    /// Open another window.
    OpenWindow,
    /// Read a picture, by its path from the root: answers [`FromLink::Picture`].
    ReadPicture(String),
    /// Open a file for live editing: answers [`FromLink::Opened`], or [`FromLink::LookedAt`] when it is not written together
    /// with others.
    OpenDocument {
        /// The path from the root.
        path: String,
        /// The number that it had, which is closed first.
        replaces: Option<u64>,
        /// What it was when it was read or saved here before: while it still is, there is no answer.
        seen: Option<LocalFile>,
    },
    /// Save a file that is not written together with others: answers [`FromLink::SavedLocally`].
    SaveLocally(Box<LocalSave>),
    /// Look now and then whether these files that are not written together with others are as they were, by their paths from
    /// the root, in place of those before: answers [`FromLink::LookedAt`] when another program has changed one.
    WatchLocally(Vec<(String, LocalFile)>),
    /// Edit an open document: answers [`FromLink::Edited`].
    EditDocument {
        /// The path from the root.
        path: String,
        /// The node's number of the document.
        document: u64,
        /// The revision that the edits were made against.
        revision: u64,
        /// The edits.
        edits: Vec<ClientEdit>,
        /// The model that wrote what they insert, and that the person accepted.
        model: Option<String>,
    },
    /// Tell the others where the cursor is.
    MoveCursor {
        /// The node's number of the document.
        document: u64,
        /// The revision that the place belongs to.
        revision: u64,
        /// The place.
        cursor: CursorPosition,
        /// Further cursors.
        others: Vec<CursorPosition>,
    },
    /// End live editing of a document.
    CloseDocument(u64),
    /// Make a syntax tree: answers [`FromLink::Parsed`].
    Parse {
        /// The path from the root.
        path: String,
        /// What to read.
        job: ParseJob,
    },
    /// List what a text defines: answers [`FromLink::Outlined`].
    Outline {
        /// The file, the version of its text, and the count of its trees.
        of: (String, u64, u64),
        /// Its tree.
        tree: SyntaxTree,
        /// The text.
        buffer: Buffer,
    },
    /// Let go of a syntax tree.
    Discard(SyntaxTree),
    /// Look in all files: answers [`FromLink::Found`] any number of times, then [`FromLink::FoundAll`].
    SearchFolder {
        /// What to look for.
        query: FolderQuery,
        /// Names the search, so that answers to an older one can be told apart.
        number: u64,
    },
    /// Look where a name is defined or used: answers [`FromLink::Named`].
    FindName {
        /// What of it.
        what: NameQuestion,
        /// The file in which it stands.
        path: String,
        /// The line, from 0.
        line: usize,
        /// The character in it, from 0.
        column: usize,
    },
    /// Say what replacing would change: answers [`FromLink::ToReplace`].
    PreviewReplace {
        /// What to look for.
        query: FolderQuery,
        /// What is to stand in its place.
        replacement: String,
        /// The number of the search.
        number: u64,
    },
    /// Replace in these files as they were shown: answers [`FromLink::Replaced`].
    Replace {
        /// What to look for.
        query: FolderQuery,
        /// What is to stand in its place.
        replacement: String,
        /// The files with their versions.
        files: Vec<FileVersion>,
        /// The number of the search.
        number: u64,
    },
    /// Answer [`FromLink::PassphraseWanted`].
    Passphrase(PassphraseAnswer),
    /// Ask the node something.
    Ask(Ask),
    /// Ask a model, or of models: answers [`FromLink::Ai`] with the same number.
    Ai {
        /// Names the question.
        number: u64,
        /// What is asked.
        ask: AiAsk,
    },
    /// Nobody waits for the answer of this number any more.
    CancelAi(u64),
    /// Keep the state of the window.
    Save(Saved),
    /// End.
    End,
}

/// Questions to the node, each answered by the variant of [`FromLink`] of the same name.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Make the open folder a workspace.
    Init,
    /// Say what a ticket leads to.
    JoinPreview {
        /// The ticket.
        ticket: String,
        /// Where the files go; `None` for a folder named like the workspace in `parent`.
        folder: Option<PathBuf>,
        /// The folder in which a new one is made.
        parent: PathBuf,
    },
    /// Join.
    Join {
        /// The ticket.
        ticket: String,
        /// Where the files go.
        folder: PathBuf,
        /// What becomes of files there that differ.
        existing: Existing,
    },
    /// Make an invitation.
    Share {
        /// What the newcomer may do.
        role: Role,
        /// How long it works.
        expires_seconds: f64,
        /// How many may use it.
        uses: u32,
    },
    /// List invitations.
    Invitations,
    /// Let a newcomer in.
    Confirm(String),
    /// Send a newcomer away.
    Refuse(String),
    /// Make an invitation useless.
    CancelInvitation(String),
    /// List the people.
    Members,
    /// Give somebody another role.
    ChangeRole {
        /// The user's id.
        who: String,
        /// The role.
        role: Role,
    },
    /// Put somebody out.
    Revoke {
        /// The user's or device's id.
        who: String,
    },
    /// List this person's devices.
    Devices,
    /// Make a ticket that links another device.
    LinkDevice,
    /// Say what a ticket would link this device to.
    AcceptPreview {
        /// The ticket.
        ticket: String,
        /// The folder in which each workspace gets one of its own.
        parent: PathBuf,
    },
    /// Link this device.
    Accept {
        /// The ticket.
        ticket: String,
        /// The folder in which each workspace gets one of its own.
        parent: PathBuf,
    },
    /// Give the words that this person's key is.
    RecoveryWords,
    /// Check that the words were written down.
    CheckWords(Words),
    /// Take the key off this device.
    PaperOnly,
    /// List the moments of a file.
    History(String),
    /// Say who wrote each line of a file.
    Blame(String),
    /// Give the text of a file at a moment.
    Past {
        /// The file.
        path: String,
        /// The version.
        at: String,
    },
    /// Bring an old text back.
    Restore {
        /// The file.
        path: String,
        /// The version.
        at: String,
    },
}

/// What the person says when a passphrase is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseAnswer {
    /// This.
    Text(Words),
    /// None: the key may lie in a file that only this user can read.
    File,
}

/// A change of which files there are. Paths are from the root, with slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Make an empty file.
    NewFile(String),
    /// Make a folder.
    NewFolder(String),
    /// Give a file or folder another path.
    Rename {
        /// The path that it has.
        from: String,
        /// The path that it gets.
        to: String,
    },
    /// Delete a file, or a folder with all that is in it.
    Delete(String),
    /// Copy files and folders from elsewhere into a folder.
    CopyIn {
        /// What is copied.
        from: Vec<PathBuf>,
        /// The folder.
        into: String,
    },
}

/// A picture that was read.
#[derive(Clone)]
pub struct Picture {
    /// Its points, at most as many as can be drawn.
    pub image: std::sync::Arc<eframe::egui::ColorImage>,
    /// Its width and height in the file.
    pub size: [u32; 2],
    /// The size of the file in bytes.
    pub bytes: u64,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Picture").field("size", &self.size).field("bytes", &self.bytes).finish()
    }
}

/// What the window keeps from one start to the next. Each is a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The state of the window.
    State(String),
    /// The settings.
    Settings(String),
}

/// What a search in the folder looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderQuery {
    /// The words.
    pub text: String,
    /// As what they are looked for.
    pub kind: SearchKind,
    /// Whether small and capital letters are different.
    pub is_case_sensitive: bool,
    /// Whether it is only found as whole words.
    pub is_whole_word: bool,
}

impl Default for FolderQuery {
    fn default() -> Self {
        Self { text: String::new(), kind: SearchKind::All, is_case_sensitive: false, is_whole_word: false }
    }
}

/// What is asked about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameQuestion {
    /// Where it is defined.
    Definition,
    /// Where it is used.
    References,
}

/// All that a search in the folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundAll {
    /// The places, those of one file together.
    pub matches: Vec<FolderMatch>,
    /// How many files were looked at; nothing where that says nothing.
    pub files: Option<usize>,
    /// Whether there are more.
    pub has_more: bool,
    /// What the person should know about it.
    pub note: Option<String>,
}

/// A place that a search in the folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderMatch {
    /// The file.
    pub path: String,
    /// The line, from 0.
    pub line: usize,
    /// The first character of the place in its line.
    pub column: usize,
    /// The text of the line, cut where it is long.
    pub text: String,
    /// The place in that text, in characters.
    pub range: std::ops::Range<usize>,
    /// Why it was found, in a word or two; empty where that is plain.
    pub why: String,
    /// The page or the heading that it lies under.
    pub place: Option<String>,
}

/// What the window is told.
#[derive(Debug)]
pub enum FromLink {
    /// There is a node to ask, or a new one: documents must be opened again.
    Connected {
        /// Whether it runs in this process and ends with the window.
        is_own: bool,
    },
    /// The node's store is locked, or gets its key: a passphrase is wanted, for what is said here.
    PassphraseWanted(String),
    /// There is no node.
    NotConnected(ApiError),
    /// The settings, the keys and the state, as they lie on the disk.
    SettingsRead {
        /// The text of `settings.toml`.
        settings: String,
        /// The text of `keys.toml`.
        keys: String,
    },
    /// The folder, by its real path; or why it cannot be shown.
    FolderFound(Result<PathBuf, String>),
    /// Where a path leads.
    PathSeen {
        /// What was typed.
        path: String,
        /// Whether it is a folder.
        is_folder: bool,
        /// Folders that go on from it.
        folders: Vec<PathBuf>,
    },
    /// Who has what in the open folder.
    Status(Result<Box<WorkspaceStatus>, ApiError>),
    /// What is in a folder.
    FolderRead {
        /// Its path from the root.
        path: String,
        /// What is in it, or why it cannot be read.
        result: Result<Vec<Entry>, String>,
    },
    /// All files.
    Listed(Vec<String>),
    /// A file of the window's own is there, or cannot be made.
    OwnFileMade {
        /// Which.
        file: OwnFile,
        /// What the system says when it cannot be made.
        result: Result<(), String>,
    },
    /// Another window cannot be opened, and why.
    NoWindow(String),
    /// Files were changed, or why not.
    FileChanged {
        /// What was asked for.
        change: FileChange,
        /// Why it was not done.
        result: Result<(), String>,
    },
    /// A picture was read, or why not.
    Picture {
        /// Its path from the root.
        path: String,
        /// The picture.
        result: Result<Picture, String>,
    },
    /// A document was opened.
    Opened {
        /// The path from the root.
        path: String,
        /// Its number, text and revision.
        result: Result<(u64, String, u64), ApiError>,
    },
    /// A file was read that is not written together with others.
    LookedAt {
        /// The path from the root.
        path: String,
        /// Its text.
        document: Box<Document>,
        /// Why, and what it was.
        local: LocalFile,
    },
    /// A file was saved, or not.
    SavedLocally(Box<SavedLocally>),
    /// An edit was taken, with the revision after it, or not.
    Edited {
        /// The path from the root.
        path: String,
        /// The number of the document that was edited.
        document: u64,
        /// The revision.
        result: Result<u64, ApiError>,
    },
    /// Others changed a document.
    Changed(DocumentChanged),
    /// Cursors of others.
    Cursors(DocumentCursors),
    /// Who is here.
    Presence(Presence),
    /// A syntax tree was made.
    Parsed {
        /// The path from the root.
        path: String,
        /// The tree.
        parsed: Box<Parsed>,
    },
    /// What a text defines.
    Outlined {
        /// The file, the version of its text, and the count of its trees.
        of: (String, u64, u64),
        /// What is defined there.
        items: Vec<OutlineItem>,
    },
    /// Some of what a search has found so far.
    Found {
        /// The number of the search.
        number: u64,
        /// More places.
        matches: Vec<FolderMatch>,
    },
    /// All that a search found, in the place of what was told before; or why there is nothing.
    FoundAll {
        /// The number of the search.
        number: u64,
        /// What was found.
        result: Result<FoundAll, ApiError>,
    },
    /// The places of a name.
    Named {
        /// What was asked.
        what: NameQuestion,
        /// The name, and its places.
        result: Result<(String, FoundAll), ApiError>,
    },
    /// What replacing would change.
    ToReplace {
        /// The number of the search.
        number: u64,
        /// The files and their lines.
        result: Result<ReplacePreviewed, ApiError>,
    },
    /// What was replaced.
    Replaced {
        /// The number of the search.
        number: u64,
        /// The files.
        result: Result<ReplaceApplied, ApiError>,
    },
    /// How far long work is.
    Progress(Progress),
    /// A workspace was made: lines to read once.
    Init(Result<Vec<String>, ApiError>),
    /// What a ticket leads to.
    JoinPreview(Result<Box<JoinPreviewed>, ApiError>),
    /// The workspace was joined.
    Join(Result<Box<Joined>, ApiError>),
    /// An invitation was made.
    Share(Result<Box<Shared>, ApiError>),
    /// The invitations.
    Invitations(Result<Invitations, ApiError>),
    /// The people.
    Members(Result<MembersList, ApiError>),
    /// Somebody was put out.
    Revoke(Result<Box<Revoked>, ApiError>),
    /// This person's devices.
    Devices(Result<OwnDevices, ApiError>),
    /// A ticket that links another device.
    LinkDevice(Result<Box<Shared>, ApiError>),
    /// What a ticket would link this device to.
    AcceptPreview(Result<Box<DeviceAcceptPreviewed>, ApiError>),
    /// This device was linked.
    Accept(Result<Box<DeviceAccepted>, ApiError>),
    /// The words.
    RecoveryWords(Result<RecoveryWords, ApiError>),
    /// Whether the words are the right ones.
    CheckWords(Result<(), ApiError>),
    /// Whether the key was taken off this device.
    PaperOnly(Result<(), ApiError>),
    /// The moments of a file.
    History {
        /// The file.
        path: String,
        /// The moments.
        result: Result<HistoryVersions, ApiError>,
    },
    /// Who wrote each line.
    Blame {
        /// The file.
        path: String,
        /// The lines.
        result: Result<BlameLines, ApiError>,
    },
    /// An old text.
    Past {
        /// The file.
        path: String,
        /// The version.
        at: String,
        /// The text.
        result: Result<CatText, ApiError>,
    },
    /// An old text was brought back.
    Restore(Result<Restored, ApiError>),
    /// Something could not be kept on the disk.
    NotSaved(String),
    /// What came of a question to a model.
    Ai {
        /// The number of the question.
        number: u64,
        /// What came.
        news: AiNews,
    },
}
