//! Targets of `./dev fuzz`: what programs say on the control socket, what peers say when contents are fetched, and what
//! this device keeps about folders.

use std::mem::discriminant;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use weft_crdt::ChunkId;
use weft_fuzz::{TEXT_PARTS, Target, WHOLE, reached};

use crate::api::{Request, Response};
use crate::control::message::{self, ToNode};
use crate::mirror::{JournalEntry, MirrorRow};
use crate::transfer::list::{self, ChunkSet};
use crate::transfer::{models, wire};
use crate::workspace::version::FileVersion;

// The control socket, from either end.

const CONTROL: Target = Target {
    name: "control",
    decode: |line| {
        match message::parse_to_node(line) {
            Ok(ToNode::Request { id, method, params }) => match Request::decode(&method, params) {
                Ok(request) => {
                    reached(("a request", request.method()));
                    let params = request.params().expect("what came as JSON goes as JSON");
                    let again = Request::decode(request.method(), params).expect("a request");
                    assert_eq!(format!("{request:?}"), format!("{again:?}"));
                }
                Err(error) => {
                    reached(("no request", discriminant(&error)));
                    let refusal = message::Refusal::undecodable(id, &error).to_line();
                    assert_eq!(refusal.find('\n'), Some(refusal.len() - 1), "an answer is one line");
                }
            },
            Ok(_) => reached("a notification"),
            Err(refusal) => assert_eq!(refusal.to_line().matches('\n').count(), 1, "an answer is one line"),
        }
        match message::parse_from_node(line) {
            Ok(message) => {
                reached(("from a node", discriminant(&message)));
                if let message::FromNode::Result { result, .. } = message {
                    for method in Request::METHODS {
                        reached((*method, Response::decode(method, result.clone()).is_ok()));
                    }
                }
            }
            Err(_) => reached("nothing from a node"),
        }
    },
    seeds: || {
        let request = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
        };
        let mut lines: Vec<String> = Request::METHODS
            .iter()
            .map(|method| request(method, r#"{"folder":"/w","file":"/w/a.md"}"#))
            .collect();
        lines.push(request("edit", r#"{"file":"/w/a","edit":{"insert":{"at":3,"text":"x"}}}"#));
        lines.push(request(
            "document.edit",
            r#"{"document":1,"revision":7,"edits":[{"at":0,"delete":1,"insert":"é"}]}"#,
        ));
        lines
            .push(request("join", r#"{"ticket":"abc","parent":"/w","timeout_seconds":5,"existing":"mine"}"#));
        lines.push(r#"{"method":"cancel","params":{"id":"one"}}"#.to_owned());
        lines.push(r#"{"id":3,"error":{"code":-32003,"message":"no","data":{"hint":"h"}}}"#.to_owned());
        lines.push(r#"{"id":3,"result":{"tree":"00","heads":"11","files":3}}"#.to_owned());
        lines.push(message::hello_line());
        lines.into_iter().map(String::into_bytes).collect()
    },
    structure: TEXT_PARTS,
};

#[test]
fn control() {
    weft_fuzz::run(&CONTROL);
}

// Contents.

fn some_chunks() -> ChunkSet {
    let mut chunks = ChunkSet::default();
    for byte in [0_u8, 1, 1, 7, 255] {
        let mut id = [byte; 32];
        id[1] = byte.wrapping_mul(3);
        chunks.insert(ChunkId::from_bytes(id));
    }
    chunks
}

const TRANSFERS: Target = Target {
    name: "transfer",
    decode: |bytes| {
        match wire::decode_request(Bytes::copy_from_slice(bytes)) {
            Ok(ids) => {
                reached(("a request", ids.len().min(3)));
                assert_eq!(wire::encode_request(&ids), bytes);
            }
            Err(error) => reached(discriminant(&error)),
        }
        match wire::decode_reply(Bytes::copy_from_slice(bytes)) {
            Ok(chunks) => {
                let there = chunks.iter().filter(|(_, chunk)| chunk.is_some()).count();
                reached(("a reply", chunks.len().min(4), there.min(3)));
            }
            Err(error) => reached(("no reply", discriminant(&error))),
        }
        match list::decode_request(Bytes::copy_from_slice(bytes)) {
            Ok(request) => reached(("a list", list::encode_reply(&request, &some_chunks()).len())),
            Err(error) => reached(("no list", discriminant(&error))),
        }
        match models::decode_request(Bytes::copy_from_slice(bytes)) {
            Ok(request) => {
                reached(("about models", request.get.is_some()));
                assert_eq!(models::encode_request(&request), bytes);
            }
            Err(error) => reached(("nothing about models", discriminant(&error))),
        }
        match models::decode_offers(bytes) {
            Ok(offers) => {
                reached(("models", offers.len().min(3)));
                assert_eq!(models::decode_offers(&models::encode_offers(offers.clone())), Ok(offers));
            }
            Err(error) => reached(("no models", discriminant(&error))),
        }
        if let Some(note) = crate::presence::Note::decode(bytes) {
            reached(("a note", note.place.is_some()));
            assert_eq!(crate::presence::Note::decode(&note.encode()), Some(note));
        }
        let mut held = some_chunks();
        match list::decode_reply(Bytes::copy_from_slice(bytes), &mut held) {
            Ok(new) => {
                reached(("some of a list", new.len().min(4)));
                assert!(new.iter().all(|id| held.iter().any(|other| other == id)), "what is new is held");
            }
            Err(error) => reached(("nothing of a list", discriminant(&error))),
        }
    },
    seeds: || {
        let ids = [1, 2].map(|byte| ChunkId::from_bytes([byte; 32]));
        let mut reply = wire::ReplyWriter::default();
        reply.push(&ids[0], Some(b"a chunk"));
        reply.push(&ids[1], None);
        reply.push(&ids[1], Some(&[]));
        let ask = list::encode_request(&weft_sync::WorkspaceId::from_bytes([1; 32]), &ChunkSet::default());
        let asked = list::decode_request(ask.clone()).expect("a request");
        let mut seeds = vec![wire::encode_request(&ids).to_vec(), reply.finish().expect("a frame").to_vec()];
        seeds.push(ask.to_vec());
        let ws = weft_sync::WorkspaceId::from_bytes([1; 32]);
        for get in [None, Some(([2; 32], 7))] {
            seeds.push(models::encode_request(&models::ModelRequest { ws, get }).to_vec());
        }
        let (id, license) = ("tiny".to_owned(), Some("mit".to_owned()));
        let offer = models::ModelOffer { sha256: [3; 32], bytes: 9, id, is_embedding: true, license };
        seeds.push(models::encode_offers(vec![offer.clone(), offer]).to_vec());
        seeds.push(crate::presence::tests::note(7).encode());
        seeds.extend(list::encode_reply(&asked, &some_chunks()).iter().map(|frame| frame.to_vec()));
        seeds
    },
    structure: WHOLE,
};

#[test]
fn transfer() {
    weft_fuzz::run(&TRANSFERS);
}

// What the own store keeps. Who can write it has the key of the store; a defect must not make it worse.

fn read<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let name = std::any::type_name::<T>();
    match postcard::from_bytes::<T>(bytes) {
        Ok(value) => {
            reached((name, true));
            postcard::to_allocvec(&value).expect("what was read can be written");
        }
        Err(error) => reached((name, discriminant(&error))),
    }
}

const RECORDS: Target = Target {
    name: "record",
    decode: |bytes| {
        read::<MirrorRow>(bytes);
        read::<JournalEntry>(bytes);
        read::<FileVersion>(bytes);
        let id = weft_sync::WorkspaceId::from_bytes([1; 32]);
        reached(crate::registry::decode(id, bytes).is_some());
    },
    seeds: || {
        let path = crate::mirror::RelPath::parse("src/a.rs").expect("a path");
        let row = MirrorRow {
            path: path.clone(),
            node: [1; 16],
            kind: crate::mirror::Kind::File,
            hash: [2; 32],
            executable: true,
            stamp: Default::default(),
            settled: true,
            ignored: false,
            version: FileVersion::Folder.encode(),
        };
        let entry = JournalEntry {
            id: 7,
            path,
            temporary: ".weft-tmp-1".to_owned(),
            node: [1; 16],
            after: Some(([3; 32], vec![1])),
            before: None,
        };
        let version = FileVersion::Text(weft_crdt::DocumentId::from_bytes([1; 16]), Default::default());
        let kept = |bytes: Result<Vec<u8>, postcard::Error>| bytes.expect("bytes");
        vec![kept(postcard::to_allocvec(&row)), kept(postcard::to_allocvec(&entry)), version.encode()]
    },
    structure: WHOLE,
};

#[test]
fn record() {
    weft_fuzz::run(&RECORDS);
}
