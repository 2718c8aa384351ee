//! Files: editing them through the document, and their past.

use std::io::Read;

use weft_node::api::{ApiError, Blame, Cat, Edit, EditAction, History, Log, Restore};

use super::Outcome;
use crate::{
    arguments::{
        CatArguments, EditArguments, FileArgument, HistoryArguments, LogArguments, RestoreArguments,
    },
    connection::{Need, with_node},
    environment::{Environment, folder_or_current, named_file},
    output::Output,
    text,
};

/// The longest text that `edit --stdin` takes: the most that a document holds.
const STDIN_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) async fn edit(
    arguments: &EditArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Edit { file: named_file(&arguments.file.file)?, edit: edit_action(arguments)? };
    let edited = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&edited, text::edited)?;
    Ok(Outcome::Done)
}

fn edit_action(arguments: &EditArguments) -> Result<EditAction, ApiError> {
    if let Some([position, text]) = arguments.insert.as_deref() {
        let at = position.parse().map_err(|_| {
            ApiError::usage(format!("{position:?} is not a position"))
                .hint("positions count code points from 0")
        })?;
        return Ok(EditAction::Insert { at, text: text.clone() });
    }
    if let Some([at, length]) = arguments.delete.as_deref() {
        return Ok(EditAction::Delete { at: *at, length: *length });
    }
    Ok(EditAction::Replace { text: read_stdin()? })
}

fn read_stdin() -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ApiError::failed(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > STDIN_BYTES_MAX {
        return Err(ApiError::usage("standard input has more than 16 MiB")
            .hint("write such a file on disk; it is shared as it is, without being merged")
            .data_state("nothing was changed"));
    }
    String::from_utf8(bytes).map_err(|_| {
        ApiError::usage("standard input is not UTF-8 text")
            .hint("write other files on disk; they are shared as they are, without being merged")
            .data_state("nothing was changed")
    })
}

pub(super) async fn cat(
    arguments: &CatArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Cat { file: named_file(&arguments.file.file)?, at: arguments.at.clone() };
    let shown = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&shown, |shown, look| {
        // A program that reads the text must get it exactly; a terminal must not obey it.
        if look.is_terminal { text::verbatim(&shown.text) } else { shown.text.clone() }
    })?;
    Ok(Outcome::Done)
}

pub(super) async fn history(
    arguments: &HistoryArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = History { file: named_file(&arguments.file.file)?, limit: arguments.number };
    let versions = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&versions, text::history)?;
    Ok(Outcome::Done)
}

pub(super) async fn blame(
    arguments: &FileArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Blame { file: named_file(&arguments.file)? };
    let lines = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&lines, text::blame)?;
    Ok(Outcome::Done)
}

pub(super) async fn restore(
    arguments: &RestoreArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Restore { file: named_file(&arguments.file.file)?, at: arguments.at.clone() };
    let restored = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&restored, text::restored)?;
    Ok(Outcome::Done)
}

pub(super) async fn log(
    arguments: &LogArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Log { folder, since: arguments.since.clone(), limit: arguments.number };
    let changes = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&changes, text::log)?;
    Ok(Outcome::Done)
}
