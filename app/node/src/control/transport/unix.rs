//! A Unix socket in the folder `run` of the data folder.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use super::{DialError, Stream};

const SOCKET_NAME: &str = "control.sock";
/// The longest path a socket's address holds (`sun_path` less its final zero).
const PATH_BYTES_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Waits for programs of the same user.
pub(crate) struct Listener {
    listener: UnixListener,
    place: Place,
}

impl Listener {
    /// Makes the socket, in place of one that an ended node left. The caller holds the lock of the data folder.
    pub(crate) fn bind(home: &Path) -> io::Result<Self> {
        let place = Place::create(home)?;
        let listener = place.with_address(|address| {
            match fs::symlink_metadata(address) {
                Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(address)?,
                Ok(_) => return Err(io::Error::other(format!("{SOCKET_NAME} is not a socket"))),
                Err(_) => {}
            }
            let listener = UnixListener::bind(address)?;
            fs::set_permissions(address, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        })?;
        Ok(Self { listener, place })
    }

    /// Waits for the next program; other users' are sent away.
    pub(crate) async fn accept(&mut self) -> io::Result<Stream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if is_same_user(&stream)? {
                return Ok(Box::new(stream));
            }
            tracing::warn!("refused a program of another user on the control socket");
        }
    }

    /// Removes the socket, so that nobody waits for an ended node.
    pub(crate) fn remove(self) {
        let removed = self.place.with_address(|address| fs::remove_file(address));
        if let Err(error) = removed {
            tracing::debug!(%error, "the control socket was gone already");
        }
    }
}

pub(super) async fn dial(home: &Path) -> Result<Stream, DialError> {
    let Some(place) = Place::find(home)? else { return Err(DialError::NotRunning) };
    // Connecting to a local socket does not wait for the other side, so the short address need not outlive it.
    let stream = place.with_address(|address| std::os::unix::net::UnixStream::connect(address));
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return Err(dial_error(error)),
    };
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    if is_same_user(&stream)? { Ok(Box::new(stream)) } else { Err(DialError::Foreign) }
}

fn dial_error(error: io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => DialError::NotRunning,
        _ => DialError::Io(error),
    }
}

fn is_same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

/// The folder that holds the socket: owned by this user, closed to others, and no symbolic link.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
}

impl Place {
    fn create(home: &Path) -> io::Result<Self> {
        let folder = folder_of(home)?;
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        check_folder(&folder)?;
        Ok(Self { folder })
    }

    fn find(home: &Path) -> io::Result<Option<Self>> {
        let folder = folder_of(home)?;
        match check_folder(&folder) {
            Ok(()) => Ok(Some(Self { folder })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Calls `use_address` with a path to the socket that is short enough for an address.
    fn with_address<T>(&self, use_address: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let path = self.folder.join(SOCKET_NAME);
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return use_address(&path);
        }
        self.with_short_address(use_address)
    }

    /// Reaches the folder through a descriptor, whose name is always short.
    #[cfg(target_os = "linux")]
    fn with_short_address<T>(&self, use_address: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        use std::os::fd::AsRawFd;
        let folder = fs::File::open(&self.folder)?;
        let address = format!("/proc/self/fd/{}/{SOCKET_NAME}", folder.as_raw_fd());
        use_address(Path::new(&address))
    }

    #[cfg(not(target_os = "linux"))]
    fn with_short_address<T>(&self, _use: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path of the data folder is too long for a socket",
        ))
    }
}

#[cfg(target_os = "linux")]
fn folder_of(home: &Path) -> io::Result<PathBuf> {
    Ok(home.join("run"))
}

/// Elsewhere a long path has no short name, so the socket of such a data folder lies in the temporary folder of the user.
#[cfg(not(target_os = "linux"))]
fn folder_of(home: &Path) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let folder = home.join("run");
    if folder.as_os_str().len() + 1 + SOCKET_NAME.len() <= PATH_BYTES_MAX {
        return Ok(folder);
    }
    let home = home.canonicalize()?;
    let name = blake3::hash(home.as_os_str().as_bytes()).to_hex();
    Ok(std::env::temp_dir().join(format!("weft-{}", &name[..16])))
}

fn check_folder(folder: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_dir() && is_ours && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let problem = "must be a folder of this user that nobody else can enter (mode 0700)";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{problem}: {}", folder.display())))
}
