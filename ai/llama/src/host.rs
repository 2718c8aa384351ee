//! The node's end of the pipe: one worker process.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    io::{BufRead, BufReader, BufWriter, Read},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use weft_ai::{
    limits::REQUESTS_MAX,
    pipe::{Device, FromWorker, JobId, Load, ToWorker, read_message, write_message},
    provider::{Cancel, EmbedSink, Provider, Sink},
    request::{Embed, Event, Failure, FailureKind, Generate, ModelInfo},
};

/// Lines of the worker's log that are kept for when it fails.
const LOG_LINES_MAX: usize = 64;
/// Bytes of one such line.
const LOG_LINE_BYTES_MAX: u64 = 2048;
/// How long drivers may take to say what there is.
const LOOK_TIME_MAX: Duration = Duration::from_secs(20);
/// How long a model may take to load.
const LOAD_TIME_MAX: Duration = Duration::from_secs(180);

/// How to start a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program: this one, usually.
    pub path: PathBuf,
    /// What makes it a worker.
    pub arguments: Vec<OsString>,
}

type CountSink = Box<dyn FnOnce(Result<u32, Failure>) + Send>;

enum Pending {
    Text(Sink),
    Vectors(EmbedSink),
    Count(CountSink),
}

impl Pending {
    fn fail(self, failure: Failure) {
        match self {
            Self::Text(mut sink) => sink(Event::Failed(failure)),
            Self::Vectors(sink) => sink(Err(failure)),
            Self::Count(sink) => sink(Err(failure)),
        }
    }
}

#[derive(Default)]
struct State {
    pending: BTreeMap<JobId, Pending>,
    /// Why the worker is gone.
    end: Option<Failure>,
}

struct Shared {
    state: Mutex<State>,
    outgoing: mpsc::SyncSender<ToWorker>,
    child: Mutex<Child>,
    log: Arc<Mutex<VecDeque<String>>>,
    last_id: AtomicU64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: ToWorker) -> Result<(), Failure> {
        self.outgoing.try_send(message).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => {
                Failure::new(FailureKind::Busy, "the model is asked too much at a time")
            }
            mpsc::TrySendError::Disconnected(_) => crashed(None),
        })
    }

    /// Ends the process, and everything that waits for it.
    fn end(&self, failure: Failure) {
        let pending = {
            let mut state = self.state();
            state.end.get_or_insert_with(|| failure.clone());
            std::mem::take(&mut state.pending)
        };
        for (_, pending) in pending {
            pending.fail(failure.clone());
        }
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself.
        let _ended = child.kill();
        let _reaped = child.wait();
    }
}

/// A worker process with its model loaded. Dropping it ends the process.
pub struct Worker {
    shared: Arc<Shared>,
    info: ModelInfo,
}

impl Worker {
    /// Starts a process and waits until its model is loaded.
    ///
    /// # Errors
    /// When the process cannot be started, or the model cannot be loaded.
    pub fn start(program: &Program, load: Load) -> Result<Self, Failure> {
        let mut child = command(program).spawn().map_err(|error| {
            Failure::new(FailureKind::Other, format!("the process for the model cannot be started: {error}"))
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Failure::new(FailureKind::Other, "the process for the model has no pipes"));
        };
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (outgoing, messages) = mpsc::sync_channel(REQUESTS_MAX * 2);
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            outgoing,
            child: Mutex::new(child),
            log: Arc::clone(&log),
            last_id: AtomicU64::new(0),
        });
        let (loaded, result) = mpsc::sync_channel(1);
        spawn("weft-model-log", move || keep_log(stderr, &log))?;
        spawn("weft-model-out", move || write_all(stdin, &messages))?;
        let reading = Arc::clone(&shared);
        spawn("weft-model-in", move || read_all(stdout, &reading, loaded))?;
        shared.send(ToWorker::Load(load))?;
        let result = result
            .recv_timeout(LOAD_TIME_MAX)
            .unwrap_or_else(|_| Err(Failure::new(FailureKind::BadModel, "the model was not loaded in time")));
        match result {
            Ok(info) => Ok(Self { shared, info }),
            Err(failure) => {
                shared.end(failure.clone());
                Err(failure)
            }
        }
    }

    /// What the model is.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Whether the process runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.shared.state().end.is_none()
    }

    /// Whether nobody waits for it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.state().pending.is_empty()
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shared.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Asks how many tokens a text has.
    #[must_use]
    pub fn count(&self, text: String, sink: CountSink) -> Ticket {
        self.ask(Pending::Count(sink), |id| ToWorker::Count(id, text))
    }

    fn ask(&self, pending: Pending, message: impl FnOnce(JobId) -> ToWorker) -> Ticket {
        let id = JobId(self.shared.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let ticket = Ticket { id, shared: Arc::clone(&self.shared) };
        let mut state = self.shared.state();
        let refusal = match &state.end {
            Some(end) => Some(end.clone()),
            None if state.pending.len() >= REQUESTS_MAX => Some(
                Failure::new(FailureKind::Busy, "the model is asked too much at a time")
                    .hint("try again in a moment"),
            ),
            None => None,
        };
        if let Some(failure) = refusal {
            drop(state);
            pending.fail(failure);
            return ticket;
        }
        state.pending.insert(id, pending);
        drop(state);
        if let Err(failure) = self.shared.send(message(id)) {
            let pending = self.shared.state().pending.remove(&id);
            if let Some(pending) = pending {
                pending.fail(failure);
            }
        }
        ticket
    }
}

impl Provider for Worker {
    fn generate(&self, request: Generate, sink: Sink) -> Box<dyn Cancel> {
        Box::new(self.ask(Pending::Text(sink), |id| ToWorker::Generate(id, request)))
    }

    fn embed(&self, request: Embed, sink: EmbedSink) -> Box<dyn Cancel> {
        Box::new(self.ask(Pending::Vectors(sink), |id| ToWorker::Embed(id, request)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.end(Failure::new(FailureKind::Crashed, "the model was unloaded").hint("ask again"));
    }
}

/// Asks a process of its own what there is to compute on besides the processor: a driver that crashes takes only that along.
///
/// # Errors
/// When the process cannot be started, ends, or says nothing in time.
pub fn devices(program: &Program) -> Result<Vec<Device>, Failure> {
    let failed = |what: &str| Failure::new(FailureKind::Other, what.to_owned());
    let mut command = command(program);
    command.stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|_| failed("the process that looks for cards cannot be started"))?;
    let (answer, answers) = mpsc::sync_channel(1);
    if let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
        let reading = spawn("weft-model-look", move || {
            let asked = write_message(&mut stdin, &ToWorker::Look);
            let read = asked.ok().and_then(|()| read_message::<FromWorker>(&mut BufReader::new(stdout)).ok());
            let _late = answer.try_send(read.flatten());
        });
        reading?;
    }
    let said = answers.recv_timeout(LOOK_TIME_MAX);
    // It may have ended by itself.
    let _ended = child.kill();
    let _reaped = child.wait();
    match said {
        Ok(Some(FromWorker::Devices(devices))) => Ok(devices),
        Ok(Some(FromWorker::LoadFailed(failure))) => Err(failure),
        Ok(_) => Err(failed("the process that looks for cards ended: a driver may be broken")),
        Err(_) => {
            Err(failed("the process that looks for cards said nothing in time: a driver may be broken"))
        }
    }
}

/// A request under way. Dropping it changes nothing.
pub struct Ticket {
    id: JobId,
    shared: Arc<Shared>,
}

impl Cancel for Ticket {
    fn cancel(&self) {
        // A worker that is gone has cancelled everything already, and one that is done does not know this any more.
        let _gone = self.shared.send(ToWorker::Cancel(self.id));
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned
        .map(drop)
        .map_err(|error| Failure::new(FailureKind::Other, format!("threads cannot be started: {error}")))
}

fn command(program: &Program) -> Command {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Waiting threads must not burn a core that the person's own programs want.
    command.env("OMP_WAIT_POLICY", "passive").env("GOMP_SPINCOUNT", "0");
    command.env("GGML_NO_BACKTRACE", "1");
    // It loads code from there.
    command.env_remove("GGML_BACKEND_PATH");
    // Libraries are also looked for in the current folder, which may be somebody else's.
    command.current_dir(if cfg!(windows) { "C:\\" } else { "/" });
    command
}

fn write_all(stdin: ChildStdin, messages: &mpsc::Receiver<ToWorker>) {
    let mut writer = BufWriter::new(stdin);
    while let Ok(message) = messages.recv() {
        // The reader notices that the process is gone, and tells.
        if write_message(&mut writer, &message).is_err() {
            return;
        }
    }
}

fn read_all(stdout: ChildStdout, shared: &Shared, loaded: mpsc::SyncSender<Result<ModelInfo, Failure>>) {
    let mut reader = BufReader::new(stdout);
    let mut loaded = Some(loaded);
    loop {
        match read_message::<FromWorker>(&mut reader) {
            Ok(Some(FromWorker::Loaded(info))) => {
                if let Some(loaded) = loaded.take() {
                    let _nobody = loaded.try_send(Ok(info));
                }
            }
            Ok(Some(FromWorker::LoadFailed(failure))) => {
                let failure = explained(failure, &shared.log);
                if let Some(loaded) = loaded.take() {
                    let _nobody = loaded.try_send(Err(failure));
                }
            }
            Ok(Some(message)) => deliver(shared, message),
            Ok(None) | Err(_) => break,
        }
    }
    let failure = crashed(shared.log.lock().unwrap_or_else(PoisonError::into_inner).back());
    if let Some(loaded) = loaded.take() {
        let failure =
            Failure::new(FailureKind::BadModel, "the process for the model ended while it loaded the model")
                .hint("the file may be damaged: `weft ai models verify` checks it");
        let _nobody = loaded.try_send(Err(failure));
    }
    shared.end(failure);
}

fn deliver(shared: &Shared, message: FromWorker) {
    let mut state = shared.state();
    match message {
        FromWorker::Event(id, event) => {
            // Taken out while it is called: what it does may ask this worker again.
            let Some(Pending::Text(mut sink)) = state.pending.remove(&id) else { return };
            let is_last = matches!(event, Event::Done { .. } | Event::Failed(_));
            drop(state);
            sink(event);
            if is_last {
                return;
            }
            let mut state = shared.state();
            match state.end.clone() {
                None => drop(state.pending.insert(id, Pending::Text(sink))),
                Some(end) => {
                    drop(state);
                    sink(Event::Failed(end));
                }
            }
        }
        FromWorker::Embedded(id, result) => {
            if let Some(Pending::Vectors(sink)) = state.pending.remove(&id) {
                drop(state);
                sink(result);
            }
        }
        FromWorker::Counted(id, tokens) => {
            if let Some(Pending::Count(sink)) = state.pending.remove(&id) {
                drop(state);
                sink(Ok(tokens));
            }
        }
        FromWorker::Loaded(_) | FromWorker::LoadFailed(_) | FromWorker::Devices(_) => {}
    }
}

fn crashed(last_line: Option<&String>) -> Failure {
    let mut message = "the process that runs the model ended".to_owned();
    if let Some(line) = last_line.filter(|line| line.contains("ASSERT") || line.contains("error")) {
        message.push_str(": ");
        message.push_str(line);
    }
    Failure::new(FailureKind::Crashed, message)
        .hint("ask again: it is started anew; nothing of yours is lost")
}

/// Adds what llama.cpp said about it.
fn explained(mut failure: Failure, log: &Mutex<VecDeque<String>>) -> Failure {
    // The log comes over another pipe.
    thread::sleep(Duration::from_millis(20));
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let reason =
        log.iter().rev().find_map(|line| line.split_once("error loading model: ").map(|(_, reason)| reason));
    if let Some(reason) = reason {
        failure.message = format!("{}: {reason}", failure.message);
    }
    failure
}

fn keep_log(stderr: ChildStderr, log: &Mutex<VecDeque<String>>) {
    let mut reader = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(LOG_LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        // Names in a model file are a stranger's.
        let line: String = line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        tracing::debug!(target: "weft::model", "{line}");
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LINES_MAX {
            log.pop_front();
        }
        log.push_back(line);
    }
}
