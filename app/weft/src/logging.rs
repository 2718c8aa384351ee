//! The program's own log: one JSON object per line in `node.log` of the data folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::output::Output;

/// What is logged unless `WEFT_LOG` says otherwise: our own events, and what matters of the libraries below.
const DEFAULT_FILTER: &str = "info,iroh=info,noq=warn,noq_proto=warn,noq_udp=warn,swarm_discovery=error,iroh_mdns_address_lookup=error";
/// A log of this size is put aside; one older log is kept.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where the log of a data folder lies.
pub(crate) fn log_path(home: &Path) -> PathBuf {
    home.join("node.log")
}

/// Starts logging. A log that cannot be written stops no command.
pub(crate) fn start(home: &Path, output: &Output) {
    let (filter, complaint) = match std::env::var("WEFT_LOG") {
        Ok(text) => match EnvFilter::try_new(&text) {
            Ok(filter) => (filter, None),
            Err(error) => {
                (EnvFilter::new(DEFAULT_FILTER), Some(format!("WEFT_LOG is not understood: {error}")))
            }
        },
        Err(_) => (EnvFilter::new(DEFAULT_FILTER), None),
    };
    let opened = LogFile::open(&log_path(home), LOG_BYTES_MAX);
    match opened {
        Ok(file) => {
            let subscriber =
                tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(Writer(file));
            // A second subscriber is refused; there is only this one.
            let _only_once = subscriber.try_init();
        }
        Err(error) => output.note(&format!("The log cannot be written: {error}")),
    }
    if let Some(complaint) = complaint {
        output.note(&complaint);
    }
}

struct Writer(Mutex<LogFile>);

impl<'a> MakeWriter<'a> for Writer {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(&self.0)
    }
}

struct LineWriter<'a>(&'a Mutex<LogFile>);

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_line(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is put aside when it has grown too large.
struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    size_max: u64,
}

impl LogFile {
    fn open(path: &Path, size_max: u64) -> io::Result<Mutex<Self>> {
        if let Some(folder) = path.parent() {
            create_private_folder(folder)?;
        }
        let file = open_private(path)?;
        let size = file.metadata()?.len();
        Ok(Mutex::new(Self { path: path.to_owned(), file, size, size_max }))
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size >= self.size_max {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = open_private(&self.path)?;
            self.size = 0;
        }
        self.size += line.len() as u64;
        self.file.write_all(line)
    }
}

/// Makes the data folder if need be, closed to others from the first moment.
fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for appending that only this user can read.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_filter_is_understood() {
        assert!(EnvFilter::try_new(DEFAULT_FILTER).is_ok());
    }

    #[test]
    fn a_log_that_is_too_large_is_put_aside_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("home/node.log");
        let log = LogFile::open(&path, 10).expect("a log");
        let mut log = log.lock().expect("the log");
        for line in ["first\n", "second\n", "third\n"] {
            log.write_line(line.as_bytes()).expect("space");
        }
        assert_eq!(fs::read_to_string(&path).expect("a log"), "third\n");
        assert_eq!(fs::read_to_string(path.with_extension("log.1")).expect("an old log"), "first\nsecond\n");
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_the_log() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("home/node.log");
        let _log = LogFile::open(&path, 10).expect("a log");
        let mode = |path: &Path| fs::metadata(path).expect("a mode").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("home"))), (0o600, 0o700));
    }
}
