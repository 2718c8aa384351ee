//! What the window shows, without drawing it.

mod assistant;
mod conversations;
mod found;
mod models;
mod saved;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use eframe::egui::TextureHandle;
use weft_editor::{
    Clip, Document, KeyMap, OutlineItem, Platform, Problem, Settings, Theme, ViewId,
    compare::Comparison,
    markdown::Placed,
    window::{FileTree, FindBar, GroupId, Layout, LocalReason, OpenFiles, Palette, QuickOpen, QuickQuery},
};
use weft_node::api::{
    ApiError, BlameLines, CatText, DeviceAcceptPreviewed, DeviceAccepted, DocumentCursors, ErrorKind,
    HistoryVersions, Invitations, JoinPreviewed, Joined, MembersList, OwnDevices, PresentDevice, Progress,
    RecoveryWords, ReplacePreviewed, Role, Shared, WorkspaceState, WorkspaceStatus,
};

pub(crate) use self::assistant::{Assistant, HunkState, Proposal, Question, Reply, Task, Turn, Waiting};
pub(crate) use self::found::FoundRow;
pub(crate) use self::models::Job;
pub(crate) use self::saved::SavedState;
pub(crate) use self::words::{
    SyncLevel, ago, count_words, initials, local_words, role_words, short_name, size_words, sync_words,
};
use crate::{
    limits::NOTICES_MAX,
    link::{FolderMatch, FolderQuery, Picture},
    remote::Remote,
};

/// Whether there is a node.
#[derive(Debug, Clone)]
pub(crate) enum NodeState {
    Starting,
    Ready { is_own: bool },
    Missing(ApiError),
}

/// What lies above everything else and takes the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overlay {
    pub(crate) kind: OverlayKind,
    pub(crate) query: String,
    pub(crate) selected: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OverlayKind {
    #[default]
    Palette,
    QuickOpen,
    Themes,
    Languages,
}

impl Overlay {
    pub(crate) fn new(kind: OverlayKind, query: &str) -> Self {
        Self { kind, query: query.to_owned(), selected: 0 }
    }
}

/// A page at the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Share,
    Members,
    Devices,
    Sync,
    History,
    Settings,
    Chat,
    Models,
}

/// A line in the corner that goes away by itself.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) id: u64,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
    pub(crate) is_error: bool,
    /// When it came, in seconds since the window was opened.
    pub(crate) since: f64,
}

/// The search in the folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct FolderSearch {
    pub(crate) number: u64,
    pub(crate) query: FolderQuery,
    /// What the places are, where they are those of a name and not of a query.
    pub(crate) title: Option<String>,
    pub(crate) matches: Vec<FolderMatch>,
    pub(crate) is_running: bool,
    pub(crate) files: Option<usize>,
    pub(crate) has_more: bool,
    pub(crate) note: Option<String>,
    pub(crate) error: Option<ApiError>,
    /// Files whose places are folded away.
    pub(crate) folded: BTreeSet<String>,
    /// The row that keys are about.
    pub(crate) selected: Option<FoundRow>,
    pub(crate) replacing: Replacing,
}

/// A replacement in many files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replacing {
    pub(crate) query: FolderQuery,
    pub(crate) replacement: String,
    pub(crate) preview: Remote<ReplacePreviewed>,
    /// Files that the person has taken out.
    pub(crate) left_alone: BTreeSet<String>,
    pub(crate) is_running: bool,
}

/// Where a path leads that is being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) is_folder: bool,
    pub(crate) folders: Vec<PathBuf>,
}

/// The folder that is shown.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) root: PathBuf,
    pub(crate) workspace: Remote<WorkspaceStatus>,
    pub(crate) tree: FileTree,
    /// All files, for quick open.
    pub(crate) names: Vec<String>,
    pub(crate) layout: Layout,
    pub(crate) files: OpenFiles,
    /// Where to go once a file is open.
    pub(crate) going: BTreeMap<String, (usize, usize)>,
    pub(crate) outline: Outline,
    /// The name that is being typed in the tree.
    pub(crate) naming: Option<Naming>,
    /// The file or folder of which it is asked whether it is to be deleted.
    pub(crate) deleting: Option<String>,
    /// Pictures that have tabs.
    pub(crate) pictures: BTreeMap<String, ShownPicture>,
    /// Files beside which it is shown how they read.
    pub(crate) previews: BTreeMap<String, Preview>,
    /// Devices of others that are connected, and the files that their people are in.
    pub(crate) present: Vec<PresentDevice>,
    /// The person who is followed.
    pub(crate) following: Option<Following>,
    /// Cursors in documents of which the number is not known yet.
    pub(crate) early_cursors: BTreeMap<u64, DocumentCursors>,
}

/// A name that is being typed in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Of a new file in a folder.
    File(String),
    /// Of a new folder in a folder.
    Folder(String),
    /// Of a file or folder that has another one.
    Rename(String),
}

/// What a text defines, for going there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    /// The file, the version of its text, and the count of its trees, of which it was asked for.
    pub(crate) asked: Option<(String, u64, u64)>,
    /// Of which it is.
    pub(crate) of: Option<(String, u64, u64)>,
    pub(crate) items: Vec<OutlineItem>,
}

/// A picture that has a tab.
#[derive(Clone)]
pub(crate) struct ShownPicture {
    pub(crate) picture: Picture,
    pub(crate) texture: Option<TextureHandle>,
}

impl std::fmt::Debug for ShownPicture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.picture.fmt(formatter)
    }
}

/// A text as it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preview {
    /// The version of the text that was read, and its first lines' places.
    pub(crate) version: Option<u64>,
    pub(crate) blocks: Vec<Placed>,
    /// Whether the text is too long.
    pub(crate) is_too_long: bool,
    /// The place at the top of the text, in bytes.
    pub(crate) top: usize,
}

/// Somebody whose cursor is followed from place to place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Following {
    /// The device at which they are.
    pub(crate) device: String,
    /// Where they were seen last.
    pub(crate) seen: Option<(String, usize)>,
}

impl Folder {
    /// The folder's own name.
    pub(crate) fn name(&self) -> String {
        match self.workspace.value() {
            Some(status) => status.name.clone(),
            None => short_name(&self.root),
        }
    }

    /// Whether the node says that nobody shares this folder.
    pub(crate) fn is_plain(&self) -> bool {
        let is_missing = |error: &ApiError| error.kind == ErrorKind::NotFound;
        self.workspace.value().is_none() && self.workspace.error().is_some_and(is_missing)
    }

    /// Whether this person may write here now.
    pub(crate) fn may_write(&self) -> bool {
        self.workspace.value().is_none_or(|status| {
            status.role >= Role::Editor
                && !matches!(status.state, WorkspaceState::Removed | WorkspaceState::ReadOnly)
        })
    }

    /// Whether this person may write in the file that has the focus now.
    pub(crate) fn may_edit(&self) -> bool {
        self.active_path().is_none_or(|path| self.may_write_in(path))
    }

    /// Whether this person may write in a file now.
    pub(crate) fn may_write_in(&self, path: &str) -> bool {
        match self.files.get(path).and_then(|file| file.local()).map(|local| local.reason) {
            // It is this person's alone.
            Some(LocalReason::NotShared) => true,
            reason => self.may_write() && !reason.is_some_and(LocalReason::is_read_only),
        }
    }

    /// Set when the file that has the focus is not written together with others.
    pub(crate) fn local(&self) -> Option<LocalReason> {
        let file = self.files.get(self.active_path()?)?;
        Some(file.local()?.reason)
    }

    /// Who is in a file.
    pub(crate) fn people_in<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a PresentDevice> {
        self.present.iter().filter(move |device| device.file.as_deref() == Some(path))
    }

    /// Who is in a file below a folder.
    pub(crate) fn people_below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a PresentDevice> {
        self.present.iter().filter(move |device| {
            let rest = device.file.as_deref().and_then(|file| file.strip_prefix(path));
            rest.is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// The path of the file that is shown where the focus is.
    pub(crate) fn active_path(&self) -> Option<&str> {
        self.layout.active().map(|tab| tab.path.as_str())
    }

    /// The document and the view that have the focus.
    pub(crate) fn active(&self) -> Option<(&Document, ViewId)> {
        let file = self.files.get(self.active_path()?)?;
        Some((file.document()?, file.view(self.layout.focused())?))
    }

    /// The document and the view that have the focus.
    pub(crate) fn active_mut(&mut self) -> Option<(&mut Document, ViewId)> {
        let group = self.layout.focused();
        self.of_group_mut(group)
    }

    /// The document and the view that a group shows.
    pub(crate) fn of_group_mut(&mut self, group: GroupId) -> Option<(&mut Document, ViewId)> {
        let path = self.layout.group(group)?.active()?.path.clone();
        self.files.get_mut(&path)?.of_group(group)
    }
}

/// What is different between a moment and now.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The moment and the version of the text that were compared.
    pub(crate) of: Option<(String, u64)>,
    /// Nothing, when a text is too long.
    pub(crate) comparison: Option<Comparison>,
}

/// Pages about people and the past.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    pub(crate) open: Option<Page>,
    pub(crate) share: Remote<Shared>,
    pub(crate) invitations: Remote<Invitations>,
    pub(crate) members: Remote<MembersList>,
    pub(crate) join_preview: Remote<JoinPreviewed>,
    pub(crate) join: Remote<Joined>,
    pub(crate) init: Remote<Vec<String>>,
    pub(crate) progress: Option<Progress>,
    pub(crate) devices: Remote<OwnDevices>,
    pub(crate) link_ticket: Remote<Shared>,
    pub(crate) accept_preview: Remote<DeviceAcceptPreviewed>,
    pub(crate) accept: Remote<DeviceAccepted>,
    /// The words, while they are shown.
    pub(crate) words: Remote<RecoveryWords>,
    /// Whether the words that were typed are the right ones.
    pub(crate) checked_words: Remote<()>,
    /// The file that the history is of.
    pub(crate) history_path: Option<String>,
    pub(crate) history: Remote<HistoryVersions>,
    /// The moment that is looked at.
    pub(crate) past_at: Option<String>,
    pub(crate) past: Remote<CatText>,
    /// Whether the moment is shown whole, and not what is different since.
    pub(crate) shows_whole_past: bool,
    pub(crate) compared: Compared,
    pub(crate) shows_blame: bool,
    pub(crate) blame: BTreeMap<String, Remote<BlameLines>>,
}

/// What the window shows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) node: NodeState,
    /// What a passphrase is wanted for, while one is.
    pub(crate) passphrase: Option<String>,
    pub(crate) folder: Option<Folder>,
    pub(crate) recent: Vec<PathBuf>,
    pub(crate) seen: Seen,
    pub(crate) settings: Settings,
    pub(crate) settings_text: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) keys: KeyMap,
    pub(crate) settings_file: PathBuf,
    pub(crate) keys_file: PathBuf,
    pub(crate) zoom: f32,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) ranking: QuickOpen,
    pub(crate) palette: Palette,
    pub(crate) find: FindBar,
    pub(crate) pages: Pages,
    /// What is known of questions to models.
    pub(crate) ai: Assistant,
    pub(crate) search: FolderSearch,
    pub(crate) shows_search: bool,
    pub(crate) shows_side_bar: bool,
    pub(crate) notices: Vec<Notice>,
    pub(crate) next_notice: u64,
    pub(crate) clip: Option<Clip>,
    /// Keys of a chord that were pressed so far, as they are shown.
    pub(crate) chord: Option<String>,
    /// Seconds since the window was opened.
    pub(crate) now: f64,
}

impl State {
    /// Whether a tab shows a file of the window's own: its settings or its keys. Such a path is a whole one, which no file
    /// of a folder has.
    pub(crate) fn is_own_file(&self, path: &str) -> bool {
        let path = Path::new(path);
        path == self.settings_file || path == self.keys_file
    }

    pub(crate) fn new(home: &Path, saved: &SavedState) -> Self {
        Self {
            node: NodeState::Starting,
            passphrase: None,
            folder: None,
            recent: saved.recent.clone(),
            seen: Seen::default(),
            settings: Settings::default(),
            settings_text: String::new(),
            problems: Vec::new(),
            keys: KeyMap::new(platform()),
            settings_file: home.join(crate::SETTINGS_FILE),
            keys_file: home.join(crate::KEYS_FILE),
            zoom: saved.zoom,
            overlay: None,
            ranking: QuickOpen::default(),
            palette: Palette::default(),
            find: FindBar::default(),
            pages: Pages::default(),
            ai: Assistant::default(),
            search: FolderSearch::default(),
            shows_search: false,
            shows_side_bar: saved.shows_side_bar,
            notices: Vec::new(),
            next_notice: 0,
            clip: None,
            chord: None,
            now: 0.0,
        }
    }

    /// Shows a line in the corner.
    pub(crate) fn notice(&mut self, text: &str, hint: Option<&str>, is_error: bool) {
        self.notices.retain(|notice| notice.text != text);
        let id = self.next_notice;
        self.next_notice += 1;
        let hint = hint.map(str::to_owned);
        self.notices.push(Notice { id, text: text.to_owned(), hint, is_error, since: self.now });
        let extra = self.notices.len().saturating_sub(NOTICES_MAX);
        self.notices.drain(..extra);
    }

    /// Shows a failure in the corner.
    pub(crate) fn failure(&mut self, error: &ApiError) {
        self.notice(&sentence(&error.message), error.hint.as_deref(), true);
    }

    /// The theme that the settings name; `auto` goes by the system.
    pub(crate) fn theme(&self, system_is_dark: bool) -> &'static Theme {
        let automatic = if system_is_dark { "dark" } else { "light" };
        let name = self.settings.text("window.theme");
        Theme::by_id(&name).or_else(|| Theme::by_id(automatic)).unwrap_or_else(Theme::dark)
    }

    /// What quick open shows now.
    pub(crate) fn quick_query(&self) -> Option<QuickQuery> {
        let overlay = self.overlay.as_ref().filter(|overlay| overlay.kind == OverlayKind::QuickOpen)?;
        Some(QuickQuery::parse(&overlay.query))
    }
}

/// A message as a sentence. One that begins with a path or a command begins as that is written.
pub(crate) fn sentence(message: &str) -> String {
    let first = message.split_whitespace().next().unwrap_or_default();
    if first.trim_end_matches(['.', ':', ',']).contains(['/', '.', '\\', '_']) {
        return message.to_owned();
    }
    let mut chars = message.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    first + chars.as_str()
}

/// Whose habits count here.
pub(crate) fn platform() -> Platform {
    if cfg!(target_os = "macos") {
        Platform::MacOs
    } else if cfg!(windows) {
        Platform::Windows
    } else {
        Platform::Linux
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_notices_stay_and_none_is_said_twice() {
        let mut state = State::new(Path::new("h"), &SavedState::default());
        for number in 0..NOTICES_MAX + 1 {
            state.notice(&number.to_string(), None, false);
            state.notice(&number.to_string(), None, true);
        }
        let texts: Vec<&str> = state.notices.iter().map(|notice| notice.text.as_str()).collect();
        assert_eq!(texts, ["1", "2", "3", "4"]);
        assert!(state.notices.iter().all(|notice| notice.is_error));
    }

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("the disk is full"), "The disk is full");
        assert_eq!(sentence(""), "");
        assert_eq!(sentence("data/run.bin is no text"), "data/run.bin is no text");
        assert_eq!(sentence("a.rs: it is there already"), "a.rs: it is there already");
        assert_eq!(sentence("wait: it is read"), "Wait: it is read");
    }
}
