//! What is known of a server, sealed in the store.

use std::{collections::BTreeSet, fmt, time::Duration};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use weft_ai::remote::RemoteApi;
use weft_store::{CommitError, ReadError, Space, Storage, Table, Write};
use zeroize::Zeroizing;

use crate::api::Purpose;

const PREFIX: &[u8] = b"ai-provider/";
const VERSION: u8 = 1;
/// Servers of one device.
const PROVIDERS_MAX: usize = 64;
/// Letters of a name.
const ID_CHARS_MAX: usize = 32;
/// Bytes of a key.
const SECRET_BYTES_MAX: usize = 4096;

/// Why a server is not known or not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProvidersError {
    /// The store cannot be read.
    #[error("the servers for models cannot be read from the store")]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error("the servers for models cannot be written to the store")]
    Commit(#[from] CommitError),
    /// There are enough.
    #[error("there are {PROVIDERS_MAX} servers already")]
    Full,
}

/// The key of a server. It never shows in what is printed for developers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiSecret(pub(crate) Zeroizing<String>);

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderRecord {
    pub(crate) id: String,
    pub(crate) api: RemoteApi,
    /// Without a slash at its end.
    pub(crate) url: String,
    /// The model that it is asked for.
    pub(crate) model: String,
    pub(crate) secret: Option<ApiSecret>,
    /// How long it may say nothing.
    pub(crate) patience: Duration,
    /// What it is asked for when no model is named.
    pub(crate) chosen_for: Vec<Purpose>,
    /// From where the person has agreed to send: ids of workspaces, and the empty text for what is of none.
    pub(crate) confirmed: BTreeSet<String>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct StoredProvider {
    version: u8,
    api: RemoteApi,
    url: String,
    model: String,
    secret: Option<String>,
    patience_seconds: u64,
    chosen_for: Vec<Purpose>,
    confirmed: BTreeSet<String>,
}

fn space() -> Space {
    Space::device(Table::Setting)
}

fn key_of(id: &str) -> Vec<u8> {
    [PREFIX, id.as_bytes()].concat()
}

fn decode(key: &[u8], value: Vec<u8>) -> Option<ProviderRecord> {
    let value = Zeroizing::new(value);
    let id = String::from_utf8(key.strip_prefix(PREFIX)?.to_vec()).ok()?;
    let stored: StoredProvider = serde_json::from_slice(&value).ok()?;
    (stored.version == VERSION && is_id(&id)).then(|| ProviderRecord {
        id,
        api: stored.api,
        url: stored.url,
        model: stored.model,
        secret: stored.secret.map(|secret| ApiSecret(Zeroizing::new(secret))),
        patience: Duration::from_secs(stored.patience_seconds),
        chosen_for: stored.chosen_for,
        confirmed: stored.confirmed,
    })
}

/// All servers, by name. What a newer version wrote is passed over.
pub(crate) fn all(store: &dyn Storage) -> Result<Vec<ProviderRecord>, ProvidersError> {
    let rows = store.records(space(), PREFIX)?;
    let mut records: Vec<_> = rows.into_iter().filter_map(|(key, value)| decode(&key, value)).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(records)
}

/// The server of a name.
pub(crate) fn find(store: &dyn Storage, id: &str) -> Result<Option<ProviderRecord>, ProvidersError> {
    let key = key_of(id);
    Ok(store.record(space(), &key)?.and_then(|value| decode(&key, value)))
}

/// Keeps a server, in the place of the one that had its name.
pub(crate) fn put(store: &dyn Storage, record: &ProviderRecord) -> Result<(), ProvidersError> {
    let known = all(store)?;
    if known.len() >= PROVIDERS_MAX && !known.iter().any(|other| other.id == record.id) {
        return Err(ProvidersError::Full);
    }
    let stored = StoredProvider {
        version: VERSION,
        api: record.api,
        url: record.url.clone(),
        model: record.model.clone(),
        secret: record.secret.as_ref().map(|secret| secret.0.to_string()),
        patience_seconds: record.patience.as_secs(),
        chosen_for: record.chosen_for.clone(),
        confirmed: record.confirmed.clone(),
    };
    let value = serde_json::to_vec(&stored).expect("texts and numbers");
    write(store, &record.id, Some(value))
}

/// Forgets a server with its key.
pub(crate) fn remove(store: &dyn Storage, id: &str) -> Result<(), ProvidersError> {
    write(store, id, None)
}

fn write(store: &dyn Storage, id: &str, value: Option<Vec<u8>>) -> Result<(), ProvidersError> {
    store.commit(&[Write::Record { space: space(), key: key_of(id), value }])?;
    Ok(())
}

/// Whether this can name a server. There is no slash in it: behind one stands a model.
pub(crate) fn is_id(id: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.chars().all(is_letter) && !id.starts_with(['.', '-'])
}

/// Whether this can be a key: what a header may carry.
pub(crate) fn is_secret(secret: &str) -> bool {
    (1..=SECRET_BYTES_MAX).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The address of a server without a slash at its end; plain http only on this device, where nobody stands between.
pub(crate) fn checked_url(url: &str) -> Result<String, String> {
    let parsed = Url::parse(url).map_err(|error| format!("{url:?} is no address: {error}"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if is_here(&parsed) => {}
        "http" => return Err("what is sent to another machine is sent with https".to_owned()),
        _ => return Err(format!("{url:?} is no address of a server: it begins with https://")),
    }
    let has_more = parsed.query().is_some() || parsed.fragment().is_some();
    if !parsed.username().is_empty() || parsed.password().is_some() || has_more {
        return Err("the address of a server has no user, no password, and nothing behind ? or #".to_owned());
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// Whether an address is on this machine.
pub(super) fn is_here(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_store::{Instance, MemoryStore};

    fn record(id: &str) -> ProviderRecord {
        ProviderRecord {
            id: id.to_owned(),
            api: RemoteApi::Anthropic,
            url: "https://example.org/v1".to_owned(),
            model: "m".to_owned(),
            secret: Some(ApiSecret(Zeroizing::new("sk-hunter2".to_owned()))),
            patience: Duration::from_secs(60),
            chosen_for: vec![Purpose::Chat],
            confirmed: BTreeSet::from([String::new()]),
        }
    }

    #[test]
    fn servers_are_kept_replaced_and_forgotten() {
        let store = MemoryStore::new(Instance([7; 16]));
        put(&store, &record("b")).unwrap();
        put(&store, &record("a")).unwrap();
        let newer = ProviderRecord { model: "n".into(), secret: None, ..record("b") };
        put(&store, &newer).unwrap();
        assert_eq!(all(&store).unwrap(), [record("a"), newer.clone()]);
        assert_eq!(find(&store, "b").unwrap(), Some(newer));
        remove(&store, "b").unwrap();
        assert_eq!(find(&store, "b").unwrap(), None);
        for number in 1..PROVIDERS_MAX {
            put(&store, &record(&format!("n{number}"))).unwrap();
        }
        assert!(matches!(put(&store, &record("more")), Err(ProvidersError::Full)));
        put(&store, &record("a")).unwrap();
    }

    #[test]
    fn a_key_shows_nowhere() {
        assert!(!format!("{:?}", record("a")).contains("hunter2"));
    }

    #[test]
    fn names_keys_and_addresses_are_checked() {
        assert!(is_id("open-ai_4.1") && is_id(&"a".repeat(ID_CHARS_MAX)));
        for wrong in ["", "a/b", "../x", "-a", "ä", &"a".repeat(ID_CHARS_MAX + 1)] {
            assert!(!is_id(wrong), "{wrong}");
        }
        assert!(is_secret(&"s".repeat(SECRET_BYTES_MAX)) && !is_secret(&"s".repeat(SECRET_BYTES_MAX + 1)));
        assert!(!is_secret("") && !is_secret("a b") && !is_secret("a\nX-Evil: 1") && !is_secret("ä"));
        assert_eq!(checked_url("https://example.org/v1/"), Ok("https://example.org/v1".to_owned()));
        assert_eq!(checked_url("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080".to_owned()));
        let wrongs = [
            "http://example.org",
            "ftp://a",
            "file:///etc/passwd",
            "https://u:p@a",
            "https://a/?k=v",
            "https://a/#x",
            "no",
        ];
        for wrong in wrongs {
            assert!(checked_url(wrong).is_err(), "{wrong}");
        }
    }
}
