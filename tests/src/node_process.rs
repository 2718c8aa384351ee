//! A node as a process.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::answer::Failure;

/// How long a node may take to be ready.
const READY_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a node may take to end.
const END_TIME_MAX: Duration = Duration::from_secs(30);

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub struct NodeProcess {
    child: Child,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// Its endpoint's id.
    pub endpoint: String,
    /// How long it took until it was ready.
    pub ready_after: Duration,
}

impl NodeProcess {
    /// Starts a process that prints a line of JSON when it is ready.
    ///
    /// # Errors
    /// When it ends or is silent instead; with what it wrote to its error stream.
    pub fn start(command: &mut Command, name: &str) -> Result<Self, Failure> {
        let begin = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::without_process(name, format!("cannot be started: {error}")))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::without_process(name, "has no output".to_owned()));
        };
        let lines = read_lines(stdout);
        let errors = read_all(stderr);
        let ready = lines
            .recv_timeout(READY_TIME_MAX)
            .ok()
            .and_then(|line| serde_json::from_str::<Value>(&line).ok());
        match ready {
            Some(ready) if ready["event"] == "ready" => Ok(Self {
                child,
                addresses: texts(&ready["addresses"]),
                endpoint: ready["endpoint"].as_str().unwrap_or_default().to_owned(),
                ready_after: begin.elapsed(),
            }),
            other => {
                // It may have ended by itself already.
                let _ended = child.kill();
                let code = child.wait().ok().and_then(|status| status.code());
                let stderr = errors.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
                let told: Value =
                    stderr.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
                Err(Failure {
                    command: name.to_owned(),
                    code,
                    message: told["error"]["message"]
                        .as_str()
                        .map_or_else(|| format!("is not ready but says {other:?}"), str::to_owned),
                    hint: told["error"]["hint"].as_str().map(str::to_owned),
                    stderr,
                })
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory it ever held, in bytes, where the system tells.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
    }

    /// Ends it without warning, as a power cut does.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Asks it to end as a service manager does, and waits.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub fn terminate(mut self) -> io::Result<()> {
        self.signal(Signal::End)?;
        let begin = Instant::now();
        while begin.elapsed() < END_TIME_MAX {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) };
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the node did not end"))
    }

    /// Freezes it: it neither sends nor receives, and does not know it.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::Freeze)
    }

    /// Lets a frozen one go on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::GoOn)
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) -> io::Result<()> {
        use rustix::process::{self, Pid};
        let signal = match signal {
            Signal::End => process::Signal::TERM,
            Signal::Freeze => process::Signal::STOP,
            Signal::GoOn => process::Signal::CONT,
        };
        Ok(process::kill_process(Pid::from_child(&self.child), signal)?)
    }

    #[cfg(not(unix))]
    fn signal(&self, signal: Signal) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("this system cannot do that to a process: {signal:?}"),
        ))
    }
}

/// What is done to the process from outside.
#[derive(Debug, Clone, Copy)]
enum Signal {
    End,
    Freeze,
    GoOn,
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Reads lines on a thread of its own, so that the process never waits for us.
fn read_lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1024);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody needs a line after the first, but the pipe must be emptied.
            let _unread = sender.try_send(line);
        }
    });
    receiver
}

fn read_all(mut stderr: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is worth showing.
        let _cut_off = stderr.read_to_end(&mut bytes);
        let _unread = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
