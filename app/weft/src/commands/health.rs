//! `weft doctor` and `weft diagnostics`.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use weft_node::api::{ApiError, Doctor, DoctorReport, ErrorKind, Finding, Severity};

use super::Outcome;
use crate::{
    arguments::DiagnosticsArguments,
    connection::{Need, with_node},
    environment::Environment,
    logging,
    output::Output,
    text,
};

/// How often a followed log is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);
/// At most so much of the end of the log is read at first.
const TAIL_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(super) async fn doctor(environment: &Environment, output: &Output) -> Result<Outcome, ApiError> {
    let asked = with_node(environment, Need::Device, async |node| {
        let mut report = node.ask(Doctor {}).await?;
        report.findings.insert(0, node_finding(node.running_node().await));
        Ok(report)
    })
    .await;
    let report = match asked {
        Ok(report) => report,
        // A node that cannot be opened is a finding too, and the most important one.
        Err(error) if error.kind != ErrorKind::Usage => {
            DoctorReport { findings: vec![failure_finding(&error)] }
        }
        Err(error) => return Err(error),
    };
    output.result(&report, |report, look| text::doctor(&report.findings, look))?;
    let needs_person = report.findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if needs_person { Outcome::NeedsPerson } else { Outcome::Done })
}

fn node_finding(pid: Option<u32>) -> Finding {
    let (message, cure) = match pid {
        Some(pid) => (format!("a node runs (process {pid})"), None),
        None => {
            let message = "no node runs, so nothing is sent or received: edits wait on this device";
            (message.to_owned(), Some("`weft node --detach` starts one".to_owned()))
        }
    };
    let severity = if pid.is_some() { Severity::Good } else { Severity::Note };
    Finding { area: "node".to_owned(), severity, message, cure }
}

fn failure_finding(error: &ApiError) -> Finding {
    Finding {
        area: "node".to_owned(),
        severity: Severity::Problem,
        message: error.message.clone(),
        cure: error.hint.clone(),
    }
}

pub(super) async fn diagnostics(
    arguments: &DiagnosticsArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let path = logging::log_path(&environment.home);
    let mut reader = LogReader::open(&path)?;
    let lines = reader.new_lines()?;
    if lines.is_empty() && !arguments.follow {
        output.note("The log is empty: nothing worth telling has happened.");
    }
    let first = if arguments.number == 0 { 0 } else { lines.len().saturating_sub(arguments.number) };
    print_lines(&lines[first..], output)?;
    if arguments.follow {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            failed = follow(reader, &path, output) => failed?,
        }
    }
    Ok(Outcome::Done)
}

/// Shows new lines for ever.
async fn follow(mut reader: LogReader, path: &Path, output: &Output) -> Result<(), ApiError> {
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        reader = reader.reopen_if_rotated(path);
        print_lines(&reader.new_lines()?, output)?;
    }
}

fn print_lines(lines: &[String], output: &Output) -> Result<(), ApiError> {
    for line in lines {
        if output.json {
            let is_object =
                serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.is_object());
            let object =
                if is_object { line.clone() } else { serde_json::json!({ "text": line }).to_string() };
            output.print(&format!("{}\n", text::escape_json(&object)))?;
        } else {
            output.print(&format!("{}\n", text::log_line(line, &output.look())))?;
        }
    }
    Ok(())
}

/// Reads a log file line by line, as it grows.
struct LogReader {
    file: File,
    rest: Vec<u8>,
    position: u64,
}

impl LogReader {
    fn open(path: &Path) -> Result<Self, ApiError> {
        let mut file = File::open(path).map_err(|error| {
            ApiError::not_found(format!("there is no log yet: {error}"))
                .hint("it is written by every command; WEFT_HOME says where")
        })?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let start = length.saturating_sub(TAIL_BYTES_MAX);
        file.seek(SeekFrom::Start(start)).map_err(|error| read_error(&error))?;
        let mut reader = Self { file, rest: Vec::new(), position: start };
        if start > 0 {
            // The first line is cut in the middle.
            let lines = reader.new_lines()?;
            let text: String = lines.iter().skip(1).flat_map(|line| [line.as_str(), "\n"]).collect();
            reader.rest.splice(0..0, text.into_bytes());
        }
        Ok(reader)
    }

    fn new_lines(&mut self) -> Result<Vec<String>, ApiError> {
        let length = self.file.read_to_end(&mut self.rest).map_err(|error| read_error(&error))?;
        self.position += length as u64;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Vec::new()) };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }

    /// Begins with the new file when the old one was put aside or cut.
    fn reopen_if_rotated(self, path: &Path) -> Self {
        let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if length >= self.position {
            return self;
        }
        match File::open(path) {
            Ok(file) => Self { file, rest: Vec::new(), position: 0 },
            Err(_) => self,
        }
    }
}

fn read_error(error: &std::io::Error) -> ApiError {
    ApiError::failed(format!("the log cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_is_followed_through_growth_and_rotation() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("node.log");
        assert_eq!(LogReader::open(&path).err().map(|error| error.kind), Some(ErrorKind::NotFound));
        std::fs::write(&path, "one\ntwo\nhal").expect("a log");
        let mut reader = LogReader::open(&path).expect("a reader");
        assert_eq!(reader.new_lines().expect("lines"), ["one", "two"]);
        let mut file = File::options().append(true).open(&path).expect("the log");
        file.write_all(b"f\nfour\n").expect("space");
        let mut reader = reader.reopen_if_rotated(&path);
        assert_eq!(reader.new_lines().expect("lines"), ["half", "four"]);
        std::fs::rename(&path, folder.path().join("node.log.1")).expect("a rotation");
        std::fs::write(&path, "new\n").expect("a log");
        let mut reader = reader.reopen_if_rotated(&path);
        assert_eq!(reader.new_lines().expect("lines"), ["new"]);
    }

    #[test]
    fn of_a_huge_log_only_whole_lines_of_the_end_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("node.log");
        let line = format!("{}\n", "x".repeat(999));
        std::fs::write(&path, line.repeat(5_000)).expect("a log");
        let mut reader = LogReader::open(&path).expect("a reader");
        let lines = reader.new_lines().expect("lines");
        assert!(lines.len() > 4_000 && lines.len() < 4_300, "{}", lines.len());
        assert!(lines.iter().all(|line| line.len() == 999));
    }
}
