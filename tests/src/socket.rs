//! A program at a node's control socket, as a plugin of an editor is one.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::Value;

/// How long a node may take to say the next line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection: lines out, lines in.
#[derive(Debug)]
pub struct ControlSocket {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl ControlSocket {
    /// Connects to the node whose data folder this is.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(home: &Path) -> io::Result<Self> {
        // Paths of sockets are short; a descriptor of the folder makes any folder reachable.
        let folder = std::fs::File::open(home.join("run"))?;
        let path = format!("/proc/self/fd/{}/control.sock", std::os::fd::AsRawFd::as_raw_fd(&folder));
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Another handle for sending; lines still arrive here.
    ///
    /// # Errors
    /// When the system has no more handles.
    pub fn sender(&self) -> io::Result<ControlSender> {
        Ok(ControlSender(self.stream.try_clone()?))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, message: &Value) -> io::Result<()> {
        write_line(&mut self.stream, message)
    }

    /// The next line that the node says; none when it has hung up.
    ///
    /// # Errors
    /// When the connection breaks, nothing comes, or what comes is no JSON.
    pub fn next_line(&mut self) -> io::Result<Option<Value>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        serde_json::from_str(&line).map(Some).map_err(io::Error::other)
    }
}

/// The sending half of a [`ControlSocket`].
#[derive(Debug)]
pub struct ControlSender(UnixStream);

impl ControlSender {
    /// Sends a message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, message: &Value) -> io::Result<()> {
        write_line(&mut self.0, message)
    }
}

fn write_line(stream: &mut UnixStream, message: &Value) -> io::Result<()> {
    stream.write_all(format!("{message}\n").as_bytes())
}
