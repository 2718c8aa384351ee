//! Backups: a device that is lost comes back, and nothing is said twice.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use age::secrecy::ExposeSecret as _;
use tempfile::TempDir;
use weft_tests::{Device, Files, PATIENCE, Person, eventually, tool};

use crate::team::{Team, forks};

const ANA: usize = 0;
const BEN: usize = 1;

/// A file with an identity of age, and the recipient to it.
fn identity(root: &Path) -> (String, String) {
    let identity = age::x25519::Identity::generate();
    let path = root.join("identity.txt");
    fs::write(&path, format!("{}\n", identity.to_string().expose_secret())).expect("a file");
    (path.display().to_string(), identity.to_public().to_string())
}

/// A machine without anything of Weft's on it.
fn machine(root: &Path, name: &str) -> Person {
    fs::create_dir_all(root).expect("a folder");
    let mut device = Device::new(root, name).expect("a device");
    device.device_name = "new laptop".to_owned();
    fs::remove_dir(&device.home).expect("nothing in it");
    let files = Files { root: device.place.join("notes") };
    Person { device, files }
}

fn has(person: &Person, path: &str, word: &str) {
    let look = || person.files.read(path).filter(|text| text.contains(word));
    assert!(eventually(PATIENCE, look).is_some(), "{word:?} is not in {path}: {:?}", person.files.read(path));
}

/// Ana and Ben, with an image and a file that can be run, and where a backup of Ana's goes.
fn team() -> (Team, TempDir, String) {
    let team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n"), ("deep/b.txt", "two\n")]);
    let root = tempfile::tempdir().expect("a folder");
    let file = root.path().join("ana.age").display().to_string();
    team.people[ANA].files.write("picture.png", IMAGE).expect("a file");
    team.people[BEN].files.write("a.txt", "one\nfrom ben\n").expect("a file");
    team.has(ANA, "a.txt", "from ben");
    team.agree();
    (team, root, file)
}

const IMAGE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\xff";

fn remove_all_of(person: &Person) {
    fs::remove_dir_all(&person.device.home).expect("the data is gone");
    fs::remove_dir_all(&person.device.place).expect("the folders are gone");
}

#[test]
fn a_laptop_that_is_lost_comes_back_and_goes_on_where_the_others_are() {
    let (mut team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    let made = team.weft(ANA, &["backup", &file, "--to", &recipient]).expect("a backup");
    assert_eq!((made.number("files"), made.number("missing")), (3.0, 0.0));
    // The node was running all the time; what it writes now is not in the backup.
    team.people[ANA].files.write("a.txt", "one\nfrom ben\nafter the backup\n").expect("a file");
    team.has(BEN, "a.txt", "after the backup");
    let checked = team.weft(ANA, &["backup", "check", &file, "-i", &identity]).expect("it is whole");
    assert_eq!(checked.field("workspaces")[0]["name"], "notes");
    assert_eq!(checked.text("device_name"), "laptop");
    team.people[ANA].stop();
    remove_all_of(&team.people[ANA]);

    let mut new = machine(root.path(), "ana");
    let restored =
        new.device.weft(["backup", "restore", &file, "--identity", &identity]).expect("the device is back");
    let place = &restored.field("workspaces")[0];
    assert_eq!((&place["files"], &place["missing"], &place["is_new"]), (&3.into(), &0.into(), &true.into()));
    assert_eq!(new.files.read("a.txt").as_deref(), Some("one\nfrom ben\n"));
    assert_eq!(new.files.read("deep/b.txt").as_deref(), Some("two\n"));
    assert_eq!(fs::read(new.files.path("picture.png")).expect("a file"), IMAGE);
    // It goes on, and gets back from Ben what it had written itself after the backup.
    new.files.write("deep/b.txt", "two\nby the new laptop\n").expect("a file");
    new.device.start_node().expect("a node");
    has(&new, "a.txt", "after the backup");
    team.has(BEN, "deep/b.txt", "by the new laptop");
    team.people[BEN].files.write("a.txt", "one\nfrom ben\nafter the backup\nwelcome\n").expect("a file");
    has(&new, "a.txt", "welcome");
    new.files.write("a.txt", "one\nfrom ben\nafter the backup\nwelcome\nthanks\n").expect("a file");
    team.has(BEN, "a.txt", "thanks");
    // Neither side has ever seen two histories of a log; tests in `forks` see that this is told when it is so.
    assert_eq!((forks(&new), team.forks(BEN)), (0, 0));
    // One person with one device still, and everything is theirs.
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "editor")]);
    let blame = team.weft(BEN, &["blame", "notes/a.txt"]).expect("a blame");
    let authors: Vec<_> = blame.field("lines").as_array().into_iter().flatten().cloned().collect();
    let authors: Vec<_> = authors.iter().map(|line| line["user_name"].as_str().unwrap_or("?")).collect();
    assert_eq!(authors, ["Ana", "Ben", "Ana", "Ben", "Ana"]);
    for person in [&new, &team.people[BEN]] {
        person.device.weft(["keep", "verify"]).expect("every chain is whole");
    }
    let doctor = new.device.weft(["doctor"]).expect("nothing is wrong");
    assert!(!format!("{doctor:?}").contains("problem"), "{doctor:?}");
}

#[test]
fn where_the_folder_is_still_there_it_goes_on_and_changes_since_are_edits() {
    let (mut team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    team.people[ANA].stop();
    // Without a node the command opens the data itself.
    team.weft(ANA, &["backup", &file, "--to", &recipient, "--without-files"]).expect("a backup");
    let occupied =
        team.weft(ANA, &["backup", "restore", &file, "-i", &identity]).expect_err("a device is there");
    assert!(occupied.message.contains("there is data of a device already"), "{}", occupied.message);
    fs::remove_dir_all(&team.people[ANA].device.home).expect("the data is gone");
    team.people[ANA].files.write("a.txt", "one\nfrom ben\nwhile nothing ran\n").expect("a file");
    let restored = team.weft(ANA, &["backup", "restore", &file, "-i", &identity]).expect("back");
    assert_eq!(restored.field("workspaces")[0]["is_new"], false);
    team.people[ANA].start();
    team.has(BEN, "a.txt", "while nothing ran");
    team.agree();
}

/// A disk image that was put back, twice: each copy writes logs of its own, and both edits reach everybody.
#[test]
fn a_backup_that_is_used_twice_forks_nothing() {
    let (mut team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    team.weft(ANA, &["backup", &file, "--to", &recipient]).expect("a backup");
    team.people[ANA].stop();
    remove_all_of(&team.people[ANA]);
    for (number, text) in ["first", "second"].iter().enumerate() {
        let mut copy = machine(&root.path().join(text), "ana");
        copy.device.weft(["backup", "restore", &file, "-i", &identity]).expect("back");
        copy.files.write(&format!("{text}.txt"), format!("{text}\n")).expect("a file");
        copy.device.start_node().expect("a node");
        team.has(BEN, &format!("{text}.txt"), text);
        if number == 1 {
            has(&copy, "first.txt", "first");
        }
        // Once more there and back: what is told of this copy's logs has come to both.
        team.people[BEN].files.write(&format!("to {text}.txt"), format!("{text}\n")).expect("a file");
        has(&copy, &format!("to {text}.txt"), text);
        assert_eq!((forks(&copy), team.forks(BEN)), (0, 0), "{text}: a log was continued twice");
        copy.device.stop_node().expect("an end");
    }
    let status = team.people[BEN].status();
    assert_eq!(status.text("state"), "active", "{status:?}");
    assert_eq!(status.field("pending").as_array().map(Vec::len), Some(0), "{status:?}");
}

#[test]
fn a_backup_is_written_where_it_harms_nothing_and_opens_with_its_secret_only() {
    let (team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    let inside = team.path(ANA, "backup.age").display().to_string();
    team.refused(ANA, &["backup", &inside, "--to", &recipient], 2, "would be shared");
    let home = team.people[ANA].device.home.join("backup.age").display().to_string();
    team.refused(ANA, &["backup", &home, "--to", &recipient], 2, "data folder");
    team.refused(ANA, &["backup", &file, "--to", "age1wrong"], 2, "no recipient");
    team.refused(ANA, &["backup", &file], 2, "--to RECIPIENT");
    assert!(!Path::new(&file).exists());
    team.weft(ANA, &["backup", &file, "--to", &recipient]).expect("a backup");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    team.refused(ANA, &["backup", &file, "--to", &recipient], 2, "there is a file already");
    let names = fs::read_dir(root.path()).expect("a folder").map(|entry| entry.expect("a name").file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["ana.age", "identity.txt"]);

    let other = tempfile::tempdir().expect("a folder");
    let (wrong, _) = self::identity(other.path());
    team.refused(ANA, &["backup", "check", &file, "-i", &wrong], 1, "does not open");
    let stranger = machine(root.path(), "ana");
    let failed = stranger.device.weft(["backup", "restore", &file, "-i", &wrong]).expect_err("it opens");
    assert!(failed.message.contains("does not open"), "{}", failed.message);
    let bytes = fs::read(&file).expect("a file");
    fs::write(&file, &bytes[..bytes.len() - 1]).expect("a file");
    let failed = stranger.device.weft(["backup", "restore", &file, "-i", &identity]).expect_err("it is cut");
    assert!(failed.message.contains("damaged"), "{}", failed.message);
    fs::write(&file, &bytes).expect("a file");
    stranger.device.weft(["backup", "restore", &file, "-i", &identity]).expect("the device is back");
}

/// Without Weft: what `age` and `tar` give are the files, and a data folder that opens by itself.
#[test]
fn the_age_tool_opens_a_backup() {
    if tool("age", "age", Command::new("age").arg("--version").output()).is_none() {
        return;
    }
    let (mut team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    team.weft(ANA, &["backup", &file, "--to", &recipient]).expect("a backup");
    team.people[ANA].stop();
    let out = root.path().join("out");
    fs::create_dir(&out).expect("a folder");
    let mut age = Command::new("age")
        .args(["--decrypt", "-i", &identity, &file])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the age tool");
    let plain = age.stdout.take().expect("its output");
    let tar = Command::new("tar").args(["--extract", "-C"]).arg(&out).stdin(plain).status().expect("tar");
    assert!(tar.success() && age.wait().expect("the age tool").success());
    let read = |path: &str| fs::read(out.join("files/notes").join(path)).expect("a file");
    assert_eq!(read("a.txt"), b"one\nfrom ben\n");
    assert_eq!(read("deep/b.txt"), b"two\n");
    assert_eq!(read("picture.png"), IMAGE);
    // By hand: the folder as WEFT_HOME.
    let mut by_hand = machine(root.path(), "ana");
    by_hand.device.home = out.join("weft");
    by_hand.files = Files { root: team.people[ANA].files.path("") };
    by_hand.files.write("a.txt", "one\nfrom ben\nby hand\n").expect("a file");
    by_hand.device.start_node().expect("a node");
    team.has(BEN, "a.txt", "by hand");
}

/// A passphrase that comes from a file, as a script gives it.
#[test]
fn a_passphrase_can_come_from_a_descriptor() {
    let (team, root, file) = team();
    let secret = root.path().join("passphrase");
    fs::write(&secret, "several words that nobody guesses\n").expect("a file");
    let with = |secret: &Path, words: &[&str]| {
        let mut command = Command::new("sh");
        let inner = team.people[ANA].device.command(words);
        command
            .args(["-c", "exec \"$@\" 3<\"$SECRET\"", "sh"])
            .arg(inner.get_program())
            .args(inner.get_args());
        inner.get_envs().for_each(|(name, value)| {
            command.env(name, value.unwrap_or_default());
        });
        command.current_dir(&team.people[ANA].device.place).env("SECRET", secret).output().expect("a program")
    };
    let made = with(&secret, &["backup", &file, "--passphrase-fd", "3"]);
    assert!(made.status.success(), "{made:?}");
    assert!(with(&secret, &["backup", "check", &file, "--passphrase-fd", "3"]).status.success());
    let wrong = root.path().join("wrong");
    fs::write(&wrong, "a guess\n").expect("a file");
    let refused = with(&wrong, &["backup", "check", &file, "--passphrase-fd", "3"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("does not open the backup"), "{refused:?}");
}

/// A pipe gives a passphrase once: the command that brings a device back must not need it twice.
#[test]
fn a_device_is_brought_back_with_a_passphrase_from_a_pipe() {
    let (mut team, root, file) = team();
    let (identity, recipient) = identity(root.path());
    team.weft(ANA, &["backup", &file, "--to", &recipient]).expect("a backup");
    team.people[ANA].stop();
    remove_all_of(&team.people[ANA]);
    let new = machine(root.path(), "ana");
    let piped = |words: &[&str]| {
        let inner = new.device.command(words);
        let mut command = Command::new("sh");
        let script = "printf '%s\\n' 'several words' | exec \"$@\" 3<&0 0</dev/null";
        command.args(["-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("WEFT_KEY", "passphrase-fd:3").current_dir(&new.device.place);
        command.output().expect("a program")
    };
    let restored = piped(&["backup", "restore", &file, "--identity", &identity]);
    assert!(restored.status.success(), "{restored:?}");
    let said = String::from_utf8_lossy(&restored.stdout);
    assert!(said.contains("is back") && said.contains("No node runs"), "{said}");
    assert_eq!(new.files.read("a.txt").as_deref(), Some("one\nfrom ben\n"));
    assert!(!new.device.home.join("store.key").exists());
    let status = piped(&["device", "list"]);
    assert!(status.status.success(), "{status:?}");
}
