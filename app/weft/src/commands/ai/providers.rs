//! `weft ai providers` and `weft ai local-only`: servers for models, and whether a workspace takes part in them.

use weft_node::api::{
    AiProviderAdd, AiProviderRemove, AiProviderTest, AiProviders, ApiError, ApiKey, ErrorKind, Policy,
};

use super::Outcome;
use crate::{
    arguments::{LocalOnlyArguments, ProviderAddArguments, ProvidersAction},
    connection::{Need, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    progress::ProgressView,
    text,
};

pub(super) async fn providers(
    action: &ProvidersAction,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match action {
        ProvidersAction::List => {
            let list = with_node(environment, Need::Device, async |node| node.ask(AiProviders {}).await);
            output.result(&list.await?, text::ai_providers)?;
        }
        ProvidersAction::Add(arguments) => {
            let request = AiProviderAdd {
                id: arguments.name.clone(),
                kind: arguments.kind,
                url: arguments.url.clone(),
                model: arguments.model.clone(),
                key: key(arguments, output)?,
                patience_seconds: arguments.patience,
            };
            let added = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&added.await?, text::ai_provider_added)?;
        }
        ProvidersAction::Remove { name } => {
            let request = AiProviderRemove { id: name.clone() };
            let removed = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&removed.await?, text::ai_provider_removed)?;
        }
        ProvidersAction::Test { name } => {
            let request = AiProviderTest { id: name.clone() };
            let tested = with_node(environment, Need::DeviceForLong, async |node| {
                let view = ProgressView::new(output);
                node.ask_with(request.clone(), view.sink()).await
            });
            output.result(&tested.await?, text::ai_provider_tested)?;
        }
    }
    Ok(Outcome::Done)
}

/// The key of a server: never on the command line, where other programs of the machine can read it.
fn key(arguments: &ProviderAddArguments, output: &Output) -> Result<Option<ApiKey>, ApiError> {
    if arguments.no_key {
        return Ok(None);
    }
    let key = match arguments.key_fd {
        Some(descriptor) => weft_node::read_passphrase(descriptor).map_err(|error| {
            error.hint("give the key as one line: --key-fd 3 with 3<key.txt behind the command")
        })?,
        None if output.can_ask() => output.ask_secret("Key of the server (nothing when it needs none): ")?,
        None => {
            return Err(ApiError::usage("a server needs a key, and nobody can be asked here")
                .hint("add --key-fd 3 with 3<key.txt behind the command, or --no-key")
                .data_state("the servers are as they were"));
        }
    };
    let key = key.trim();
    Ok((!key.is_empty()).then(|| ApiKey(key.to_owned())))
}

pub(super) async fn local_only(
    arguments: &LocalOnlyArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.as_deref())?;
    let request = Policy { folder, branch_switch: None, ai_local_only: arguments.state };
    let told = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&told, text::ai_local_only)?;
    Ok(Outcome::Done)
}

/// Asks, and asks the person first where something would be sent to a server for the first time.
pub(super) async fn confirmed<T>(
    yes: bool,
    output: &Output,
    ask: impl AsyncFn(bool) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    match ask(yes).await {
        Err(error) if error.kind == ErrorKind::NotConfirmed && !yes && output.can_ask() => {
            output.note(&text::sentence(&error.message));
            if output.ask("Send it, and what you ask about it from now on?", false)? {
                ask(true).await
            } else {
                Err(error)
            }
        }
        result => result,
    }
}
