//! Conversations with models, sealed in the store under their workspace: what is shown in a list apart from the turns, so that
//! a list costs little.

use serde::{Deserialize, Serialize};
use weft_store::{CommitError, ReadError, Space, Storage, Table, Write};
use weft_sync::ids::WorkspaceId;

use crate::api::{AiConversation, AiConversationHead, AiTurn, WallTime};

const HEADS: &[u8] = b"ai-conversation-head/";
const TURNS: &[u8] = b"ai-conversation/";
const VERSION: u8 = 1;
/// Conversations of a workspace; the one that was kept longest ago goes.
const CONVERSATIONS_MAX: usize = 100;
/// Turns of a conversation; the first ones go.
const TURNS_MAX: usize = 100;
/// Bytes of a conversation as it is stored; the first turns go.
const CONVERSATION_BYTES_MAX: usize = 1024 * 1024;
/// Letters of a title.
const TITLE_CHARS_MAX: usize = 80;

/// Why a conversation is not known or not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ConversationError {
    /// The store cannot be read.
    #[error("the conversations cannot be read from the store")]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error("the conversation cannot be written to the store")]
    Commit(#[from] CommitError),
    /// There is none of this number.
    #[error("there is no conversation {0}")]
    NotFound(u64),
    /// Its last turn alone is too long.
    #[error("a turn of a conversation has at most {CONVERSATION_BYTES_MAX} bytes")]
    TooLong,
    /// It has no turns.
    #[error("a conversation without turns is not kept")]
    Empty,
}

#[derive(Serialize, Deserialize)]
struct StoredHead {
    version: u8,
    title: String,
    changed: i64,
    turns: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredTurns {
    version: u8,
    turns: Vec<AiTurn>,
}

fn space(ws: WorkspaceId) -> Space {
    Space::workspace(ws, Table::Setting)
}

fn key(of: &[u8], id: u64) -> Vec<u8> {
    [of, &id.to_be_bytes()].concat()
}

/// The conversations of a workspace, the newest first. What a newer version wrote is passed over.
pub(crate) fn list(
    store: &dyn Storage,
    ws: WorkspaceId,
) -> Result<Vec<AiConversationHead>, ConversationError> {
    let head = |(key, value): (Vec<u8>, Vec<u8>)| {
        let id = u64::from_be_bytes(key.strip_prefix(HEADS)?.try_into().ok()?);
        let stored: StoredHead = serde_json::from_slice(&value).ok()?;
        (stored.version == VERSION).then(|| AiConversationHead {
            id,
            title: stored.title,
            changed: WallTime::from_millis(stored.changed),
            turns: stored.turns,
        })
    };
    let mut heads: Vec<_> = store.records(space(ws), HEADS)?.into_iter().filter_map(head).collect();
    heads.sort_by_key(|head| std::cmp::Reverse((head.changed, head.id)));
    Ok(heads)
}

/// A conversation with its turns.
pub(crate) fn get(
    store: &dyn Storage,
    ws: WorkspaceId,
    id: u64,
) -> Result<AiConversation, ConversationError> {
    let value = store.record(space(ws), &key(TURNS, id))?.ok_or(ConversationError::NotFound(id))?;
    let stored: Option<StoredTurns> = serde_json::from_slice(&value).ok();
    let stored = stored.filter(|stored| stored.version == VERSION).ok_or(ConversationError::NotFound(id))?;
    Ok(AiConversation { id, turns: stored.turns })
}

/// Keeps a conversation, and forgets what is too much.
pub(crate) fn keep(
    store: &dyn Storage,
    ws: WorkspaceId,
    id: Option<u64>,
    turns: Vec<AiTurn>,
    now: WallTime,
) -> Result<AiConversationHead, ConversationError> {
    let heads = list(store, ws)?;
    let id = id.unwrap_or_else(|| heads.iter().map(|head| head.id).max().unwrap_or(0).saturating_add(1));
    let turns = shortened(turns)?;
    let title = title(&turns).ok_or(ConversationError::Empty)?;
    let head = AiConversationHead { id, title, changed: now, turns: turns.len() as u64 };
    let stored =
        StoredHead { version: VERSION, title: head.title.clone(), changed: now.millis(), turns: head.turns };
    let encoded = |value: serde_json::Result<Vec<u8>>| value.expect("texts and numbers");
    let put = |of, value| Write::Record { space: space(ws), key: key(of, id), value: Some(value) };
    let mut writes = vec![
        put(HEADS, encoded(serde_json::to_vec(&stored))),
        put(TURNS, encoded(serde_json::to_vec(&StoredTurns { version: VERSION, turns }))),
    ];
    let others = heads.iter().filter(|head| head.id != id);
    writes.extend(others.skip(CONVERSATIONS_MAX - 1).flat_map(|old| gone(ws, old.id)));
    store.commit(&writes)?;
    Ok(head)
}

/// Forgets a conversation.
pub(crate) fn remove(store: &dyn Storage, ws: WorkspaceId, id: u64) -> Result<(), ConversationError> {
    if store.record(space(ws), &key(HEADS, id))?.is_none() {
        return Err(ConversationError::NotFound(id));
    }
    store.commit(&gone(ws, id))?;
    Ok(())
}

fn gone(ws: WorkspaceId, id: u64) -> [Write; 2] {
    [HEADS, TURNS].map(|of| Write::Record { space: space(ws), key: key(of, id), value: None })
}

/// The last turns that there is room for.
fn shortened(turns: Vec<AiTurn>) -> Result<Vec<AiTurn>, ConversationError> {
    let mut room = CONVERSATION_BYTES_MAX;
    let (mut kept, has_turns) = (Vec::new(), !turns.is_empty());
    for turn in turns.into_iter().rev().take(TURNS_MAX) {
        let bytes = serde_json::to_vec(&turn).map_or(usize::MAX, |turn| turn.len());
        let Some(left) = room.checked_sub(bytes) else { break };
        room = left;
        kept.push(turn);
    }
    if kept.is_empty() && has_turns {
        return Err(ConversationError::TooLong);
    }
    kept.reverse();
    Ok(kept)
}

fn title(turns: &[AiTurn]) -> Option<String> {
    let said = turns.first()?.said.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(said.chars().take(TITLE_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use weft_store::MemoryStore;

    use super::*;

    const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);

    fn turn(said: &str) -> AiTurn {
        AiTurn { said: said.to_owned(), text: "an answer".to_owned(), ..AiTurn::default() }
    }

    fn at(millis: usize) -> WallTime {
        WallTime::from_millis(i64::try_from(millis).expect("a small number"))
    }

    #[test]
    fn they_are_kept_listed_given_and_forgotten() {
        let store = MemoryStore::new(weft_store::Instance([1; 16]));
        let first = keep(&store, WS, None, vec![turn("what\n is  this?")], at(1)).expect("room");
        assert_eq!((first.id, first.title.as_str()), (1, "what is this?"));
        let second = keep(&store, WS, None, vec![turn("two")], at(2)).expect("room");
        keep(&store, WS, Some(first.id), vec![turn("one"), turn("more")], at(3)).expect("room");
        let told: Vec<(u64, u64)> =
            list(&store, WS).expect("a list").iter().map(|it| (it.id, it.turns)).collect();
        assert_eq!(told, [(1, 2), (2, 1)], "the newest first");
        assert_eq!(get(&store, WS, 1).expect("it").turns, [turn("one"), turn("more")]);
        let other = WorkspaceId::from_bytes([2; 32]);
        assert!(list(&store, other).expect("a list").is_empty() && get(&store, other, 1).is_err());
        remove(&store, WS, second.id).expect("it is there");
        assert!(matches!(remove(&store, WS, second.id), Err(ConversationError::NotFound(2))));
        assert!(get(&store, WS, second.id).is_err());
        assert!(matches!(keep(&store, WS, None, Vec::new(), at(4)), Err(ConversationError::Empty)));
    }

    #[test]
    fn what_is_too_much_goes_the_oldest_first() {
        let store = MemoryStore::new(weft_store::Instance([1; 16]));
        for number in 0..=CONVERSATIONS_MAX {
            keep(&store, WS, None, vec![turn("x")], at(number)).expect("room");
        }
        let told = list(&store, WS).expect("a list");
        assert_eq!((told.len(), told.last().map(|head| head.id)), (CONVERSATIONS_MAX, Some(2)));
        assert!(get(&store, WS, 1).is_err());
        let many: Vec<AiTurn> = (0..=TURNS_MAX).map(|number| turn(&number.to_string())).collect();
        keep(&store, WS, Some(2), many, at(999)).expect("room");
        let kept = get(&store, WS, 2).expect("it").turns;
        assert_eq!((kept.len(), kept[0].said.as_str()), (TURNS_MAX, "1"));
        let long = AiTurn { text: "y".repeat(CONVERSATION_BYTES_MAX / 2), ..turn("long") };
        keep(&store, WS, Some(2), vec![long.clone(), turn("short"), long.clone()], at(1_000)).expect("room");
        assert_eq!(get(&store, WS, 2).expect("it").turns.len(), 2);
        let longer = AiTurn { text: "y".repeat(CONVERSATION_BYTES_MAX), ..long };
        assert!(matches!(
            keep(&store, WS, Some(2), vec![longer], at(1_001)),
            Err(ConversationError::TooLong)
        ));
    }
}
