//! Targets of `./dev fuzz`: the files of a data folder besides the database.

use std::mem::discriminant;
use std::path::PathBuf;

use weft_fuzz::{Structure, TEXT_PARTS, Target, reached};
use weft_sync::LogId;

use crate::home::identity;
use crate::keys::{file as keys_file, slot::Kek};
use crate::packs::recover::whole_records;
use crate::rows::Instance;
use crate::session::file as counters;

// Packs.

fn record(chunk: &[u8]) -> Vec<u8> {
    let length = (chunk.len() as u32).to_le_bytes();
    [b"WCK1", &length[..], blake3::hash(chunk).as_bytes(), chunk].concat()
}

fn split_pack(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<40>() {
        let length = u32::from_le_bytes(*header[4..].first_chunk()?) as usize;
        let (chunk, after) = after.split_at_checked(length)?;
        chunks.push(chunk.to_vec());
        rest = after;
    }
    Some(chunks)
}

const PACKS: Target = Target {
    name: "pack",
    decode: |bytes| {
        let records = whole_records(bytes, 3, 7).expect("memory can be read");
        let mut end = 7;
        for (id, location) in &records {
            assert!(location.start == end + 40, "records follow one another");
            let at = (location.start - 7) as usize;
            let chunk = &bytes[at..at + location.length as usize];
            assert_eq!(blake3::hash(chunk).as_bytes(), id.as_bytes(), "what is taken in is right");
            end = location.end();
        }
        reached((records.len().min(5), end - 7 == bytes.len() as u64));
    },
    seeds: || {
        let chunks: [&[u8]; 4] = [b"", b"one", &[0; 300], b"the last"];
        vec![chunks.map(record).concat()]
    },
    structure: Structure {
        split: split_pack,
        join: |chunks| chunks.iter().flat_map(|chunk| record(chunk)).collect(),
    },
};

#[test]
fn pack() {
    weft_fuzz::run(&PACKS);
}

// The counters of sessions.

const INSTANCE: Instance = Instance([4; 16]);

const COUNTERS: Target = Target {
    name: "counters",
    decode: |bytes| {
        let Some((counted, slots)) = counters::parse(bytes, INSTANCE) else { return reached("refused") };
        reached(("counters", counted.len().min(4)));
        assert_eq!(counted.len(), slots.len(), "each log has its slot");
    },
    seeds: || {
        let slots =
            (1..4).flat_map(|n| counters::encode_slot(LogId::from_bytes([n; 32]), u64::from(n) << 20));
        vec![counters::header(INSTANCE).into_iter().chain(slots).collect()]
    },
    // Each slot gets the checksum that belongs to it.
    structure: Structure {
        split: |bytes| {
            Some(bytes.get(64..)?.chunks(48).map(|slot| slot[..slot.len().min(40)].to_vec()).collect())
        },
        join: |slots| {
            let mut bytes = counters::header(INSTANCE).to_vec();
            for slot in slots {
                bytes.extend(slot);
                bytes.extend(&blake3::hash(slot).as_bytes()[..8]);
            }
            bytes
        },
    },
};

#[test]
fn counters() {
    weft_fuzz::run(&COUNTERS);
}

// keys.json and identity.json.

const KEYS: Target = Target {
    name: "keys",
    decode: |bytes| {
        match keys_file::parse(bytes, PathBuf::new()) {
            Ok(keys) => {
                reached(("keys", keys.kinds().len()));
                let kek = Kek::parse(&"07".repeat(32)).expect("a key");
                for kind in keys.kinds() {
                    let opened =
                        keys.slot(kind).map(|slot| slot.open_with_kek(&kek, &keys.profile).map(|_| ()));
                    reached(opened.map(|opened| opened.map_err(|error| error.to_string())));
                }
            }
            Err(error) => reached(discriminant(&error)),
        }
        match identity::read(bytes, PathBuf::new()) {
            Ok(identity) => reached(("an identity", identity.device_name.len().min(3))),
            Err(error) => reached(discriminant(&error)),
        }
    },
    seeds: || {
        let keys = r#"{"version":1,"profile":"0011223344556677","slots":[{"kind":"file","sealed":"aa"},
            {"kind":"keyring","sealed":"00"},{"kind":"passphrase","age":"YWdl"},{"kind":"later","x":[1]}]}"#;
        let id = "ab".repeat(32);
        let identity = format!(
            r#"{{"version":1,"user":"{id}","device":"{id}","endpoint":"{id}","device_name":"laptop"}}"#
        );
        vec![keys.into(), keys.replace("\"aa\"", &format!("\"{}\"", "5a".repeat(72))).into(), identity.into()]
    },
    structure: TEXT_PARTS,
};

#[test]
fn keys() {
    weft_fuzz::run(&KEYS);
}
