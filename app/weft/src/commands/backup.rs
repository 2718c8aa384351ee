//! `weft backup`.

use std::path::Path;

use weft_node::api::{ApiError, Backup, BackupRestore, BackupSecret, Passphrase};

use super::Outcome;
use crate::{
    arguments::{
        BackupAction, BackupArguments, BackupCheckArguments, BackupRestoreArguments, BackupSecretArguments,
    },
    connection::{Need, with_node},
    environment::{Environment, absolute, folder_or_current, named_file},
    output::Output,
    progress::ProgressView,
    text,
};

/// The longest file of identities that is read.
const IDENTITIES_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn backup(
    arguments: &BackupArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match (&arguments.action, &arguments.file) {
        (Some(BackupAction::Check(arguments)), _) => check(arguments, output).await?,
        (Some(BackupAction::Restore(arguments)), _) => restore(arguments, environment, output).await?,
        (None, Some(file)) => make(arguments, file, environment, output).await?,
        (None, None) => return Err(ApiError::usage("which file?").hint("weft backup FILE.age")),
    }
    Ok(Outcome::Done)
}

async fn make(
    arguments: &BackupArguments,
    file: &Path,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    let file = named_file(file)?;
    if file.exists() {
        return Err(ApiError::usage(format!("there is a file already: {}", file.display()))
            .hint("give another name: a backup never replaces another one")
            .data_state("no backup was made; your data is as it was"));
    }
    let passphrase = match arguments.to.is_empty() {
        true => Some(Passphrase(choose_passphrase(arguments.passphrase_fd, output)?)),
        false => None,
    };
    let without_files = arguments.without_files;
    let request = Backup { file, recipients: arguments.to.clone(), passphrase, without_files };
    with_node(environment, Need::DeviceForLong, async |node| {
        let view = ProgressView::new(output);
        let made = node.ask_with(request.clone(), view.sink()).await?;
        drop(view);
        output.result(&made, text::backed_up)
    })
    .await
}

async fn check(arguments: &BackupCheckArguments, output: &Output) -> Result<(), ApiError> {
    let file = named_file(&arguments.file)?;
    let secret = secret(&arguments.secret, output)?;
    let checked = tokio::task::spawn_blocking(move || weft_node::check_backup(&file, &secret)).await;
    let checked =
        checked.map_err(|error| ApiError::failed(format!("reading the backup failed: {error}")))??;
    output.result(&checked, text::backup_checked)
}

async fn restore(
    arguments: &BackupRestoreArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    let file = named_file(&arguments.file)?;
    let parent = folder_or_current(arguments.parent.as_deref())?;
    let options = environment.node_options(None)?;
    let request = BackupRestore { file, secret: secret(&arguments.secret, output)?, parent };
    let view = ProgressView::new(output);
    let restored = weft_node::restore_backup(options, request, &view.sink()).await?;
    drop(view);
    output.result(&restored, text::restored_backup)?;
    // None runs: the data was ours alone. Asking would need the key again.
    if output.json { Ok(()) } else { output.print(&text::node_line(None, false, &output.look())) }
}

/// The passphrase that a new backup gets.
fn choose_passphrase(descriptor: Option<u32>, output: &Output) -> Result<String, ApiError> {
    let state = "no backup was made; your data is as it was";
    if let Some(descriptor) = descriptor {
        return weft_node::read_passphrase(descriptor);
    }
    if !output.can_ask() {
        return Err(ApiError::usage("a backup needs a passphrase, and nobody can be asked here")
            .hint("add --to RECIPIENT or --passphrase-fd N")
            .data_state(state));
    }
    let first = output.ask_secret("Choose a passphrase for the backup: ")?;
    if first.is_empty() {
        return Err(ApiError::usage("the passphrase is empty")
            .hint("several words are easy to remember")
            .data_state(state));
    }
    if output.ask_secret("The same again: ")? != first {
        return Err(ApiError::usage("these are two passphrases").hint("run it again").data_state(state));
    }
    Ok(first)
}

/// What opens a backup.
fn secret(arguments: &BackupSecretArguments, output: &Output) -> Result<BackupSecret, ApiError> {
    if let Some(path) = &arguments.identity {
        return Ok(BackupSecret::Identities(Passphrase(read_identities(&absolute(path)?)?)));
    }
    let passphrase = match arguments.passphrase_fd {
        Some(descriptor) => weft_node::read_passphrase(descriptor)?,
        None if output.can_ask() => output.ask_secret("Passphrase of the backup: ")?,
        None => {
            return Err(ApiError::usage("the backup is sealed, and nobody can be asked here")
                .hint("add --identity FILE or --passphrase-fd N")
                .data_state("nothing was changed"));
        }
    };
    Ok(BackupSecret::Passphrase(Passphrase(passphrase)))
}

fn read_identities(path: &Path) -> Result<String, ApiError> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        std::io::Read::read_to_string(&mut std::io::Read::take(file, IDENTITIES_BYTES_MAX), &mut text)?;
        Ok(text)
    };
    read().map_err(|error| {
        ApiError::failed(format!("{} cannot be read: {error}", path.display()))
            .hint("give the file that age-keygen wrote")
            .data_state("nothing was changed")
    })
}
