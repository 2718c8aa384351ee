//! A named pipe whose name follows from the data folder's path.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};

use super::{DialError, Stream};

/// All instances of the pipe are in use for a moment.
const ERROR_PIPE_BUSY: i32 = 231;

/// Waits for programs of this machine. The pipe's default rights let only this user and administrators write to it.
pub(crate) struct Listener {
    name: OsString,
    next: NamedPipeServer,
}

impl Listener {
    /// Makes the pipe. The caller holds the lock of the data folder.
    pub(crate) fn bind(home: &Path) -> io::Result<Self> {
        let name = pipe_name(home)?;
        let next =
            ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name)?;
        Ok(Self { name, next })
    }

    /// Waits for the next program.
    pub(crate) async fn accept(&mut self) -> io::Result<Stream> {
        self.next.connect().await?;
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        Ok(Box::new(std::mem::replace(&mut self.next, next)))
    }

    /// Ends the pipe with its last instance.
    pub(crate) fn remove(self) {}
}

pub(super) async fn dial(home: &Path) -> Result<Stream, DialError> {
    let name = pipe_name(home)?;
    for _ in 0..100 {
        match ClientOptions::new().open(&name) {
            Ok(client) => return Ok(Box::new(client)),
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(DialError::NotRunning),
            Err(error) => return Err(DialError::Io(error)),
        }
    }
    Err(DialError::NotRunning)
}

fn pipe_name(home: &Path) -> io::Result<OsString> {
    let home: PathBuf = match home.canonicalize() {
        Ok(home) => home,
        Err(error) if error.kind() == io::ErrorKind::NotFound => home.to_owned(),
        Err(error) => return Err(error),
    };
    let name = blake3::hash(home.as_os_str().as_encoded_bytes()).to_hex();
    Ok(format!(r"\\.\pipe\weft-{}", &name[..32]).into())
}
