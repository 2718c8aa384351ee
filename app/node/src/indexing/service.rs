//! The thread that reads what an index lacks, and the questions to the index.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use weft_documents::{DocumentKind, Guard};
use weft_index::limits::FILE_BYTES_MAX;
use weft_index::symbols::SymbolReader;
use weft_index_disk::{Index, IndexError, IndexKey, Listed};

use super::Feed;
use super::meaning::{MeaningState, Reading};
use crate::mirror::{ManyTexts, TextReader, is_secret};
use crate::node::ai::Ai;
use crate::workspace::contents::Contents;
use crate::workspace::listed_files::{ListedFile, Source};
use crate::workspace::thread::WorkspaceHandle;

/// How long nobody types before what was typed is read into the index.
const TYPING_PAUSE: Duration = Duration::from_secs(2);
/// Texts are read at this pace while somebody types.
const YIELD_WITHIN: Duration = Duration::from_millis(150);
const YIELD: Duration = Duration::from_millis(10);
/// How long changes are gathered before they are read.
const GATHER: Duration = Duration::from_millis(20);
/// How long the thread waits where nothing is to be done, and looks then whether something is left over.
const IDLE: Duration = Duration::from_secs(5);
/// How long the syntax of one file is looked at.
const SYMBOLS_TIME_MAX: Duration = Duration::from_secs(2);
/// How long documents are read before what texts define.
const DOCUMENTS_FIRST: Duration = Duration::from_secs(3);
/// Files between two looks at what is new.
const STEP_FILES: usize = 256;

/// What an index of a workspace is made from.
pub(crate) struct IndexParts {
    /// The file of the database.
    pub(crate) path: PathBuf,
    pub(crate) key: IndexKey,
    /// The shared folder.
    pub(crate) root: PathBuf,
    pub(crate) workspace: WorkspaceHandle,
    pub(crate) runtime: tokio::runtime::Handle,
    /// What reads documents that are no text files.
    pub(crate) guard: Option<Guard>,
    /// What reads for the meaning of texts.
    pub(crate) ai: Arc<Ai>,
}

/// The index of a workspace that is kept up to date.
pub(crate) struct WorkspaceIndex {
    pub(super) parts: IndexParts,
    pub(super) feed: Arc<Feed>,
    /// Files that are to be read.
    unread: Mutex<BTreeMap<Arc<str>, ListedFile>>,
    /// Files whose bytes were not here yet.
    pub(super) later: Mutex<Vec<ListedFile>>,
    /// Documents that are to be read, which takes a process and a while each.
    pub(super) documents: Mutex<BTreeMap<Arc<str>, ListedFile>>,
    /// How many documents are to be read.
    pub(super) documents_left: watch::Sender<usize>,
    pub(super) begun: Instant,
    /// One at a time asks what there is, so that no older answer comes after a newer one.
    turn: tokio::sync::Mutex<()>,
    /// Whether everything that was listed is read.
    is_current: watch::Sender<bool>,
    pub(super) is_stopped: AtomicBool,
    /// Whether somebody has asked for meaning.
    pub(super) wants_meaning: AtomicBool,
    pub(super) reading: watch::Sender<Reading>,
    meaning: Mutex<MeaningState>,
    built_millis: AtomicU64,
    reader: Mutex<Option<Arc<TextReader>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(parts: &IndexParts) -> std::io::Result<Arc<Index>> {
    Index::open(&parts.path, &parts.key).map(Arc::new).map_err(std::io::Error::other)
}

impl WorkspaceIndex {
    /// Opens the index and begins to follow the workspace.
    pub(super) fn start(parts: IndexParts) -> std::io::Result<Arc<Self>> {
        let (wake, woken) = sync_channel(1);
        let feed = Arc::new(Feed::new(open(&parts)?, wake));
        let own = Arc::new(Self {
            feed: Arc::clone(&feed),
            unread: Mutex::default(),
            later: Mutex::default(),
            documents: Mutex::default(),
            documents_left: watch::Sender::new(0),
            begun: Instant::now(),
            turn: tokio::sync::Mutex::default(),
            is_current: watch::Sender::new(false),
            is_stopped: AtomicBool::new(false),
            wants_meaning: AtomicBool::new(false),
            reading: watch::Sender::new(Reading::NotBegun),
            meaning: Mutex::default(),
            built_millis: AtomicU64::new(0),
            reader: Mutex::new(None),
            thread: Mutex::new(None),
            parts,
        });
        own.parts.workspace.send(crate::workspace::thread::Message::Run(Box::new(move |engine| {
            engine.feed_index(Arc::clone(&feed));
            feed.everything();
        })));
        let of_thread = Arc::clone(&own);
        let thread = std::thread::Builder::new().name("weft-index".into()).spawn(move || {
            lower_priority();
            of_thread.run(&woken);
        })?;
        *lock(&own.thread) = Some(thread);
        Ok(own)
    }

    /// The index.
    pub(crate) fn index(&self) -> Arc<Index> {
        self.feed.index()
    }

    /// How long reading took, as far as it has come.
    pub(crate) fn built_seconds(&self) -> f64 {
        Duration::from_millis(self.built_millis.load(Ordering::Relaxed)).as_secs_f64()
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.feed.everything();
        if let Some(thread) = lock(&self.thread).take() {
            // A panic has been reported by the thread itself.
            let _ = thread.join();
        }
    }

    /// Lists what has changed, so that every search from now on knows of it. `false` when the workspace has ended.
    pub(crate) async fn catch_up(&self) -> bool {
        let _turn = self.turn.lock().await;
        let news = self.feed.take_news();
        if news.is_empty() {
            return true;
        }
        let index = self.feed.index();
        if news.is_all {
            let Some(files) = self.parts.workspace.ask(|engine| engine.listed_files()).await else {
                return false;
            };
            let unread = index.list(files.iter().map(|file| file.listed.clone()));
            let mut files: BTreeMap<_, _> =
                files.into_iter().map(|file| (Arc::clone(&file.listed.path), file)).collect();
            let wanted = unread.into_iter().filter_map(|listed| files.remove_entry(&listed.path));
            let wanted: BTreeMap<_, _> = wanted.collect();
            // A program that ended early may have left texts without their symbols and chunks.
            self.is_current.send_replace(wanted.is_empty() && index.without_details(1).is_empty());
            lock(&self.documents).clear();
            lock(&self.later).clear();
            *lock(&self.unread) = wanted;
            self.count_documents();
            return true;
        }
        let paths: Vec<Arc<str>> = news.paths.iter().map(|path| Arc::from(path.as_str())).collect();
        let asked = paths.clone();
        let found = self
            .parts
            .workspace
            .ask(move |engine| asked.iter().map(|path| engine.listed_file(path)).collect::<Vec<_>>());
        let Some(found) = found.await else { return false };
        let gone: Vec<Arc<str>> = paths
            .iter()
            .zip(&found)
            .filter(|(_, file)| file.is_none())
            .map(|(path, _)| Arc::clone(path))
            .collect();
        let found: Vec<ListedFile> = found.into_iter().flatten().collect();
        let unread = index.change(found.iter().map(|file| file.listed.clone()), &gone);
        let mut waiting = lock(&self.unread);
        let mut documents = lock(&self.documents);
        for path in &gone {
            waiting.remove(path);
            documents.remove(path);
        }
        drop(documents);
        for file in found {
            if unread.iter().any(|listed| listed.path == file.listed.path) {
                waiting.insert(Arc::clone(&file.listed.path), file);
            }
        }
        if !waiting.is_empty() {
            self.is_current.send_replace(false);
        }
        drop(waiting);
        self.count_documents();
        true
    }

    /// The text of a file as it is now, typed or in the folder.
    pub(crate) fn text_now(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(text) = self.index().typed_text(path) {
            return Some(text.to_vec());
        }
        if DocumentKind::of_path(path).is_some() {
            return self.index().document_text(path);
        }
        let mut bytes = Vec::new();
        self.read(path, &mut bytes).then_some(bytes)
    }

    /// Returns when everything that is there now is in the index.
    pub(crate) async fn built(&self) {
        let mut is_current = self.is_current.subscribe();
        // An error means that the thread has ended.
        let _ = is_current.wait_for(|is_current| *is_current).await;
    }

    /// Builds the index anew.
    pub(crate) fn rebuild(&self) -> Result<(), IndexError> {
        let old = self.feed.index();
        Index::remove(old.path())?;
        self.is_current.send_replace(false);
        self.built_millis.store(0, Ordering::Relaxed);
        let index = Index::open(&self.parts.path, &self.parts.key)?;
        index.take_visits(&old);
        self.feed.exchange(Arc::new(index));
        Ok(())
    }

    /// Reads a file of the folder as it is now.
    pub(crate) fn read(&self, path: &str, into: &mut Vec<u8>) -> bool {
        if DocumentKind::of_path(path).is_some() {
            let text = self.index().document_text(path);
            into.extend(text.iter().flatten());
            return text.is_some();
        }
        self.folder().is_some_and(|reader| reader.read(path, FILE_BYTES_MAX, into))
    }

    /// The folder, opened.
    fn folder(&self) -> Option<Arc<TextReader>> {
        let mut reader = lock(&self.reader);
        if reader.is_none() {
            *reader = TextReader::open(&self.parts.root).ok().map(Arc::new);
        }
        reader.clone()
    }

    /// What reads the files of the folder for one search.
    pub(crate) fn for_one_search(&self) -> impl Fn(&str, &mut Vec<u8>) -> bool + Sync {
        let (index, folder) = (self.index(), self.folder().map(ManyTexts::new));
        move |path, into| {
            if DocumentKind::of_path(path).is_some() {
                let text = index.document_text(path);
                into.extend(text.iter().flatten());
                return text.is_some();
            }
            folder.as_ref().is_some_and(|folder| folder.read(path, FILE_BYTES_MAX, into))
        }
    }

    /// The folder may be another one than it was: it is opened anew by the next who reads.
    pub(crate) fn forget_folder(&self) {
        *lock(&self.reader) = None;
    }

    fn run(&self, woken: &Receiver<()>) {
        while !self.is_stopped.load(Ordering::Relaxed) {
            let wait = if self.feed.has_typed() { TYPING_PAUSE } else { IDLE };
            match woken.recv_timeout(wait) {
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(()) => std::thread::sleep(GATHER),
                Err(RecvTimeoutError::Timeout) => {
                    let later = std::mem::take(&mut *lock(&self.later));
                    let files = later.into_iter().map(|file| (Arc::clone(&file.listed.path), file));
                    lock(&self.unread).extend(files);
                }
            }
            if !self.parts.runtime.block_on(self.catch_up()) {
                break;
            }
            self.keep_visits();
            if let Err(error) = self.work() {
                tracing::warn!("the index is not up to date: {error}; searches read what it lacks");
            }
            if self.feed.index().is_damaged()
                && let Err(error) = self.rebuild()
            {
                tracing::warn!("the index is damaged and cannot be built anew: {error}");
            }
        }
        self.keep_visits();
    }

    /// A person opens or edits a file; within `pause` of the last time it counts no more.
    pub(crate) fn visited(&self, path: &str, pause: Duration) {
        let now = crate::node::wall_now().0 as f64 / 1_000.0;
        if self.index().visit(path, now, pause.as_secs_f64()) {
            self.feed.look_again();
        }
    }

    fn keep_visits(&self) {
        if let Err(error) = self.index().flush_visits() {
            tracing::warn!("which files were opened is not kept: {error}");
        }
    }

    /// Reads what is to be read.
    fn work(&self) -> Result<(), IndexError> {
        let index = self.feed.index();
        let begin = Instant::now();
        let contents = self.parts.runtime.block_on(self.parts.workspace.ask(|engine| engine.contents()));
        let Some(contents) = contents.flatten() else { return Ok(()) };
        let mut has_read = false;
        loop {
            let step: Vec<ListedFile> = {
                let mut unread = lock(&self.unread);
                std::iter::from_fn(|| unread.pop_first()).take(STEP_FILES).map(|(_, file)| file).collect()
            };
            if step.is_empty() {
                break;
            }
            for file in step {
                if self.is_stopped.load(Ordering::Relaxed) {
                    return index.flush();
                }
                self.read_into(&index, &contents, file)?;
                has_read = true;
                if self.feed.typed_within(YIELD_WITHIN) {
                    std::thread::sleep(YIELD);
                }
            }
            self.parts.runtime.block_on(self.catch_up());
        }
        self.read_typed(&index)?;
        if has_read {
            index.flush()?;
            // A step at a time: each makes one page of several.
            while index.tidy()? {
                if self.is_stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
            let millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.built_millis.fetch_add(millis, Ordering::Relaxed);
        }
        // Few documents come before what texts define, many after it.
        self.read_documents(&index, &contents, DOCUMENTS_FIRST)?;
        self.read_details(&index, &contents)?;
        if self.read_documents(&index, &contents, Duration::MAX)? {
            self.read_details(&index, &contents)?;
        }
        self.is_current.send_replace(lock(&self.unread).is_empty() && lock(&self.documents).is_empty());
        self.read_meaning(&index, &contents)
    }

    pub(super) fn meaning(&self) -> MutexGuard<'_, MeaningState> {
        lock(&self.meaning)
    }

    /// Documents that are to be read, for those who wait for them.
    pub(super) fn count_documents(&self) {
        let is_document = |path: &&Arc<str>| DocumentKind::of_path(path).is_some();
        let unread = lock(&self.unread).keys().filter(is_document).count();
        self.documents_left.send_replace(unread + lock(&self.documents).len());
    }

    /// Whether something else is to be done first.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed) || !lock(&self.unread).is_empty()
    }

    /// Reads the symbols and the chunks of texts that are in the index, until something else is to be done.
    fn read_details(&self, index: &Index, contents: &Contents) -> Result<(), IndexError> {
        let mut reader = SymbolReader::default();
        while !self.is_interrupted() {
            let wanted = index.without_details(STEP_FILES);
            if wanted.is_empty() {
                break;
            }
            for file in wanted {
                if self.is_interrupted() {
                    break;
                }
                self.read_details_of(index, &mut reader, contents, &file)?;
                if self.feed.typed_within(YIELD_WITHIN) {
                    std::thread::sleep(YIELD);
                }
            }
            self.parts.runtime.block_on(self.catch_up());
        }
        index.flush_symbols()?;
        index.flush_chunks()
    }

    fn read_details_of(
        &self,
        index: &Index,
        reader: &mut SymbolReader,
        contents: &Contents,
        file: &Listed,
    ) -> Result<(), IndexError> {
        let bytes = self.bytes_of(contents, file).unwrap_or_default();
        let text = match weft_index::decoded(&bytes) {
            weft_index::FileKind::Text(text) => text,
            _ => Cow::Borrowed(&[][..]),
        };
        let begin = Instant::now();
        let mut stops = || begin.elapsed() > SYMBOLS_TIME_MAX || self.is_stopped.load(Ordering::Relaxed);
        let symbols = reader.read(&file.path, &text, &mut stops).unwrap_or_default();
        // No model sees what may hold secrets, so it is not cut for one.
        let shown = if is_secret(&file.path) { &[][..] } else { &*text };
        index.put_chunks(&file.path, file.version, shown, &symbols)?;
        if SymbolReader::knows(&file.path) {
            index.put_symbols(&file.path, file.version, symbols)?;
        }
        Ok(())
    }

    /// The bytes of a file that is in the index.
    pub(super) fn bytes_of(&self, contents: &Contents, file: &Listed) -> Option<Arc<[u8]>> {
        if DocumentKind::of_path(&file.path).is_some() {
            return self.index().document_text(&file.path).map(Into::into);
        }
        let path = Arc::clone(&file.path);
        let source = self.parts.workspace.ask(move |engine| match engine.listed_file(&path)?.source {
            Source::Blob(blob) => Some(Err(blob)),
            Source::Document(document) => engine.text_to_index(&path, document).map(|(_, bytes)| Ok(bytes)),
        });
        match self.parts.runtime.block_on(source).flatten()? {
            Ok(bytes) => Some(bytes),
            // Nobody looks into it.
            Err(blob) if blob.size > FILE_BYTES_MAX => None,
            Err(blob) => contents.load(&blob).ok().map(Into::into),
        }
    }

    fn read_into(&self, index: &Index, contents: &Contents, file: ListedFile) -> Result<(), IndexError> {
        if DocumentKind::of_path(&file.listed.path).is_some() {
            lock(&self.documents).insert(Arc::clone(&file.listed.path), file);
            return Ok(());
        }
        match file.source {
            Source::Blob(blob) => {
                if blob.size > FILE_BYTES_MAX {
                    // Nobody looks into it.
                    return index.put(&file.listed.path, file.listed.version, &[]);
                }
                if !contents.is_here(&blob).unwrap_or(false) {
                    lock(&self.later).push(ListedFile { source: Source::Blob(blob), ..file });
                    return Ok(());
                }
                match contents.load(&blob) {
                    Ok(bytes) => index.put(&file.listed.path, file.listed.version, &bytes),
                    Err(error) => {
                        tracing::debug!("a file is not read into the index: {error}");
                        Ok(())
                    }
                }
            }
            Source::Document(document) => {
                let Some((listed, bytes)) = self.text_to_index(index, &file.listed.path, document) else {
                    return Ok(());
                };
                index.put(&listed.path, listed.version, &bytes)
            }
        }
    }

    /// The text of a file of a document now, which may have changed since it was listed.
    pub(super) fn text_to_index(
        &self,
        index: &Index,
        path: &Arc<str>,
        document: weft_crdt::DocumentId,
    ) -> Option<(Listed, Arc<[u8]>)> {
        let path = Arc::clone(path);
        let text = self.parts.workspace.ask(move |engine| engine.text_to_index(&path, document));
        let (listed, bytes) = self.parts.runtime.block_on(text).flatten()?;
        index.change([listed.clone()], &[]);
        Some((listed, bytes))
    }

    /// Reads what was typed, where nobody types any more; what is then in the folder as well is not held any longer.
    fn read_typed(&self, index: &Arc<Index>) -> Result<(), IndexError> {
        let paths = self.feed.take_typed(TYPING_PAUSE);
        if paths.is_empty() {
            return Ok(());
        }
        for path in &paths {
            let path = path.clone();
            let text = self.parts.workspace.ask(move |engine| match engine.listed_file(&path)?.source {
                Source::Document(document) => engine.text_to_index(&path, document),
                Source::Blob(_) => None,
            });
            let Some((listed, bytes)) = self.parts.runtime.block_on(text).flatten() else { continue };
            index.change([listed.clone()], &[]);
            index.put(&listed.path, listed.version, &bytes)?;
        }
        index.flush()?;
        let (feed, of_engine) = (Arc::clone(&self.feed), Arc::clone(index));
        // On the workspace's thread, so that nothing is typed between the look and the end.
        let settled = self.parts.workspace.ask(move |engine| {
            let is_written = engine.is_written();
            let (done, again): (Vec<_>, Vec<_>) =
                paths.into_iter().partition(|path| is_written && !feed.is_typed(path));
            done.iter().for_each(|path| of_engine.forget_typed(path));
            feed.typed_again(again);
        });
        // `None` means that the workspace has ended.
        let _ = self.parts.runtime.block_on(settled);
        Ok(())
    }
}

/// Lets everything else of this device go first.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        // Of this thread alone, as Linux has it; where it is refused, the index is only less polite.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
    }
}
