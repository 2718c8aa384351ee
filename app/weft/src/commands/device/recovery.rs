//! `weft device recovery`: the 24 words.

use std::io::Read;

use weft_node::api::{
    ApiError, DeviceAccepted, Recovery, RecoveryCheck, RecoveryPaperOnly, RecoveryRestore, RecoveryUnlock,
    Words,
};

use crate::{
    arguments::RecoveryArguments,
    commands::{network_need, note_unused, print_node_line},
    connection::{Need, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    progress::ProgressView,
    text,
};

/// The longest words that are read from standard input: 24 of them have less than 240 letters.
const WORDS_BYTES_MAX: u64 = 4_096;

pub(super) async fn recovery(
    arguments: &RecoveryArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    if arguments.restore {
        return restore(arguments, environment, output).await;
    }
    if arguments.check {
        let words = read_words(output)?;
        let request = RecoveryCheck { words };
        let checked = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
        return output.result(&checked.await?, text::recovery_checked);
    }
    if arguments.unlock {
        return unlock(environment, output).await;
    }
    if arguments.paper_only {
        return paper_only(arguments, environment, output).await;
    }
    let words = with_node(environment, Need::Device, async |node| node.ask(Recovery {}).await).await?;
    output.result(&words, text::recovery_words)
}

async fn paper_only(
    arguments: &RecoveryArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    if !arguments.yes {
        if !output.can_ask() {
            return Err(ApiError::usage("this needs your consent, and nobody can be asked here")
                .hint("add --yes")
                .data_state("the key stays on this device"));
        }
        let question =
            "Take your personal key off this device? Then only the 24 words on paper can bring it back.";
        if !output.ask(question, false)? {
            output.note("The key stays on this device.");
            return Ok(());
        }
    }
    let kept =
        with_node(environment, Need::Device, async |node| node.ask(RecoveryPaperOnly {}).await).await?;
    output.result(&kept, text::recovery_kept)
}

/// No node is asked: without its key there is none.
async fn unlock(environment: &Environment, output: &Output) -> Result<(), ApiError> {
    let options = environment.node_options(None)?;
    let request = RecoveryUnlock { words: read_words(output)? };
    let unlocked =
        tokio::task::spawn_blocking(move || weft_node::unlock_with_words(&options, &request)).await;
    let unlocked = unlocked.map_err(|error| ApiError::failed(format!("unlocking failed: {error}")))??;
    output.result(&unlocked, text::recovery_unlocked)
}

async fn restore(
    arguments: &RecoveryArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    let from = arguments.from.clone().ok_or_else(|| ApiError::usage("--from names the device"))?;
    let request = RecoveryRestore {
        words: read_words(output)?,
        from,
        parent: folder_or_current(arguments.parent.as_deref())?,
        existing: arguments.existing.into(),
        timeout_seconds: arguments.timeout.as_secs_f64(),
    };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        let view = ProgressView::new(output);
        let restored: DeviceAccepted = node.ask_with(request.clone(), view.sink()).await?;
        drop(view);
        output.result(&restored, text::accepted)?;
        output.note(
            "Devices that are lost are still among yours: `weft device list` shows them, `weft revoke DEVICE` puts one out.",
        );
        print_node_line(node, false, output).await
    })
    .await
}

/// On a terminal they are typed without being shown; else they come from standard input.
fn read_words(output: &Output) -> Result<Words, ApiError> {
    let unreadable = |error: std::io::Error| ApiError::failed(format!("the words cannot be read: {error}"));
    if output.stdin_is_terminal {
        let terminal = console::Term::stderr();
        terminal.write_str("The 24 words, with spaces between (they are not shown): ").map_err(unreadable)?;
        return Ok(Words(terminal.read_secure_line().map_err(unreadable)?));
    }
    let mut words = String::new();
    let read = std::io::stdin().lock().take(WORDS_BYTES_MAX).read_to_string(&mut words);
    read.map_err(unreadable)?;
    Ok(Words(words))
}
