//! The 24 words, and keepers who bring everything back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use weft_tests::{Device, Files, PATIENCE, Person, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;

/// A machine that belongs to nobody yet, with a node.
fn machine(root: &Path, name: &str, device_name: &str) -> Person {
    let mut device = Device::new(root, name).expect("a device");
    device.device_name = device_name.to_owned();
    device.start_node().expect("a node");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    Person { device, files }
}

fn words(person: &Person) -> String {
    let told = person.device.weft(["device", "recovery"]).expect("the words");
    let words = told.field("words").as_array().cloned().unwrap_or_default();
    assert_eq!(words.len(), 24);
    words.iter().map(|word| word.as_str().expect("a word")).collect::<Vec<_>>().join(" ")
}

fn user_key(person: &Person) -> String {
    person.device.weft(["device", "list"]).expect("a list").text("user_key").to_owned()
}

/// A keeper that has been let in by Ana.
fn keeper(team: &Team, root: &Path) -> Person {
    let ticket = team.weft(ANA, &["share", "notes", "--yes", "--role", "keeper"]).expect("a ticket");
    let keeper = machine(root, "kim", "nas");
    keeper.device.weft_with_input(["keep", "-"], ticket.text("ticket")).expect("a keeper");
    keeper
}

/// Waits until a keeper holds everything that somebody has, files too.
fn holds_everything(keeper: &Person, files: u64) {
    let verified = || {
        let verified = keeper.device.weft(["keep", "verify"]).ok()?;
        let workspace = verified.field("workspaces")[0].clone();
        let number = |name: &str| workspace[name].as_u64().unwrap_or(u64::MAX);
        assert_eq!(number("damaged"), 0, "{workspace}");
        (number("missing") == 0 && number("blobs") >= files).then_some(())
    };
    assert!(eventually(PATIENCE, verified).is_some(), "{:?}", keeper.device.shown(["keep", "verify"]));
}

/// Where a device of somebody's is, as `--from` takes it.
fn address(person: &Person) -> String {
    let node = person.device.node().expect("a node");
    format!("{}@{}", node.endpoint, node.addresses[0])
}

fn has(person: &Person, path: &str, word: &str) {
    let look = || person.files.read(path).filter(|text| text.contains(word));
    let found = eventually(PATIENCE, look);
    assert!(found.is_some(), "{word:?} is not in {path}: {:?}", person.files.read(path));
}

fn team() -> (Team, TempDir) {
    let team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n"), ("deep/b.txt", "two\n")]);
    (team, tempfile::tempdir().expect("a folder"))
}

#[test]
fn the_words_are_shown_checked_and_can_be_the_only_key() {
    let (team, _root) = team();
    let ana = &team.people[ANA];
    let words = words(ana);
    assert_eq!(user_key(ana), "here");
    team.refused(ANA, &["device", "recovery", "--paper-only", "--yes"], 2, "nobody has shown");
    let check = |words: &str| ana.device.weft_with_input(["device", "recovery", "--check"], words);
    let mut wrong: Vec<&str> = words.split(' ').collect();
    wrong.swap(3, 4);
    for (bad, says) in [
        (wrong.join(" "), "do not fit together"),
        ("abandon ".repeat(24), "do not fit together"),
        (words.replacen(' ', " qqqq ", 1), "25 words"),
        (words.replacen(words.split(' ').nth(1).unwrap_or_default(), "qqqq", 1), "is not one of the words"),
        (String::new(), "0 words"),
    ] {
        let failure = check(&bad).expect_err("wrong words");
        assert!(failure.message.contains(says), "{says:?} is not in {:?}", failure.message);
    }
    let others = team.people[BEN].device.weft(["device", "recovery"]).expect("words");
    let others = others.field("words").as_array().cloned().unwrap_or_default();
    let others: Vec<&str> = others.iter().filter_map(|word| word.as_str()).collect();
    let failure = check(&others.join(" ")).expect_err("the words of another person");
    assert!(failure.message.contains("somebody else"), "{}", failure.message);

    check(&words.to_uppercase().replace(' ', "\n  ")).expect("the right words");
    assert_eq!(user_key(ana), "here-and-on-paper");
    let sealed = identity_records(&ana.device.home);
    let all: Vec<&Vec<u8>> = sealed.values().collect();
    assert_eq!(found_below(&ana.device.home, &all), all.len(), "sealed, the keys are on the disk");
    team.weft(ANA, &["device", "recovery", "--paper-only", "--yes"]).expect("paper only");
    assert_eq!(user_key(ana), "paper");
    // Nothing is left of it, not even sealed, neither in free pages nor in the log.
    let left = identity_records(&ana.device.home);
    let gone: Vec<&Vec<u8>> =
        sealed.iter().filter(|(key, _)| !left.contains_key(*key)).map(|(_, value)| value).collect();
    assert_eq!(gone.len(), 1, "one record is deleted: the personal key");
    assert_eq!(found_below(&ana.device.home, &gone), 0);
    // Once more: it is on paper already, which is all that was asked for.
    team.weft(ANA, &["device", "recovery", "--paper-only", "--yes"]).expect("paper only");
    team.refused(ANA, &["device", "recovery"], 1, "wrote down");
    check(&words).expect("the words are right all the same");
    // The device goes on as before.
    ana.files.write("a.txt", "one\nwithout the key\n").expect("a file");
    team.has(BEN, "a.txt", "without the key");
}

#[test]
fn with_all_devices_gone_a_keeper_and_the_words_bring_everything_back() {
    let (mut team, root) = team();
    let keeper = keeper(&team, root.path());
    let words = words(&team.people[ANA]);
    team.people[ANA].files.write("a.txt", "one\nthe last line of the laptop\n").expect("a file");
    team.people[ANA].files.write("late.txt", "a late file\n").expect("a file");
    team.has(BEN, "late.txt", "a late file");
    holds_everything(&keeper, 3);
    // Every device of everybody is gone but the keeper.
    team.people[ANA].stop();
    team.people[BEN].stop();
    let new = machine(root.path(), "ana", "new machine");
    let from = address(&keeper);
    let restore = ["device", "recovery", "--restore", "--from", from.as_str()];
    let wrong = words.split(' ').rev().collect::<Vec<_>>().join(" ");
    assert!(new.device.weft_with_input(restore, &wrong).is_err());
    let restored = new.device.weft_with_input(restore, &words).expect("everything back");
    assert_eq!(restored.field("workspaces").as_array().map(Vec::len), Some(1));
    assert_eq!(new.files.read("a.txt").as_deref(), Some("one\nthe last line of the laptop\n"));
    assert_eq!(new.files.read("deep/b.txt").as_deref(), Some("two\n"));
    assert_eq!(new.files.read("late.txt").as_deref(), Some("a late file\n"));
    assert_eq!(user_key(&new), "here-and-on-paper");
    let blame = new.device.weft(["blame", "notes/a.txt"]).expect("a blame");
    assert!(format!("{:?}", blame.lines).contains("\"Ana\""), "{:?}", blame.lines);

    // The old laptop is put out; who has it can strike at nothing, and Ben goes on with the new machine.
    new.device.weft(["revoke", "laptop", "notes", "--yes"]).expect("a removal");
    new.files.write("a.txt", "one\nfrom the new machine\n").expect("a file");
    team.people[ANA].files.write("a.txt", "one\nby the finder\n").expect("a file");
    team.people[ANA].start();
    let told = eventually(PATIENCE, || (team.state(ANA) == "removed").then_some(()));
    assert!(told.is_some(), "the lost device is not told");
    team.people[BEN].start();
    team.has(BEN, "a.txt", "from the new machine");
    team.people[BEN].files.write("deep/b.txt", "two\nfrom ben\n").expect("a file");
    has(&new, "deep/b.txt", "from ben");
    assert_eq!(team.people[BEN].files.read("a.txt").as_deref(), Some("one\nfrom the new machine\n"));

    // The new machine is hers by now: her words open its data, and not those of who it was before.
    let mut new = new;
    new.device.stop_node().expect("an end");
    fs::remove_file(new.device.home.join("store.key")).expect("the key file is lost");
    let unlock = ["device", "recovery", "--unlock"];
    new.device.weft_with_input(unlock, &words).expect("the data opens");
    assert_eq!(user_key(&new), "here-and-on-paper");
}

#[test]
fn a_stranger_with_words_of_their_own_gets_nothing_from_a_keeper() {
    let (team, root) = team();
    let keeper = keeper(&team, root.path());
    holds_everything(&keeper, 2);
    let stranger = machine(root.path(), "stranger", "laptop");
    let words = words(&stranger);
    let from = address(&keeper);
    let restore = ["device", "recovery", "--restore", "--from", from.as_str()];
    let failure = stranger.device.weft_with_input(restore, &words).expect_err("something");
    assert!(failure.message.contains("no workspace of yours"), "{}", failure.message);
}

/// The sealed records of who this device is, by their names, which are sealed as well.
fn identity_records(home: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    const IDENTITY: i64 = 2;
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(home.join("store.db"), flags).expect("a database");
    let mut statement =
        database.prepare("SELECT key, value FROM records WHERE tab = ?1").expect("a table of records");
    let rows = statement.query_map([IDENTITY], |row| Ok((row.get(0)?, row.get(1)?))).expect("records");
    let records: BTreeMap<Vec<u8>, Vec<u8>> = rows.map(|row| row.expect("a record")).collect();
    assert!(records.len() > 2, "{}", records.len());
    records
}

/// How many of these stand anywhere in the files below a folder, be it in part.
fn found_below(folder: &Path, sealed: &[&Vec<u8>]) -> usize {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a name")) {
            match entry.file_type().expect("a kind") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => files.push(fs::read(entry.path()).expect("a file")),
                _ => {}
            }
        }
    }
    let is_in = |part: &[u8]| files.iter().any(|file| file.windows(part.len()).any(|bytes| bytes == part));
    sealed.iter().filter(|value| value[1..].chunks_exact(24).any(is_in)).count()
}

/// Runs a command with the words on its standard input and, where there is one, a passphrase in the file descriptor 3.
fn with_words(person: &Person, passphrase: Option<&PathBuf>, arguments: &[&str], words: &str) -> Output {
    let inner = person.device.command(arguments);
    let mut command = Command::new("sh");
    let script = if passphrase.is_some() { "exec \"$@\" 3<\"$SECRET\"" } else { "exec \"$@\"" };
    command.args(["-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    if let Some(path) = passphrase {
        command.env("SECRET", path).env("WEFT_KEY", "passphrase-fd:3");
    }
    command
        .current_dir(&person.device.place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut input = child.stdin.take().expect("an input");
    // A command that needs no words closes its input.
    let _ = std::io::Write::write_all(&mut input, words.as_bytes());
    drop(input);
    child.wait_with_output().expect("an end")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The key file is lost, then a passphrase is forgotten.
#[test]
fn the_words_open_the_data_when_what_held_its_key_is_lost() {
    let (mut team, root) = team();
    let words = words(&team.people[ANA]);
    let others = self::words(&team.people[BEN]);
    let unlock = ["device", "recovery", "--unlock"];
    let refused = with_words(&team.people[ANA], None, &unlock, &words);
    assert!(told(&refused).contains("weft node --stop"), "{}", told(&refused));
    team.people[ANA].stop();
    let home = team.people[ANA].device.home.clone();
    let (keys_json, key_file) = (home.join("keys.json"), home.join("store.key"));
    let again = with_words(&team.people[ANA], None, &unlock, &words);
    assert!(again.status.success() && told(&again).contains("nothing was changed"), "{}", told(&again));

    fs::remove_file(&key_file).expect("the key file is lost");
    let locked = team.people[ANA].device.shown(["status"]).expect("a command");
    assert!(locked.contains("weft device recovery --unlock"), "{locked}");
    let before = fs::read(&keys_json).expect("a file");
    for (wrong, says) in
        [(others.as_str(), "another person"), ("abandon abandon", "2 words"), ("", "0 words")]
    {
        let refused = with_words(&team.people[ANA], None, &unlock, wrong);
        assert!(!refused.status.success() && told(&refused).contains(says), "{}", told(&refused));
        assert!(told(&refused).contains("nothing was changed"), "{}", told(&refused));
    }
    assert_eq!(fs::read(&keys_json).expect("a file"), before);
    assert!(!key_file.exists());
    let opened = with_words(&team.people[ANA], None, &unlock, &words);
    assert!(opened.status.success() && told(&opened).contains("the key file"), "{}", told(&opened));
    team.people[ANA].files.write("a.txt", "one\nback by the words\n").expect("a file");
    team.people[ANA].start();
    team.has(BEN, "a.txt", "back by the words");
    team.people[ANA].stop();

    // A passphrase is set by the words, and when it is forgotten another one.
    for (number, passphrase) in ["several words", "others that are remembered"].into_iter().enumerate() {
        let file = root.path().join(format!("passphrase {number}"));
        fs::write(&file, format!("{passphrase}\n")).expect("a file");
        let refused = with_words(&team.people[ANA], Some(&file), &["device", "list"], "");
        assert!(!refused.status.success(), "{}", told(&refused));
        if number == 1 {
            assert!(told(&refused).contains("weft device recovery --unlock"), "{}", told(&refused));
        }
        let opened = with_words(&team.people[ANA], Some(&file), &unlock, &words);
        assert!(opened.status.success() && told(&opened).contains("the passphrase"), "{}", told(&opened));
        let opens = with_words(&team.people[ANA], Some(&file), &["device", "list"], "");
        assert!(opens.status.success(), "{}", told(&opens));
    }
}

/// The slot is made when it is missing, without the words; where that cannot be, `weft doctor` says so.
#[test]
fn a_missing_place_for_the_words_is_made_at_the_next_start() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    ana.weft(["device", "list"]).expect("a first start");
    let path = ana.home.join("keys.json");
    let read = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(&path).expect("keys.json")).expect("JSON")
    };
    let has_words = |json: &serde_json::Value| {
        json["slots"].as_array().into_iter().flatten().any(|slot| slot["kind"] == "recovery")
    };
    let mut json = read();
    assert!(has_words(&json), "{json}");
    let slots = json["slots"].as_array_mut().expect("slots");
    slots.retain(|slot| slot["kind"] != "recovery");
    fs::write(&path, json.to_string()).expect("a file");
    // A folder stands where the new file is to be written.
    fs::create_dir(ana.home.join("keys.json.new")).expect("a folder");
    let doctor = ana.shown(["doctor"]).expect("a command");
    assert!(doctor.contains("your 24 words do not open the data on this device yet"), "{doctor}");
    assert!(!has_words(&read()));
    fs::remove_dir(ana.home.join("keys.json.new")).expect("a folder");
    let doctor = ana.shown(["doctor"]).expect("a command");
    assert!(!doctor.contains("24 words do not open"), "{doctor}");
    assert!(has_words(&read()));
}
