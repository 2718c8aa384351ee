//! Servers, as the person adds, lists, tries and removes them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use weft_ai::{
    remote::RemoteApi,
    request::{Generate, Message, Priority, Prompt, Speaker},
};
use zeroize::Zeroizing;

use super::super::Shared;
use super::routing::{Asking, Route};
use crate::{
    api::{
        AiProvider, AiProviderAdd, AiProviderList, AiProviderRemoved, AiProviderTested, ApiError,
        CallContext, ProviderKind, Purpose,
    },
    providers::{self as servers, ApiSecret, ProviderRecord, ProvidersError},
};

const PATIENCE_SECONDS: u64 = 60;
const PATIENCE_SECONDS_MAX: u64 = 600;
/// Letters of the name of a model.
const MODEL_CHARS_MAX: usize = 128;

const OPENAI_URL: &str = "https://api.openai.com/v1";
const ANTHROPIC_URL: &str = "https://api.anthropic.com/v1";

/// What is told of a failure.
pub(super) fn error(error: &ProvidersError) -> ApiError {
    ApiError::failed(super::super::opening::chain(error))
        .hint("`weft doctor` looks for the cause")
        .data_state("the servers are as they were")
}

fn shown(shared: &Shared, record: &ProviderRecord) -> AiProvider {
    let state = shared.state();
    let name = |id: &String| match id.as_str() {
        "" => String::new(),
        id => {
            let known = state.registry.all().find(|record| record.id.to_string() == id);
            known.map_or_else(|| id.to_owned(), |record| record.name.clone())
        }
    };
    AiProvider {
        id: record.id.clone(),
        kind: match record.api {
            RemoteApi::OpenAi => ProviderKind::OpenAi,
            RemoteApi::Anthropic => ProviderKind::Anthropic,
        },
        url: record.url.clone(),
        model: record.model.clone(),
        has_key: record.secret.is_some(),
        patience_seconds: record.patience.as_secs(),
        chosen_for: record.chosen_for.clone(),
        confirmed: record.confirmed.iter().map(name).collect(),
    }
}

pub(in crate::node) async fn providers(shared: &Arc<Shared>) -> Result<AiProviderList, ApiError> {
    let known = servers::all(&*shared.storage).map_err(|failed| error(&failed))?;
    Ok(AiProviderList { providers: known.iter().map(|record| shown(shared, record)).collect() })
}

pub(in crate::node) async fn add_provider(
    shared: &Arc<Shared>,
    request: AiProviderAdd,
) -> Result<AiProvider, ApiError> {
    let refused = |what: String| ApiError::usage(what).data_state("the servers are as they were");
    if !servers::is_id(&request.id) {
        return Err(refused(format!("{:?} is no name for a server", request.id))
            .hint("a name has letters, digits, dots, dashes and underscores"));
    }
    let (api, usual) = match request.kind {
        ProviderKind::OpenAi => (RemoteApi::OpenAi, OPENAI_URL),
        ProviderKind::Anthropic => (RemoteApi::Anthropic, ANTHROPIC_URL),
    };
    let url = servers::checked_url(request.url.as_deref().unwrap_or(usual))
        .map_err(|what| refused(what).hint("an address looks like https://api.example.org/v1"))?;
    let is_model = !request.model.trim().is_empty()
        && request.model.chars().count() <= MODEL_CHARS_MAX
        && !request.model.contains(char::is_control);
    if !is_model {
        return Err(
            refused("the model has no name that a server could know".to_owned()).hint("name it with --model")
        );
    }
    let secret = request.key.map(|key| Zeroizing::new(key.0.trim().to_owned()));
    if secret.as_ref().is_some_and(|secret| !servers::is_secret(secret)) {
        // It is not repeated.
        return Err(refused(
            "the key is none: it has other signs than letters, digits and punctuation".to_owned(),
        )
        .hint("copy it once more, as one line"));
    }
    let patience = request.patience_seconds.unwrap_or(PATIENCE_SECONDS);
    if !(1..=PATIENCE_SECONDS_MAX).contains(&patience) {
        return Err(refused(format!("the patience is 1 to {PATIENCE_SECONDS_MAX} seconds")));
    }
    let before = servers::find(&*shared.storage, &request.id).map_err(|failed| error(&failed))?;
    let record = ProviderRecord {
        id: request.id,
        api,
        url,
        model: request.model.trim().to_owned(),
        secret: secret.map(ApiSecret),
        patience: Duration::from_secs(patience),
        chosen_for: before.map(|before| before.chosen_for).unwrap_or_default(),
        confirmed: BTreeSet::new(),
    };
    servers::put(&*shared.storage, &record).map_err(|failed| error(&failed))?;
    Ok(shown(shared, &record))
}

/// The server of a name.
pub(super) fn find(shared: &Shared, id: &str) -> Result<ProviderRecord, ApiError> {
    let found = servers::find(&*shared.storage, id).map_err(|failed| error(&failed))?;
    found.ok_or_else(|| {
        ApiError::not_found(format!("there is no server {id:?}"))
            .hint("`weft ai providers` lists what there is")
    })
}

pub(in crate::node) async fn remove_provider(
    shared: &Arc<Shared>,
    id: &str,
) -> Result<AiProviderRemoved, ApiError> {
    let record = find(shared, id)?;
    servers::remove(&*shared.storage, &record.id).map_err(|failed| error(&failed))?;
    Ok(AiProviderRemoved { id: record.id })
}

/// Asks a server for a word, without anything of a workspace: whoever names it agrees to that.
pub(in crate::node) async fn test_provider(
    shared: &Arc<Shared>,
    id: &str,
    context: &CallContext,
) -> Result<AiProviderTested, ApiError> {
    let mut record = find(shared, id)?;
    record.confirmed.insert(String::new());
    let question = Message { speaker: Speaker::User, text: "Answer with the word ok.".to_owned() };
    let asked = Generate { max_tokens: 16, ..Generate::new(Prompt::Chat(vec![question]), Priority::Chat) };
    let asking =
        Asking { workspace: None, confirm: false, shown: &[], may_repeat: false, stream: None, context };
    let route = Route::Server(record.clone(), record.model.clone());
    let answer = shared.ai.answer(shared, &route, asked, asking).await?;
    Ok(AiProviderTested { id: record.id, text: answer.text, seconds: answer.seconds })
}

/// Asks a server, or no server any more, when no model is named.
pub(super) fn choose(shared: &Shared, chosen: Option<&str>, role: Purpose) -> Result<(), ApiError> {
    for mut record in servers::all(&*shared.storage).map_err(|failed| error(&failed))? {
        let (had, has) = (record.chosen_for.contains(&role), chosen == Some(record.id.as_str()));
        if had != has {
            record.chosen_for.retain(|other| *other != role);
            record.chosen_for.extend(has.then_some(role));
            servers::put(&*shared.storage, &record).map_err(|failed| error(&failed))?;
        }
    }
    Ok(())
}
