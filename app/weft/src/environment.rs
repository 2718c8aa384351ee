//! What surrounds a command: the data folder, the key, the current folder.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use weft_node::api::{ApiError, KeyChoice, NetworkOptions, NodeOptions, PassphrasePrompt};

use crate::output::Output;

/// What surrounds a command.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// The data folder, absolute.
    pub(crate) home: PathBuf,
    key: KeyChoice,
    /// Whether the descriptor is open that the passphrase comes from, if it comes from one.
    is_open: bool,
    can_ask: bool,
}

impl Environment {
    /// Reads the environment variables.
    pub(crate) fn read(output: &Output) -> Result<Self, ApiError> {
        let key = match env::var("WEFT_KEY") {
            Ok(text) => text.parse().map_err(|error| bad_key(&error))?,
            Err(env::VarError::NotPresent) => KeyChoice::Automatic,
            Err(env::VarError::NotUnicode(_)) => return Err(bad_key(&"its value is not Unicode")),
        };
        // Before anything is opened: later the number may be that of a file of our own.
        let is_open = match key {
            KeyChoice::PassphraseDescriptor(number) => is_open(number),
            _ => true,
        };
        let home = match env::var_os("WEFT_HOME").filter(|home| !home.is_empty()) {
            Some(home) => absolute(Path::new(&home))?,
            None => default_home()?,
        };
        Ok(Self { home, key, is_open, can_ask: output.can_ask() })
    }

    /// How a node in this process is opened.
    ///
    /// # Errors
    /// When the passphrase is to come from a descriptor that is not open.
    pub(crate) fn node_options(&self, network: Option<NetworkOptions>) -> Result<NodeOptions, ApiError> {
        if let KeyChoice::PassphraseDescriptor(number) = self.key
            && !self.is_open
        {
            return Err(ApiError::usage(format!("WEFT_KEY: file descriptor {number} is not open"))
                .hint(
                    "give the passphrase as one line: WEFT_KEY=passphrase-fd:3 weft status 3<passphrase.txt",
                )
                .data_state("nothing was changed"));
        }
        let prompt = PassphrasePrompt(Arc::new(|what| {
            let terminal = console::Term::stderr();
            terminal.write_str(&format!("{what}: "))?;
            terminal.read_secure_line()
        }));
        let passphrase = self.can_ask.then_some(prompt);
        Ok(NodeOptions { home: self.home.clone(), key: self.key, passphrase, network })
    }
}

fn bad_key(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::usage(format!("WEFT_KEY: {error}"))
        .hint("set WEFT_KEY to keyring, file or passphrase-fd:3 (with 3<passphrase.txt behind the command), or unset it")
        .data_state("nothing was changed")
}

#[cfg(unix)]
fn is_open(descriptor: i32) -> bool {
    Path::new("/dev/fd").join(descriptor.to_string()).exists()
}

#[cfg(not(unix))]
fn is_open(_descriptor: i32) -> bool {
    true
}

fn default_home() -> Result<PathBuf, ApiError> {
    let folders = directories::ProjectDirs::from("dev", "", "weft");
    folders.map(|folders| folders.data_local_dir().to_owned()).ok_or_else(|| {
        ApiError::failed("this system does not say where the data of programs lies")
            .hint("set WEFT_HOME to a folder of your own")
    })
}

/// Gives a path from the root of the file system.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, ApiError> {
    std::path::absolute(path)
        .map_err(|error| ApiError::failed(format!("the current folder cannot be read: {error}")))
}

/// The folder that was named, or the current one.
pub(crate) fn folder_or_current(folder: Option<&Path>) -> Result<PathBuf, ApiError> {
    let folder = absolute(folder.unwrap_or(Path::new(".")))?;
    // A folder that does not exist is for the node to judge; it may be the one that vanished.
    Ok(folder.canonicalize().unwrap_or(folder))
}

/// The file that was named. Its folder's links are followed, its own name is kept.
pub(crate) fn named_file(file: &Path) -> Result<PathBuf, ApiError> {
    let path = absolute(file)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ApiError::usage(format!("this names no file: {}", file.display())));
    };
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    Ok(parent.join(name))
}
