//! Targets of `./dev fuzz`: what comes over a connection, before it is anybody's frame.

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use weft_fuzz::{Structure, TEXT_PARTS, Target, reached};

use crate::{
    Address,
    frame::{FrameReader, Record},
    greeting, limits,
};

/// All records of a stream, and how it ended.
fn records(stream: impl AsyncRead + Unpin) -> (Vec<Record>, String) {
    let mut reader = FrameReader::new(stream);
    let mut records = Vec::new();
    loop {
        match reader.next().now_or_never().expect("bytes that are all there") {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, "the end".to_owned()),
            Err(error) => return (records, format!("{error:?}")),
        }
    }
}

const STREAMS: Target = Target {
    name: "stream",
    decode: |bytes| {
        let (read, end) = records(bytes);
        let (first, second) = bytes.split_at(bytes.len() / 3);
        assert_eq!(
            records(first.chain(second)),
            (read.iter().map(copy).collect(), end.clone()),
            "in two pieces"
        );
        for record in &read {
            if let Record::Frame(frame) = record {
                assert!(frame.len() <= limits::FRAME_BYTES_MAX);
                reached(greeting::decode(frame).map(drop).map_err(|error| error.code()));
            }
        }
        reached((read.len().min(4), end.replace(|c: char| c.is_ascii_digit(), "")));
    },
    seeds: || {
        let frames = [&[1; 17][..], b"", &[7; 200]];
        let mut stream: Vec<u8> = frames.iter().flat_map(|frame| frame_of(frame)).collect();
        stream.extend([255, 255, 255, 255, 0, 0, 1, 2]);
        vec![stream]
    },
    structure: Structure {
        split: |bytes| Some(records(bytes).0.iter().map(bytes_of).collect()),
        join: |frames| frames.iter().flat_map(|frame| frame_of(frame)).collect(),
    },
};

fn frame_of(frame: &[u8]) -> Vec<u8> {
    [&(frame.len() as u32).to_be_bytes(), frame].concat()
}

fn bytes_of(record: &Record) -> Vec<u8> {
    match record {
        Record::Frame(frame) => frame.to_vec(),
        Record::Close(code) => code.0.to_be_bytes().to_vec(),
    }
}

fn copy(record: &Record) -> Record {
    match record {
        Record::Frame(frame) => Record::Frame(frame.clone()),
        Record::Close(code) => Record::Close(*code),
    }
}

#[test]
fn stream() {
    weft_fuzz::run(&STREAMS);
}

const ADDRESSES: Target = Target {
    name: "address",
    decode: |bytes| match String::from_utf8_lossy(bytes).parse::<Address>() {
        Ok(address) => {
            reached(("an address", matches!(address, Address::Ip(_)), address.to_transport().is_some()));
            assert_eq!(address.to_string().parse(), Ok(address), "as it is shown it is read");
        }
        Err(_) => reached("no address"),
    },
    seeds: || ["192.0.2.7:4455", "[2001:db8::7]:4455", "https://relay.example/"].map(Vec::from).to_vec(),
    structure: TEXT_PARTS,
};

#[test]
fn address() {
    weft_fuzz::run(&ADDRESSES);
}
