//! Checking many entries of others at once.

use std::hint::black_box;
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use weft_bench_report::{Report, ratio, timed};
use weft_sync::entry::signing_bytes;
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::runs::verify_run;
use weft_sync::{BodyHash, Entry, EntryId, Header, Kind, LogId, PublicKey, WorkspaceId};

const ENTRIES: usize = 100_000;
/// Entries of one device that come behind each other in one frame.
const RUN: usize = 256;
/// A body of a small edit.
const BODY: usize = 384;
const ROUNDS: usize = 5;

struct Written {
    key: PublicKey,
    entries: Vec<Vec<u8>>,
}

fn write() -> Written {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = DeviceKeys::generate(UserKeys::generate(&mut rng).user_id(), &mut rng);
    let mut prev = EntryId::from_bytes([1; 32]);
    let entries = (0..ENTRIES).map(|at| {
        let mut body = vec![0; BODY];
        rng.fill_bytes(&mut body);
        let header = Header {
            ver: 1,
            ws: WorkspaceId::from_bytes([2; 32]),
            log: LogId::from_bytes([3; 32]),
            seq: at as u64 + 2,
            prev,
            kind: Kind::Data,
            acl_heads: vec![EntryId::from_bytes([4; 32])],
            epoch: Some(weft_sync::EpochId::from_bytes([5; 16])),
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        let entry = Entry::sign(header, body, keys.signing_key()).expect("a body below the limit");
        prev = entry.id();
        entry.encode()
    });
    Written { key: keys.public_key(), entries: entries.collect() }
}

/// The least: every byte is hashed once, and one signature of each run is checked.
fn least(written: &Written) -> Duration {
    let last: Vec<Entry> =
        written.entries.chunks(RUN).filter_map(|run| Entry::decode(run.last()?).ok()).collect();
    let (time, ()) = timed(|| {
        for (run, last) in written.entries.chunks(RUN).zip(&last) {
            for bytes in run {
                let (header, body) = bytes.split_at(bytes.len() - BODY);
                black_box(blake3::hash(header));
                black_box(blake3::hash(body));
            }
            let message = signing_bytes(&last.id());
            weft_sync::entry::verify_signature(&written.key, &message, &last.signature)
                .expect("a signature that was just made");
        }
    });
    time
}

fn in_runs(written: &Written) -> Duration {
    let (time, ()) = timed(|| {
        for run in written.entries.chunks(RUN) {
            let entries: Vec<Entry> =
                run.iter().map(|bytes| Entry::decode(bytes).expect("an entry that was just made")).collect();
            verify_run(&entries, &written.key).expect("a run that was just made");
        }
    });
    time
}

/// Every signature, as for entries that are handed on one by one.
fn one_by_one(written: &Written, count: usize) -> Duration {
    let (time, ()) = timed(|| {
        for bytes in &written.entries[..count] {
            let entry = Entry::decode(bytes).expect("an entry that was just made");
            entry.verify(&written.key).expect("a signature that was just made");
        }
    });
    time
}

pub(crate) fn run(report: &mut Report) {
    report.section("Checking 100,000 entries of 384 bytes, in runs of 256");
    let written = write();
    // The two take turns, so that both meet the same machine.
    let rounds: Vec<(Duration, Duration)> =
        (0..ROUNDS).map(|_| (least(&written), in_runs(&written))).collect();
    let best = |times: &mut dyn Iterator<Item = Duration>| times.min().unwrap_or_default();
    let bound = best(&mut rounds.iter().map(|(bound, _)| *bound));
    let ours = best(&mut rounds.iter().map(|(_, ours)| *ours));
    report.time("hashing them, and one signature a run", bound);
    report.time("reading and checking them in runs", ours);
    report.at_most("reading and checking / hashing and one signature", ratio(ours, bound), 1.5);
    let some = ENTRIES / 20;
    let single = one_by_one(&written, some);
    report.time("every signature of a twentieth of them", single);
    report.text("every signature / one a run", &format!("{:.1}", ratio(single, ours) * 20.0));
}
