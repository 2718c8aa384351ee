//! The thread that talks to the node and the disk. It only routes.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};
use weft_node::api::{
    ApiError, Blame, Cat, ChangeRole, DeviceAccept, DeviceAcceptPreview, DeviceLink, DeviceList, ErrorKind,
    Existing, History, Init, InvitationsCancel, InvitationsConfirm, InvitationsList, InvitationsRefuse, Join,
    JoinPreview, KeyChoice, Members, NodeOptions, PassphrasePrompt, PresenceWatch, Recovery, RecoveryCheck,
    RecoveryPaperOnly, Restore, Revoke, Share, Status,
};

use super::{
    AiAsk, Ask, FileChange, FolderQuery, FromLink, NameQuestion, NewsSender, PassphraseAnswer, Saved, ToLink,
    ai, changes,
    connect::{Connection, Served},
    documents, files, found, own, pictures, saved,
};
use crate::limits::{HISTORY_MAX, LAST_WORDS_PATIENCE, REQUESTS_MAX, STATUS_EVERY};

const RETRY_PAUSE: Duration = Duration::from_secs(4);
/// How long somebody who invites may take to answer.
const JOIN_PATIENCE_SECONDS: f64 = 600.0;
const PREVIEW_PATIENCE_SECONDS: f64 = 60.0;
/// How long a ticket for another device of this person works.
const LINK_TICKET_SECONDS: f64 = 3_600.0;
/// How often it is looked whether the node knows a new file,
const NEW_FILE_LOOKS: usize = 60;
/// and how long after the last time.
const NEW_FILE_PAUSE: Duration = Duration::from_millis(50);

/// Runs the thread until it is told to end.
pub(super) fn run(
    options: NodeOptions,
    state_file: PathBuf,
    asked: mpsc::Receiver<ToLink>,
    news: &NewsSender,
) {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = ApiError::failed(format!("threads cannot be started: {error}"));
            news.offer(FromLink::NotConnected(error));
            return;
        }
    };
    let mut options = options;
    let passphrases = ask_in_window(&mut options, news);
    let (locals, local_queue) = mpsc::channel(REQUESTS_MAX);
    let worker = Worker {
        passphrases,
        home: state_file.parent().map(Path::to_owned).unwrap_or_default(),
        state_file,
        options,
        news: news.clone(),
        root: None,
        node: None,
        locals,
        saving: runtime.spawn(documents::run_locally(local_queue, news.clone())),
        backlog: VecDeque::new(),
        parses: BTreeMap::new(),
        search: Arc::new(AtomicU64::new(0)),
        settings: None,
        relay: None,
        asking: BTreeMap::new(),
    };
    runtime.block_on(worker.serve(asked));
    // A thread that still waits for a disk must not keep the window from ending.
    runtime.shutdown_background();
}

struct Worker {
    /// Where somebody waits for a passphrase.
    passphrases: Option<SyncSender<Option<String>>>,
    home: PathBuf,
    state_file: PathBuf,
    options: NodeOptions,
    news: NewsSender,
    /// The folder that is shown.
    root: Option<PathBuf>,
    node: Option<Node>,
    /// Files that the window reads and writes itself.
    locals: mpsc::Sender<documents::QueuedLocally>,
    saving: JoinHandle<()>,
    /// What was asked before there was a node.
    backlog: VecDeque<ToLink>,
    /// The newest syntax tree that is wanted of each file; older ones are given up.
    parses: BTreeMap<String, Arc<AtomicU64>>,
    /// The newest search.
    search: Arc<AtomicU64>,
    /// The settings and keys as they were told last.
    settings: Option<(String, String)>,
    /// The relay that the settings named when the node was opened.
    relay: Option<String>,
    /// Questions to models that are being answered.
    asking: BTreeMap<u64, AbortHandle>,
}

struct Node {
    connection: Connection,
    served: Served,
    documents: mpsc::Sender<documents::Queued>,
    working: JoinHandle<()>,
    /// Asks who has what, over and over.
    watching: Option<JoinHandle<()>>,
}

/// Lets the window ask for a passphrase, where one may be wanted. The answers go where this leads.
fn ask_in_window(options: &mut NodeOptions, news: &NewsSender) -> Option<SyncSender<Option<String>>> {
    if options.key != KeyChoice::Automatic {
        return None;
    }
    let (answers, waiting) = std::sync::mpsc::sync_channel::<Option<String>>(1);
    let (news, waiting) = (news.clone(), Mutex::new(waiting));
    options.passphrase = Some(PassphrasePrompt(Arc::new(move |what| {
        let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        news.offer(FromLink::PassphraseWanted(what.trim_end_matches([':', ' ']).to_owned()));
        // The window may be closed without an answer.
        let answer = waiting.recv().ok().flatten();
        answer.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::Interrupted))
    })));
    Some(answers)
}

type Opening = JoinHandle<Result<(Connection, Served), ApiError>>;

impl Worker {
    async fn serve(mut self, mut asked: mpsc::Receiver<ToLink>) {
        let mut opening = Some(self.begin_opening(Duration::ZERO));
        let mut looks = tokio::time::interval(STATUS_EVERY);
        loop {
            tokio::select! {
                request = asked.recv() => match request {
                    None | Some(ToLink::End) => break,
                    Some(request) => self.take(request).await,
                },
                opened = opened(&mut opening) => opening = self.opened(opened).await,
                _ = looks.tick() => {
                    self.look_at_settings().await;
                    if opening.is_none() && self.wants_other_relay() {
                        // Only a new node listens elsewhere; documents are opened again when it is there.
                        self.close().await;
                        opening = Some(self.begin_opening(Duration::ZERO));
                    }
                    if opening.is_none() && !self.is_alive().await {
                        self.node = None;
                        opening = Some(self.begin_opening(Duration::ZERO));
                    }
                }
                () = stop_requested(self.node.as_ref()) => {
                    self.close().await;
                    let error = ApiError::failed("the node was told to end by another program")
                        .hint("it starts again by itself in a moment");
                    self.news.send(FromLink::NotConnected(error)).await;
                    opening = Some(self.begin_opening(RETRY_PAUSE));
                }
            }
        }
        if let Some(opening) = opening {
            opening.abort();
        }
        // The closed queue ends it when all is saved.
        self.locals = mpsc::channel(1).0;
        if tokio::time::timeout(LAST_WORDS_PATIENCE, &mut self.saving).await.is_err() {
            tracing::warn!("the last files were not saved in time");
        }
        self.close().await;
    }

    fn begin_opening(&mut self, pause: Duration) -> Opening {
        let (mut options, news) = (self.options.clone(), self.news.clone());
        self.relay = relay_of(&saved::read(&self.home.join(crate::SETTINGS_FILE)));
        if let (Some(network), Some(relay)) = (&mut options.network, &self.relay) {
            network.relay = Some(relay.clone());
        }
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            Connection::open(&options, &news).await
        })
    }

    async fn opened(&mut self, opened: Result<(Connection, Served), ApiError>) -> Option<Opening> {
        match opened {
            Ok((connection, served)) => {
                self.begin(connection, served).await;
                None
            }
            Err(error) => {
                self.news.send(FromLink::NotConnected(error)).await;
                Some(self.begin_opening(RETRY_PAUSE))
            }
        }
    }

    async fn begin(&mut self, connection: Connection, served: Served) {
        let (documents, queue) = mpsc::channel(REQUESTS_MAX);
        let working = tokio::spawn(documents::run(connection.clone(), queue, self.news.clone()));
        let is_own = connection.is_own();
        self.node = Some(Node { connection, served, documents, working, watching: None });
        self.news.send(FromLink::Connected { is_own }).await;
        self.watch();
        for request in std::mem::take(&mut self.backlog) {
            self.take(request).await;
        }
    }

    /// Tells the state of the open folder whenever it changes.
    fn watch(&mut self) {
        let (Some(node), Some(folder)) = (&mut self.node, self.root.clone()) else { return };
        if let Some(watching) = node.watching.take() {
            watching.abort();
        }
        let (connection, news) = (node.connection.clone(), self.news.clone());
        node.watching = Some(tokio::spawn(async move {
            // Compared as they are written: the reports have no equality of their own.
            let (mut last_status, mut last_invitations) = (String::new(), String::new());
            let mut is_watching = false;
            loop {
                let status = connection.ask(Status { folder: folder.clone() }).await;
                let is_shared = status.is_ok();
                if is_shared && !is_watching {
                    // From then on who is here comes as news.
                    is_watching = connection.ask(PresenceWatch { folder: folder.clone() }).await.is_ok();
                }
                let shown = format!("{status:?}");
                if last_status != shown {
                    last_status = shown;
                    news.send(FromLink::Status(status.map(Box::new))).await;
                }
                // Whoever comes with a ticket waits for the person, whatever the window shows just then.
                if is_shared {
                    let invitations = connection.ask(InvitationsList { folder: None }).await;
                    let shown = format!("{invitations:?}");
                    if last_invitations != shown {
                        last_invitations = shown;
                        news.send(FromLink::Invitations(invitations)).await;
                    }
                }
                tokio::time::sleep(STATUS_EVERY).await;
            }
        }));
    }

    /// Whether the settings name another relay than the one that the node of this process uses.
    fn wants_other_relay(&self) -> bool {
        let is_own = self.node.as_ref().is_some_and(|node| node.connection.is_own());
        let wanted = self.settings.as_ref().map(|(settings, _)| relay_of(settings));
        is_own && wanted.is_some_and(|wanted| wanted != self.relay)
    }

    async fn is_alive(&self) -> bool {
        match &self.node {
            Some(node) if node.connection.is_own() => true,
            Some(node) => node.connection.is_alive().await,
            None => false,
        }
    }

    async fn close(&mut self) {
        let Some(node) = self.node.take() else { return };
        if let Some(watching) = node.watching {
            watching.abort();
        }
        drop(node.documents);
        // What was typed last is taken before the node ends.
        if tokio::time::timeout(LAST_WORDS_PATIENCE, node.working).await.is_err() {
            tracing::warn!("the node did not take the last edits in time");
        }
        node.connection.close(node.served).await;
    }

    async fn take(&mut self, request: ToLink) {
        match request {
            ToLink::OpenFolder(folder) => self.open_folder(&folder).await,
            ToLink::Passphrase(answer) => self.answer_passphrase(answer),
            ToLink::LookAtPath(path) => {
                let news = self.news.clone();
                tokio::task::spawn_blocking(move || {
                    let (is_folder, folders) = files::look_at(&path);
                    news.offer(FromLink::PathSeen { path, is_folder, folders });
                });
            }
            ToLink::ReadFolder(path) => self.read_folder(path),
            ToLink::ListFiles => self.list_files(),
            ToLink::MakeOwnFile(file) => own::answer(file, self.home.join(file.name()), self.news.clone()),
            ToLink::OpenWindow => own::open_window(&self.news),
            ToLink::ChangeFile(change) => self.change_file(change),
            ToLink::ReadPicture(path) => self.read_picture(path),
            ToLink::Parse { path, job } => self.parse(path, job),
            ToLink::Outline { of, tree, buffer } => {
                let news = self.news.clone();
                tokio::task::spawn_blocking(move || {
                    let items = tree.outline(buffer.rope());
                    news.offer(FromLink::Outlined { of, items });
                });
            }
            ToLink::Discard(tree) => drop(tokio::task::spawn_blocking(move || drop(tree))),
            ToLink::SearchFolder { query, number } => self.search_folder(query, number),
            ToLink::FindName { what, path, line, column } => self.find_name(what, path, (line, column)),
            ToLink::PreviewReplace { query, replacement, number } => {
                self.with_node(
                    move |node, root| async move { found::preview(&node, &root, &query, replacement).await },
                    move |result| FromLink::ToReplace { number, result },
                );
            }
            ToLink::Replace { query, replacement, files, number } => {
                self.with_node(
                    move |node, root| async move {
                        found::replace(&node, &root, &query, replacement, files).await
                    },
                    move |result| FromLink::Replaced { number, result },
                );
            }
            // Documents are asked for again when there is a node; everything else waits for it. So do files of the
            // window's own: a store is not made in a folder that has files already.
            request if documents::is_local(&request, self.root.as_deref()) => {
                let connection = self.node.as_ref().map(|node| node.connection.clone());
                // It ends together with this.
                let _ended = self.locals.send((request, self.root.clone(), connection)).await;
            }
            request if self.node.is_none() => {
                let waits = matches!(request, ToLink::Ask(_) | ToLink::Save(_) | ToLink::Ai { .. });
                if waits && self.backlog.len() < REQUESTS_MAX {
                    self.backlog.push_back(request);
                }
            }
            ToLink::Save(saved) => self.save(saved),
            ToLink::Ask(ask) => self.ask(ask),
            ToLink::Ai { number, ask } => self.ask_model(number, ask),
            ToLink::CancelAi(number) => {
                if let Some(asking) = self.asking.remove(&number) {
                    // A question that nobody waits for is cancelled at the node.
                    asking.abort();
                }
            }
            request => {
                if let Some(node) = &self.node {
                    // Without an answer the window opens the document again when there is a node again.
                    let _ended = node.documents.send((request, self.root.clone())).await;
                }
            }
        }
    }

    fn answer_passphrase(&mut self, answer: PassphraseAnswer) {
        let text = match answer {
            PassphraseAnswer::Text(words) => Some(words.0),
            PassphraseAnswer::File => {
                // The node is opened again in a moment, and then asks for none.
                self.options.key = KeyChoice::File;
                None
            }
        };
        if let Some(answers) = &self.passphrases {
            // Without room somebody has answered already.
            let _answered = answers.try_send(text);
        }
    }

    async fn open_folder(&mut self, folder: &Path) {
        match tokio::fs::canonicalize(folder).await {
            Ok(root) if root.is_dir() => {
                self.root = Some(root.clone());
                self.news.send(FromLink::FolderFound(Ok(root))).await;
                self.watch();
            }
            Ok(_) => {
                let why = format!("{} is no folder", folder.display());
                self.news.send(FromLink::FolderFound(Err(why))).await;
            }
            Err(error) => {
                let why = format!("{} cannot be opened: {error}", folder.display());
                self.news.send(FromLink::FolderFound(Err(why))).await;
            }
        }
    }

    fn read_folder(&self, path: String) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        tokio::task::spawn_blocking(move || {
            let result = files::read_folder(&root, &path);
            news.offer(FromLink::FolderRead { path, result });
        });
    }

    fn change_file(&self, change: FileChange) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        let connection = self.node.as_ref().map(|node| node.connection.clone());
        tokio::spawn(async move {
            let (place, what) = (root.clone(), change.clone());
            let done = tokio::task::spawn_blocking(move || changes::carry_out(&place, &what)).await;
            let result = done.unwrap_or_else(|error| Err(error.to_string()));
            if let (Ok(()), FileChange::NewFile(path), Some(connection)) = (&result, &change, connection) {
                wait_for_file(&connection, &root.join(path)).await;
            }
            news.send(FromLink::FileChanged { change, result }).await;
        });
    }

    fn read_picture(&self, path: String) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        tokio::task::spawn_blocking(move || {
            let result = pictures::read(&root.join(&path));
            news.offer(FromLink::Picture { path, result });
        });
    }

    fn list_files(&self) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        tokio::task::spawn_blocking(move || news.offer(FromLink::Listed(files::list(&root))));
    }

    fn search_folder(&self, query: FolderQuery, number: u64) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        self.search.store(number, Ordering::Relaxed);
        let newest = Arc::clone(&self.search);
        let node = self.node.as_ref().map(|node| node.connection.clone());
        tokio::spawn(async move {
            let result = match node {
                Some(node) => found::search(&node, &root, &query, number).await,
                None => Err(no_node()),
            };
            let is_lacking =
                result.as_ref().is_err_and(|error| is_no_node(error) || found::has_no_index(error));
            let Some(query) = found::without_index(&query).filter(|_| is_lacking) else {
                news.offer(FromLink::FoundAll { number, result });
                return;
            };
            // Without a node, and in a folder that is no workspace, every file is read.
            let read = move || {
                files::search(&root, &query, number, &|| newest.load(Ordering::Relaxed) == number, &news);
            };
            // A panic has been reported by the thread itself.
            let _ = tokio::task::spawn_blocking(read).await;
        });
    }

    fn find_name(&self, what: NameQuestion, path: String, place: (usize, usize)) {
        self.with_node(
            move |node, root| async move { found::named(&node, &root.join(path), place, what).await },
            move |result| FromLink::Named { what, result },
        );
    }

    /// Asks the node about the folder, beside everything else.
    fn with_node<T: Send + 'static, F: Future<Output = Result<T, ApiError>> + Send + 'static>(
        &self,
        ask: impl FnOnce(Connection, PathBuf) -> F + Send + 'static,
        told: impl FnOnce(Result<T, ApiError>) -> FromLink + Send + 'static,
    ) {
        let (Some(root), news) = (self.root.clone(), self.news.clone()) else { return };
        let node = self.node.as_ref().map(|node| node.connection.clone());
        tokio::spawn(async move {
            let result = match node {
                Some(node) => ask(node, root).await,
                None => Err(no_node()),
            };
            news.offer(told(result));
        });
    }

    fn parse(&mut self, path: String, job: weft_editor::ParseJob) {
        let newest = Arc::clone(self.parses.entry(path.clone()).or_default());
        let own = newest.fetch_add(1, Ordering::Relaxed) + 1;
        let news = self.news.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(parsed) = job.run(&mut || newest.load(Ordering::Relaxed) != own) {
                news.offer(FromLink::Parsed { path, parsed: Box::new(parsed) });
            }
        });
    }

    fn save(&self, text: Saved) {
        let (path, text) = match text {
            Saved::State(text) => (self.state_file.clone(), text),
            Saved::Settings(text) => (self.home.join(crate::SETTINGS_FILE), text),
        };
        if let Err(error) = saved::write(&path, &text) {
            self.news.offer(FromLink::NotSaved(format!("{}: {error}", path.display())));
        }
    }

    /// Tells settings and keys when their files have changed.
    async fn look_at_settings(&mut self) {
        let (settings, keys) = (self.home.join(crate::SETTINGS_FILE), self.home.join(crate::KEYS_FILE));
        let read = tokio::task::spawn_blocking(move || (saved::read(&settings), saved::read(&keys))).await;
        let Ok(read) = read else { return };
        if self.settings.as_ref() != Some(&read) {
            self.settings = Some(read.clone());
            self.news.send(FromLink::SettingsRead { settings: read.0, keys: read.1 }).await;
        }
    }

    fn ask_model(&mut self, number: u64, ask: AiAsk) {
        let Some(node) = &self.node else { return };
        let (connection, news) = (node.connection.clone(), self.news.clone());
        let root = self.root.clone().unwrap_or_default();
        let asking = tokio::spawn(async move {
            let answer = ai::answer(&connection, &root, number, ask).await;
            news.send(FromLink::Ai { number, news: answer }).await;
        });
        self.asking.retain(|_, asking| !asking.is_finished());
        self.asking.insert(number, asking.abort_handle());
    }

    fn ask(&mut self, ask: Ask) {
        let Some(node) = &self.node else { return };
        let (connection, news) = (node.connection.clone(), self.news.clone());
        let root = self.root.clone().unwrap_or_default();
        let is_init = matches!(ask, Ask::Init);
        tokio::spawn(async move {
            let answer = answer(&connection, &root, ask).await;
            news.send(answer).await;
        });
        if is_init {
            self.watch();
        }
    }
}

/// The relay that settings name.
fn relay_of(settings: &str) -> Option<String> {
    let (settings, _) = weft_editor::Settings::read(settings);
    Some(settings.text("network.relay")).filter(|relay| !relay.is_empty())
}

/// Waits until the node knows a file that was just made, so that it can be opened.
async fn wait_for_file(connection: &Connection, file: &Path) {
    for _ in 0..NEW_FILE_LOOKS {
        match connection.ask(Cat { file: file.to_owned(), at: None }).await {
            Err(error) if error.kind == ErrorKind::NotFound => tokio::time::sleep(NEW_FILE_PAUSE).await,
            _ => return,
        }
    }
}

async fn opened(opening: &mut Option<Opening>) -> Result<(Connection, Served), ApiError> {
    match opening {
        Some(opening) => {
            opening.await.unwrap_or_else(|_| Err(ApiError::failed("the node could not be started")))
        }
        None => std::future::pending().await,
    }
}

async fn stop_requested(node: Option<&Node>) {
    match node {
        Some(node) => node.served.stop_requested().await,
        None => std::future::pending().await,
    }
}

async fn answer(node: &Connection, root: &Path, ask: Ask) -> FromLink {
    let folder = root.to_owned();
    match ask {
        Ask::Init => {
            let made = node.ask(Init { folder, name: None }).await;
            FromLink::Init(made.map(|made| made.notes))
        }
        Ask::JoinPreview { ticket, folder, parent } => {
            let request = JoinPreview { ticket, folder, parent, timeout_seconds: PREVIEW_PATIENCE_SECONDS };
            FromLink::JoinPreview(node.ask(request).await.map(Box::new))
        }
        Ask::Join { ticket, folder, existing } => {
            let parent = folder.clone();
            let timeout_seconds = JOIN_PATIENCE_SECONDS;
            let request = Join { ticket, folder: Some(folder), parent, existing, timeout_seconds };
            FromLink::Join(node.ask(request).await.map(Box::new))
        }
        Ask::Share { role, expires_seconds, uses } => {
            let request = Share { folder, role, expires_seconds, uses, confirm: false };
            FromLink::Share(node.ask(request).await.map(Box::new))
        }
        Ask::Invitations => FromLink::Invitations(node.ask(InvitationsList { folder: None }).await),
        Ask::Confirm(id) => FromLink::Invitations(node.ask(InvitationsConfirm { id }).await),
        Ask::Refuse(id) => FromLink::Invitations(node.ask(InvitationsRefuse { id }).await),
        Ask::CancelInvitation(id) => FromLink::Invitations(node.ask(InvitationsCancel { id }).await),
        Ask::Members => FromLink::Members(node.ask(Members { folder }).await),
        Ask::ChangeRole { who, role } => FromLink::Members(node.ask(ChangeRole { folder, who, role }).await),
        Ask::Revoke { who } => {
            let request = Revoke { folder, who, preview: false };
            FromLink::Revoke(node.ask(request).await.map(Box::new))
        }
        Ask::Devices => FromLink::Devices(node.ask(DeviceList {}).await),
        Ask::LinkDevice => {
            let request = DeviceLink { expires_seconds: LINK_TICKET_SECONDS, confirm: false };
            FromLink::LinkDevice(node.ask(request).await.map(Box::new))
        }
        Ask::AcceptPreview { ticket, parent } => {
            let request = DeviceAcceptPreview { ticket, parent, timeout_seconds: PREVIEW_PATIENCE_SECONDS };
            FromLink::AcceptPreview(node.ask(request).await.map(Box::new))
        }
        Ask::Accept { ticket, parent } => {
            let existing = Existing::KeepBoth;
            let request = DeviceAccept { ticket, parent, existing, timeout_seconds: JOIN_PATIENCE_SECONDS };
            FromLink::Accept(node.ask(request).await.map(Box::new))
        }
        Ask::RecoveryWords => FromLink::RecoveryWords(node.ask(Recovery {}).await),
        Ask::CheckWords(words) => FromLink::CheckWords(node.ask(RecoveryCheck { words }).await.map(|_| ())),
        Ask::PaperOnly => FromLink::PaperOnly(node.ask(RecoveryPaperOnly {}).await.map(|_| ())),
        Ask::History(path) => {
            let request = History { file: root.join(&path), limit: HISTORY_MAX };
            FromLink::History { result: node.ask(request).await, path }
        }
        Ask::Blame(path) => {
            FromLink::Blame { result: node.ask(Blame { file: root.join(&path) }).await, path }
        }
        Ask::Past { path, at } => {
            let request = Cat { file: root.join(&path), at: Some(at.clone()) };
            FromLink::Past { result: node.ask(request).await, path, at }
        }
        Ask::Restore { path, at } => {
            FromLink::Restore(node.ask(Restore { file: root.join(&path), at }).await)
        }
    }
}

fn no_node() -> ApiError {
    ApiError::unreachable("there is no node to ask").hint("wait a moment: the window looks for one")
}

fn is_no_node(error: &ApiError) -> bool {
    error.kind == ErrorKind::Unreachable
}
