//! A process for each document that is read.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::limits::{DOCUMENT_BYTES_MAX, TEXT_BYTES_MAX, TIME_MAX};
use crate::{DocumentKind, ExtractError, Extracted, extract};

/// Bytes of an answer: the text, and what tells its pages apart.
const ANSWER_BYTES_MAX: u64 = TEXT_BYTES_MAX as u64 + 8 * 1024 * 1024;
/// How often it is looked whether reading should end.
const LOOK: Duration = Duration::from_millis(50);

/// How to read documents in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The program: this one, usually.
    pub program: PathBuf,
    /// What makes it call [`serve`].
    pub arguments: Vec<OsString>,
    /// How long it may take.
    pub time_max: Duration,
}

impl Guard {
    /// Reads with this program and these arguments.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, time_max: TIME_MAX }
    }

    /// Reads a document. Blocks until it is read; `is_ended` is asked now and then whether nobody wants it any more.
    ///
    /// # Errors
    /// When it is damaged, closed or too large, and when reading it was ended or cannot be begun.
    pub fn read(
        &self,
        kind: DocumentKind,
        bytes: Vec<u8>,
        is_ended: &dyn Fn() -> bool,
    ) -> Result<Extracted, ExtractError> {
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(ExtractError::TooLarge);
        }
        let unable = |error: std::io::Error| ExtractError::Unable { reason: error.to_string() };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut running = Running(command.spawn().map_err(unable)?);
        let (Some(mut stdin), Some(stdout)) = (running.0.stdin.take(), running.0.stdout.take()) else {
            return Err(ExtractError::Unable { reason: "it has no pipes".into() });
        };
        let writing = std::thread::Builder::new().name("weft-document".into()).spawn(move || {
            // A process that has ended reads no more; its answer says why.
            let _ended = stdin.write_all(&[kind as u8]).and_then(|()| stdin.write_all(&bytes));
        });
        writing.map_err(unable)?;
        let (answer, answered) = sync_channel(1);
        let reading = std::thread::Builder::new().name("weft-document".into()).spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
            // Nobody waits any more for one that took too long.
            let _late = answer.send(read.map(|_| bytes));
        });
        reading.map_err(unable)?;
        let begin = Instant::now();
        let bytes = loop {
            match answered.recv_timeout(LOOK) {
                Ok(Ok(bytes)) => break bytes,
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => break Vec::new(),
                Err(RecvTimeoutError::Timeout) if is_ended() => {
                    return Err(ended("nobody wants it any more"));
                }
                Err(RecvTimeoutError::Timeout) if begin.elapsed() > self.time_max => {
                    return Err(ended("it took too long"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        let status = running.0.wait().map_err(unable)?;
        // What it says is read as a stranger's.
        match postcard::take_from_bytes::<Result<Extracted, ExtractError>>(&bytes) {
            Ok((Ok(extracted), [])) => Ok(checked(extracted)),
            Ok((Err(error), [])) => Err(error),
            _ => Err(ended(&format!("the process that read it ended early ({status})"))),
        }
    }
}

fn ended(reason: &str) -> ExtractError {
    ExtractError::Ended { reason: reason.to_owned() }
}

/// Within the limits, whatever the process has said.
fn checked(said: Extracted) -> Extracted {
    let mut extracted = Extracted { is_cut: said.is_cut, ..Extracted::default() };
    let _is_all = said.passages.iter().all(|passage| extracted.push(&passage.place, &passage.text));
    extracted
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The process that reads one document: from standard input, to standard output.
#[must_use]
pub fn serve() -> ExitCode {
    be_limited();
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(DOCUMENT_BYTES_MAX + 2).read_to_end(&mut bytes);
    let kind = match bytes.first() {
        Some(0) => DocumentKind::Pdf,
        Some(1) => DocumentKind::Docx,
        _ => return ExitCode::FAILURE,
    };
    if read.is_err() || bytes.len() as u64 > DOCUMENT_BYTES_MAX + 1 {
        return ExitCode::FAILURE;
    }
    let Ok(answer) = postcard::to_stdvec(&extract(kind, &bytes[1..])) else { return ExitCode::FAILURE };
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(&answer).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Gives up what reading a document needs not: much memory, much time, files, and a place in the queue. [`serve`] does it
/// before it reads anything.
pub fn be_limited() {
    #[cfg(target_os = "linux")]
    {
        // When memory runs out this process goes before the person's others.
        let _unheard = std::fs::write("/proc/self/oom_score_adj", "900");
    }
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};

        use crate::limits::{MEMORY_BYTES_MAX, PROCESSOR_SECONDS_MAX};
        let limits = [
            (Resource::As, MEMORY_BYTES_MAX),
            (Resource::Cpu, PROCESSOR_SECONDS_MAX),
            (Resource::Core, 0),
            // It writes to its pipe and makes no file.
            (Resource::Fsize, 0),
            (Resource::Nofile, 8),
        ];
        for (resource, most) in limits {
            // Where the system refuses one, the others and the time that is waited remain.
            let _refused = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
        }
        let _refused = rustix::process::nice(19);
    }
}
