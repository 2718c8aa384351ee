//! Where people are: what devices tell each other of it, and what is known of the others. Pure; time is an argument.
//!
//! A device tells the members' devices that are connected to it which text its person is in and where the cursor is, as
//! datagrams. Nothing of it is stored. A [`Note`] names a document and places by their ids, which mean something only to
//! whoever can read the workspace; it carries no name and no path. Who somebody is follows from the connection.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use weft_crdt::{Anchor, DocumentId};
use weft_net::limits::DATAGRAM_BYTES_MAX;
use weft_sync::ids::{EndpointId, WorkspaceId};

/// How long somebody is taken to be where they were said to be.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(10);
/// How often it is said again, so that three notes may get lost.
pub(crate) const SAY_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// The shortest time between two notes about one workspace: twenty a second.
pub(crate) const NOTE_EVERY: Duration = Duration::from_millis(50);

/// Most further cursors of one person.
pub(crate) const OTHER_CURSORS_MAX: usize = 31;

/// The form of a note with at most one cursor, and that of one with more; others are not read.
const VERSION: u8 = 1;
const VERSION_OF_MANY: u8 = 2;

/// What a device says of its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// In which workspace.
    pub(crate) ws: [u8; 32],
    /// Grows with each note of a connection: what comes late is not taken.
    pub(crate) number: u64,
    /// Where; nothing, when they are in no text.
    pub(crate) place: Option<Place>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which text.
    pub(crate) document: DocumentId,
    /// Where in it.
    pub(crate) cursor: Cursor,
    /// Further cursors, in order; a note takes as many as find room.
    pub(crate) others: Vec<Cursor>,
}

/// A cursor, with its selection, that stays with its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The end that stays.
    pub(crate) anchor: Anchor,
    /// The end that moves.
    pub(crate) head: Anchor,
}

/// A note with at most one cursor as it travels.
#[derive(Serialize, Deserialize)]
struct NoteWire {
    ws: [u8; 32],
    number: u64,
    place: Option<(DocumentId, Cursor)>,
}

/// A note with several cursors as it travels.
#[derive(Serialize, Deserialize)]
struct ManyWire {
    ws: [u8; 32],
    number: u64,
    document: DocumentId,
    cursor: Cursor,
    /// The ends that move, each with the end that stays, unless that is the same.
    others: Vec<(Anchor, Option<Anchor>)>,
}

impl Note {
    /// Writes the note as a datagram: with as many of the further cursors as find room.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (ws, number) = (self.ws, self.number);
        if let Some(place) = self.place.as_ref().filter(|place| !place.others.is_empty()) {
            let others = place.others.iter().take(OTHER_CURSORS_MAX);
            let others = others.map(|one| (one.head, Some(one.anchor).filter(|anchor| *anchor != one.head)));
            let (document, cursor) = (place.document, place.cursor);
            let mut many = ManyWire { ws, number, document, cursor, others: others.collect() };
            loop {
                let bytes = written(VERSION_OF_MANY, &many);
                if bytes.len() <= DATAGRAM_BYTES_MAX || many.others.pop().is_none() {
                    return bytes;
                }
            }
        }
        let place = self.place.as_ref().map(|place| (place.document, place.cursor));
        written(VERSION, &NoteWire { ws, number, place })
    }

    /// Reads a datagram; nothing, when it is no note of these versions.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first().filter(|_| bytes.len() <= DATAGRAM_BYTES_MAX)?;
        match *version {
            VERSION => {
                let (note, rest) = postcard::take_from_bytes::<NoteWire>(rest).ok()?;
                let place =
                    note.place.map(|(document, cursor)| Place { document, cursor, others: Vec::new() });
                rest.is_empty().then_some(Self { ws: note.ws, number: note.number, place })
            }
            VERSION_OF_MANY => {
                let (note, rest) = postcard::take_from_bytes::<ManyWire>(rest).ok()?;
                if !rest.is_empty() || note.others.is_empty() || note.others.len() > OTHER_CURSORS_MAX {
                    return None;
                }
                let others = note.others.into_iter();
                let others =
                    others.map(|(head, anchor)| Cursor { head, anchor: anchor.unwrap_or(head) }).collect();
                let place = Place { document: note.document, cursor: note.cursor, others };
                Some(Self { ws: note.ws, number: note.number, place: Some(place) })
            }
            _ => None,
        }
    }
}

fn written(version: u8, note: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(&(version, note)).expect("a note has no unknown lengths")
}

/// What was heard of one device last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    number: u64,
    place: Option<Place>,
    at: Instant,
    /// Whether the place could not be found: the text there has not come yet.
    is_ahead: bool,
}

/// Where others are.
#[derive(Debug, Default)]
pub(crate) struct Others {
    heard: BTreeMap<(WorkspaceId, EndpointId), Heard>,
}

impl Others {
    /// Takes what a member's device says; whether that is another place than before.
    pub(crate) fn hear(&mut self, ws: WorkspaceId, from: EndpointId, note: &Note, now: Instant) -> bool {
        let before = self.heard.get(&(ws, from));
        if before.is_some_and(|before| before.number >= note.number) {
            return false;
        }
        let is_news = before.and_then(|before| before.place.as_ref()) != note.place.as_ref();
        let heard = Heard { number: note.number, place: note.place.clone(), at: now, is_ahead: false };
        self.heard.insert((ws, from), heard);
        is_news
    }

    /// Forgets who was not heard for long; gives the workspaces that were left.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<WorkspaceId> {
        let mut left = Vec::new();
        for ((ws, _), heard) in &mut self.heard {
            // The number stays, so that an old note that comes even later is not taken for news.
            if heard.place.is_some() && now.saturating_duration_since(heard.at) >= GONE_AFTER {
                heard.place = None;
                left.push(*ws);
            }
        }
        left.dedup();
        left
    }

    /// When the next is forgotten.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let here = self.heard.values().filter(|heard| heard.place.is_some());
        here.map(|heard| heard.at + GONE_AFTER).min()
    }

    /// Forgets a device that is not connected any more; gives the workspaces that it was in.
    pub(crate) fn forget(&mut self, device: EndpointId) -> Vec<WorkspaceId> {
        let gone = self.heard.extract_if(.., |(_, from), _| *from == device);
        gone.filter(|(_, heard)| heard.place.is_some()).map(|((ws, _), _)| ws).collect()
    }

    /// Forgets everybody of a workspace who is not among its readers any more.
    pub(crate) fn keep_only(&mut self, ws: WorkspaceId, is_reader: impl Fn(&EndpointId) -> bool) {
        self.heard.retain(|(of, from), _| *of != ws || is_reader(from));
    }

    /// Where a device's person is.
    pub(crate) fn place(&self, ws: WorkspaceId, device: EndpointId) -> Option<&Place> {
        self.heard.get(&(ws, device))?.place.as_ref()
    }

    /// Who is in a text, and where.
    pub(crate) fn in_document(
        &self,
        ws: WorkspaceId,
        document: DocumentId,
    ) -> impl Iterator<Item = (EndpointId, &Place)> + '_ {
        self.heard.iter().filter_map(move |((of, from), heard)| {
            let place = heard.place.as_ref().filter(|place| *of == ws && place.document == document)?;
            Some((*from, place))
        })
    }

    /// Notes whether the place of a device could not be found yet.
    pub(crate) fn set_ahead(&mut self, ws: WorkspaceId, device: EndpointId, is_ahead: bool) {
        if let Some(heard) = self.heard.get_mut(&(ws, device)) {
            heard.is_ahead = is_ahead;
        }
    }

    /// Whether somebody is at a place of this text that was not here when it was looked for.
    pub(crate) fn is_ahead(&self, ws: WorkspaceId, document: DocumentId) -> bool {
        self.heard.iter().any(|((of, _), heard)| {
            *of == ws
                && heard.is_ahead
                && heard.place.as_ref().is_some_and(|place| place.document == document)
        })
    }
}

/// A name as it may be shown: one line without what changes the direction of text or is not seen, of so many characters.
pub(crate) fn shown_name(name: &str) -> Option<String> {
    const NAME_CHARS_MAX: usize = 64;
    let is_seen = |letter: &char| {
        !(letter.is_control()
            || matches!(letter,
                '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'))
    };
    let name: String = name.chars().filter(is_seen).take(NAME_CHARS_MAX).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use weft_crdt::{ActorId, OpId, Side};

    const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);

    pub(crate) fn note(number: u64) -> Note {
        let actor = ActorId::from_bytes(&[255; ActorId::LENGTH_MAX]).unwrap();
        let at = Anchor { character: Some(OpId { counter: u64::MAX, actor }), side: Side::After };
        let cursor = Cursor { anchor: at, head: at };
        let place = Place { document: DocumentId::from_bytes([9; 16]), cursor, others: Vec::new() };
        Note { ws: *WS.as_bytes(), number, place: Some(place) }
    }

    /// With further cursors, of which every other is a selection.
    fn with_others(number: u64, actor_length: usize, count: usize) -> Note {
        let mut note = note(number);
        let actor = ActorId::from_bytes(&vec![7; actor_length]).unwrap();
        let at =
            |counter: usize, side| Anchor { character: Some(OpId { counter: counter as u64, actor }), side };
        note.place.as_mut().unwrap().others = (0..count)
            .map(|one| {
                let head = at(one, Side::After);
                let anchor = if one % 2 == 0 { head } else { at(one + 1, Side::Before) };
                Cursor { anchor, head }
            })
            .collect();
        note
    }

    fn device(byte: u8) -> EndpointId {
        EndpointId::from_bytes([byte; 32])
    }

    #[test]
    fn the_longest_note_fits_a_datagram_and_comes_back() {
        let longest = note(u64::MAX);
        let bytes = longest.encode();
        assert!(bytes.len() <= DATAGRAM_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(Note::decode(&bytes), Some(longest));
        for cut in 0..bytes.len() {
            assert_eq!(Note::decode(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Note::decode(&[&bytes[..], &[0]].concat()), None, "a tail");
        let mut of_another_version = bytes;
        of_another_version[0] += 1;
        assert_eq!(Note::decode(&of_another_version), None);
    }

    #[test]
    fn further_cursors_come_along_as_far_as_there_is_room() {
        let note = with_others(3, 8, 20);
        let bytes = note.encode();
        assert_eq!(Note::decode(&bytes), Some(note));
        for cut in 0..bytes.len() {
            assert_eq!(Note::decode(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Note::decode(&[&bytes[..], &[0]].concat()), None, "a tail");
        // Of the longest ones some are left out, and never more come than there may be.
        let longest = with_others(4, ActorId::LENGTH_MAX, OTHER_CURSORS_MAX);
        let bytes = longest.encode();
        assert!(bytes.len() <= DATAGRAM_BYTES_MAX, "{} bytes", bytes.len());
        let sent = Note::decode(&bytes).unwrap().place.unwrap();
        assert!(sent.others.len() >= 9, "{} of them", sent.others.len());
        assert_eq!(sent.others, longest.place.unwrap().others[..sent.others.len()]);
        let many = with_others(5, 1, OTHER_CURSORS_MAX + 5);
        let sent = Note::decode(&many.encode()).unwrap().place.unwrap();
        assert_eq!(sent.others.len(), OTHER_CURSORS_MAX);
        let mut too_many = with_others(6, 1, 2);
        let wire = ManyWire {
            ws: too_many.ws,
            number: 6,
            document: too_many.place.as_ref().unwrap().document,
            cursor: too_many.place.as_ref().unwrap().cursor,
            others: vec![(too_many.place.take().unwrap().cursor.head, None); OTHER_CURSORS_MAX + 1],
        };
        assert_eq!(Note::decode(&written(VERSION_OF_MANY, &wire)), None);
    }

    #[test]
    fn a_note_names_no_file_and_no_person() {
        // All there is in it are ids and counters: the bytes of a note are those of its fields.
        let bytes = note(7).encode();
        assert!(bytes.len() < 1 + 32 + 10 + 1 + 16 + 2 * (1 + 10 + 33 + 1) + 1, "{} bytes", bytes.len());
    }

    #[test]
    fn the_newest_note_wins_whatever_the_order() {
        let (mut others, now) = (Others::default(), Instant::now());
        let nowhere = Note { place: None, ..note(3) };
        assert!(others.hear(WS, device(1), &note(2), now));
        assert!(!others.hear(WS, device(1), &note(2), now), "twice");
        assert!(others.hear(WS, device(1), &nowhere, now));
        assert!(!others.hear(WS, device(1), &note(1), now), "late");
        assert_eq!(others.place(WS, device(1)), None);
        assert!(others.hear(WS, device(2), &note(1), now), "each device counts for itself");
        others.forget(device(1));
        assert!(others.hear(WS, device(1), &note(1), now), "a new connection counts anew");
    }

    #[test]
    fn who_is_not_heard_for_ten_seconds_is_gone() {
        let (mut others, now) = (Others::default(), Instant::now());
        others.hear(WS, device(1), &note(1), now);
        assert_eq!(others.next_expiry(), Some(now + GONE_AFTER));
        assert_eq!(others.expire(now + GONE_AFTER - Duration::from_millis(1)), []);
        assert!(!others.hear(WS, device(1), &note(2), now + SAY_AGAIN_AFTER), "said again is no news");
        assert_eq!(others.expire(now + GONE_AFTER), []);
        assert_eq!(others.expire(now + GONE_AFTER + SAY_AGAIN_AFTER), [WS]);
        assert_eq!((others.place(WS, device(1)), others.next_expiry()), (None, None));
        assert!(
            !others.hear(WS, device(1), &note(2), now + 2 * GONE_AFTER),
            "an old note brings nobody back"
        );
    }

    #[test]
    fn only_readers_are_kept() {
        let (mut others, now) = (Others::default(), Instant::now());
        for byte in 1..4 {
            others.hear(WS, device(byte), &note(1), now);
        }
        others.keep_only(WS, |from| *from == device(2));
        let place = note(1).place.unwrap();
        let there: Vec<_> = others.in_document(WS, place.document).collect();
        assert_eq!(there, [(device(2), &place)]);
    }

    #[test]
    fn names_are_one_line_of_what_is_seen() {
        assert_eq!(shown_name("Ana\u{202e}\n\u{1b}[31m").as_deref(), Some("Ana[31m"));
        assert_eq!(shown_name(" \u{200b}\u{2066} "), None);
        assert_eq!(shown_name(&"é".repeat(500)).unwrap().chars().count(), 64);
    }
}
