//! Keepers: they hold and pass on what they cannot read.

use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, hash::BuildHasher as _, path::Path};

use tempfile::TempDir;
use weft_sync::{Entry, Kind};
use weft_tests::memory::holds;
use weft_tests::{Device, Files, PATIENCE, Person, eventually, skipped, tool};

/// What no keeper may read. It is made up anew for each run, so that it lies in no program.
struct Secrets {
    text: String,
    workspace: String,
    person: String,
    file: String,
}

impl Secrets {
    fn new() -> Self {
        let random = || std::hash::RandomState::new().hash_one(0);
        Self {
            text: format!("{:016x}{:016x}", random(), random()),
            workspace: format!("w{:016x}", random()),
            person: format!("p{:016x}", random()),
            file: format!("f{:016x}", random()),
        }
    }

    fn all(&self) -> [(&str, String); 4] {
        let person = self.person.replacen('p', "P", 1);
        [
            ("a text", self.text.clone()),
            ("the workspace's name", self.workspace.clone()),
            ("a person's name", person),
            ("a file's name", self.file.clone()),
        ]
    }
}

struct Scene {
    secrets: Secrets,
    people: Vec<Person>,
    keeper: Person,
    _root: TempDir,
}

fn person(root: &Path, name: &str, folder: &str) -> Person {
    let device = Device::new(root, name).expect("a device");
    let files = Files::new(device.place.join(folder)).expect("a folder");
    Person { device, files }
}

/// Two people and a keeper; the people have met once.
fn scene() -> Scene {
    let root = tempfile::tempdir().expect("a folder");
    let secrets = Secrets::new();
    let folder = secrets.workspace.clone();
    let mut ana = person(root.path(), &secrets.person, &folder);
    ana.files.write(&secrets.file, secrets.text.repeat(1_000)).expect("a file");
    ana.device.weft(["init", &folder]).expect("a workspace");
    ana.start();
    let mut ben = person(root.path(), "ben", &folder);
    ben.start();
    let mut keeper = person(root.path(), "kim", "nothing");
    keeper.start();
    let ticket = |role| ana.device.weft(["share", &folder, "--yes", "--role", role]).expect("a ticket");
    let join = ["join", "-", &folder, "--yes"];
    ben.device.weft_with_input(join, ticket("editor").text("ticket")).expect("a member");
    keeper.device.weft_with_input(["keep", "-"], ticket("keeper").text("ticket")).expect("a keeper");
    Scene { secrets, people: vec![ana, ben], keeper, _root: root }
}

/// Waits until a keeper says that it holds all entries of a person, and its own check that no chunk is missing.
fn kept(scene: &Scene, number: usize, entries_before: u64) -> u64 {
    let look = || {
        let verified = scene.keeper.device.weft(["keep", "verify"]).ok()?;
        let workspace = verified.field("workspaces")[0].clone();
        let number_of = |name: &str| workspace[name].as_u64().unwrap_or(u64::MAX);
        assert_eq!(number_of("damaged"), 0, "{workspace}");
        let status = scene.people[number].status();
        let by = status.field("kept_by").as_array().map_or(0, Vec::len);
        let is_all = by == 1 && number_of("missing") == 0 && number_of("blobs") > 0;
        (is_all && number_of("entries") > entries_before).then(|| number_of("entries"))
    };
    let found = eventually(PATIENCE, look);
    assert!(found.is_some(), "{:?}", scene.keeper.device.shown(["keep", "verify"]));
    found.map(|(entries, _)| entries).unwrap_or_default()
}

#[test]
fn two_who_are_never_on_together_exchange_edits_through_a_keeper() {
    let mut scene = scene();
    let file = scene.secrets.file.clone();
    let mut entries = kept(&scene, 0, 0);
    scene.people[1].stop();
    for round in 0..3 {
        let (writer, reader) = (round % 2, (round + 1) % 2);
        let name = format!("{file} {round}");
        let text = format!("{} in round {round}\n", scene.secrets.text);
        scene.people[writer].files.write(&name, &text).expect("a new file");
        let marked = format!("round {round}\n{}", scene.people[writer].files.read(&file).unwrap_or_default());
        scene.people[writer].files.write(&file, &marked).expect("a change");
        entries = kept(&scene, writer, entries);
        scene.people[writer].stop();
        scene.people[reader].start();
        let files = &scene.people[reader].files;
        let came = eventually(PATIENCE, || {
            (files.read(&name)? == text && files.read(&file)? == marked).then_some(())
        });
        assert!(came.is_some(), "round {round}: {:?}", scene.people[reader].status());
    }
}

#[test]
fn a_keeper_holds_nothing_that_it_could_read() {
    let scene = scene();
    kept(&scene, 0, 0);
    let name = format!("{} again", scene.secrets.file);
    scene.people[1].files.write(&name, scene.secrets.text.repeat(100)).expect("a file");
    scene.people[0].device.weft(["log", &scene.secrets.workspace]).expect("a log");
    kept(&scene, 1, 0);

    let mut on_disk = Vec::new();
    read_all(&scene.keeper.device.home, &mut on_disk);
    assert!(on_disk.len() > 10_000, "the keeper's disk was read");
    for (what, canary) in scene.secrets.all() {
        assert!(!holds(&on_disk, canary.as_bytes()), "{what} lies on the keeper's disk");
    }
    // The search finds what is there: the names in the data folder of a member.
    let mut members = Vec::new();
    read_all(&scene.people[0].files.root, &mut members);
    assert!(holds(&members, scene.secrets.text.as_bytes()));

    let pid = scene.keeper.device.node().expect("a node").pid();
    let wanted: Vec<Vec<u8>> =
        scene.secrets.all().iter().map(|(_, text)| text.clone().into_bytes()).collect();
    let wanted: Vec<&[u8]> = wanted.iter().map(Vec::as_slice).collect();
    let (found, searched) = weft_tests::memory::search(pid, &wanted).expect("the keeper's memory");
    assert!(searched > 10_000_000, "{searched} bytes of its memory were searched");
    for ((what, _), is_there) in scene.secrets.all().iter().zip(found) {
        assert!(!is_there, "{what} lies in the keeper's memory");
    }
    let member = scene.people[0].device.node().expect("a node").pid();
    let (found, _) = weft_tests::memory::search(member, &wanted).expect("a member's memory");
    assert!(found.contains(&true), "the search finds what a member has in memory");
}

/// What goes over the wire between members and the keeper, as a sniffer sees it.
#[test]
fn nothing_readable_goes_over_the_wire() {
    let captured = tempfile::tempdir().expect("a folder");
    let file = captured.path().join("packets");
    // Unbuffered, so that all is in the file when it ends.
    let mut sniffer = Command::new("tcpdump");
    sniffer.args(["-i", "lo", "-U", "-n", "--immediate-mode", "-B", "65536", "-s", "0", "-w"]).arg(&file);
    let started = sniffer.arg("udp").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Some(mut sniffer) = tool("tcpdump", "tcpdump", started) else { return };
    // The header of the file is written when it listens.
    let listens = || fs::metadata(&file).ok().filter(|data| data.len() >= 24).map(|_| ());
    if eventually(Duration::from_secs(5), listens).is_none() {
        // It has ended, or is of no use.
        let _ended = sniffer.kill();
        let _reaped = sniffer.wait();
        return skipped("packets cannot be captured here: that takes root");
    }
    let scene = scene();
    kept(&scene, 0, 0);
    let name = format!("{} again", scene.secrets.file);
    scene.people[1].files.write(&name, scene.secrets.text.repeat(100)).expect("a file");
    kept(&scene, 1, 0);
    let pid = rustix::process::Pid::from_child(&sniffer);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("an end");
    sniffer.wait().expect("an end");
    let packets = fs::read(&file).expect("packets");
    assert!(packets.len() > 20_000, "{} bytes were captured", packets.len());
    for (what, canary) in scene.secrets.all() {
        assert!(!holds(&packets, canary.as_bytes()), "{what} goes over the wire");
    }
    // The capture holds what goes over this wire: packets to where the keeper listens.
    let node = scene.keeper.device.node().expect("a node");
    let port: u16 = node.addresses[0].rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let to_keeper = [&[127, 0, 0, 1][..], &[127, 0, 0, 1]].concat();
    let seen = packets.windows(12).any(|part| part[..8] == to_keeper[..] && part[10..] == port.to_be_bytes());
    assert!(seen, "no packet to the keeper was captured");
}

#[test]
fn a_keepers_damaged_disk_is_noticed() {
    let mut scene = scene();
    kept(&scene, 0, 0);
    scene.keeper.stop();
    // One byte of a chunk.
    let mut packs = Vec::new();
    find_packs(&scene.keeper.device.home, &mut packs);
    let pack = packs.first().expect("a pack of chunks");
    let mut bytes = fs::read(pack).expect("a pack");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(pack, bytes).expect("a damaged pack");
    scene.keeper.start();
    let failure = scene.keeper.device.weft(["keep", "verify"]).expect_err("it is not noticed");
    assert_eq!(failure.code, Some(1), "{failure:?}");
}

/// The entries of a device that does not run, as they lie on its disk: where, and their bytes.
fn entries_on_disk(home: &Path) -> Vec<(i64, Vec<u8>)> {
    let database = rusqlite::Connection::open(home.join("store.db")).expect("a database");
    let mut all = database.prepare("SELECT ord, bytes FROM entries ORDER BY ord").expect("a table");
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// Puts other bytes in the place of an entry, or nothing.
fn replace_on_disk(home: &Path, place: i64, bytes: Option<&[u8]>) {
    let database = rusqlite::Connection::open(home.join("store.db")).expect("a database");
    let changed = match bytes {
        Some(bytes) => {
            database.execute("UPDATE entries SET bytes = ?1 WHERE ord = ?2", rusqlite::params![bytes, place])
        }
        None => database.execute("DELETE FROM entries WHERE ord = ?1", [place]),
    };
    assert_eq!(changed.expect("a change"), 1);
}

/// Copies the database of a device that does not run.
fn copy_database(from: &Path, to: &Path) {
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).expect("a copy");
        } else if to.join(name).exists() {
            fs::remove_file(to.join(name)).expect("none there either");
        }
    }
}

#[test]
fn whatever_is_altered_in_what_a_keeper_holds_is_named() {
    let mut scene = scene();
    let mut entries = kept(&scene, 0, 0);
    for number in 0..3 {
        scene.people[0].files.write(&format!("{number}.txt"), "a text\n").expect("a file");
        entries = kept(&scene, 0, entries);
    }
    scene.keeper.stop();
    let home = scene.keeper.device.home.clone();
    scene.keeper.device.weft(["keep", "verify"]).expect("it is whole");
    let kept = tempfile::tempdir().expect("a folder");
    copy_database(&home, kept.path());
    let all = entries_on_disk(&home);
    let decoded = all.iter().map(|(place, bytes)| (*place, bytes, Entry::decode(bytes).expect("an entry")));
    let decoded: Vec<_> = decoded.collect();
    // One in the middle of its log.
    let next = |entry: &Entry| decoded.iter().any(|(_, _, other)| other.header.prev == entry.id());
    let is_inside = |entry: &Entry| entry.header.kind == Kind::Data && next(entry);
    let (place, bytes, entry) = decoded.iter().find(|(_, _, entry)| is_inside(entry)).expect("a longer log");
    let (log, seq) = (entry.header.log.to_string(), entry.header.seq);
    let (_, other, _) = decoded.iter().find(|(_, _, other)| other.header.prev == entry.id()).expect("it");
    let flipped = |from_end: usize| {
        let mut bytes = (*bytes).clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x10;
        bytes
    };
    let here = format!("entry {seq} of log {}", &log[..10]);
    let behind = format!("entry {} of log {}", seq + 1, &log[..10]);
    let missing = format!("what is before it is missing (places {seq} to {seq})");
    let cases = [
        ("a body", Some(flipped(1)), ["the body does not match its hash", missing.as_str()]),
        ("a signature", Some(flipped(entry.body.len() + 3)), [here.as_str(), "its signature is wrong"]),
        ("a header", Some(flipped(entry.body.len() + 64 + 40)), ["its signature is wrong", behind.as_str()]),
        (
            "another entry",
            Some((*other).clone()),
            [behind.as_str(), "it does not follow the entry before it"],
        ),
        ("nothing", None, [behind.as_str(), missing.as_str()]),
    ];
    for (what, altered, words) in cases {
        replace_on_disk(&home, *place, altered.as_deref());
        let failure = scene.keeper.device.weft(["keep", "verify"]).expect_err(what);
        assert_eq!(failure.code, Some(1), "{what}: {failure}");
        let shown = scene.keeper.device.shown(["keep", "verify"]).expect("a report");
        for word in words {
            assert!(shown.contains(word), "{what}: {word:?} is not in {shown}");
        }
        copy_database(kept.path(), &home);
    }
    scene.keeper.device.weft(["keep", "verify"]).expect("it is whole again");
}

#[test]
fn a_ticket_for_a_keeper_shows_nobody_anything_and_is_for_keeping_only() {
    let scene = scene();
    let folder = &scene.secrets.workspace;
    let ticket =
        scene.people[0].device.weft(["share", folder, "--yes", "--role", "keeper"]).expect("a ticket");
    let other = person(scene._root.path(), "other", "elsewhere");
    let failure = other.device.weft_with_input(["join", "-", "elsewhere", "--yes"], ticket.text("ticket"));
    let failure = failure.expect_err("a keeper has joined");
    assert!(failure.hint.unwrap_or_default().contains("weft keep"), "{}", failure.message);
    let editor = scene.people[0].device.weft(["share", folder, "--yes"]).expect("a ticket");
    let failure = other.device.weft_with_input(["keep", "-"], editor.text("ticket")).expect_err("kept");
    assert!(failure.message.contains("not for a keeper"), "{}", failure.message);
    let member = &scene.people[1].device;
    let failure = member.weft_with_input(["keep", "-"], ticket.text("ticket")).expect_err("kept");
    assert!(failure.message.contains("already"), "{}", failure.message);
}

fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        into.extend_from_slice(entry.file_name().as_encoded_bytes());
        match entry.metadata() {
            Ok(data) if data.is_dir() => read_all(&path, into),
            Ok(data) if data.is_file() => into.extend(fs::read(&path).expect("a file")),
            _ => {}
        }
    }
}

fn find_packs(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_packs(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "pack") {
            into.push(path);
        }
    }
}
