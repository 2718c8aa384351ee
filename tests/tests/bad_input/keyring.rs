//! A real keyring in a session of its own: unlocked, locked, reset, gone.
//!
//! Skipped, with the reason, where `dbus-daemon` or `gnome-keyring-daemon` is missing, unless tools are required.

use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weft_tests::{Device, PATIENCE, tool};

use crate::told::{Told, run};

const PASSWORD: &str = "the password of the session";

/// A session bus with nobody's keyring on it but ours.
struct Session {
    root: TempDir,
    bus: Child,
    keyring: Option<Child>,
}

impl Session {
    /// `None` where the programs are missing.
    fn start() -> Option<Self> {
        let programs =
            [("dbus-daemon", "dbus"), ("dbus-send", "dbus-bin"), ("gnome-keyring-daemon", "gnome-keyring")];
        for (program, package) in programs {
            tool(program, package, Command::new(program).arg("--version").output())?;
        }
        let root = tempfile::tempdir().expect("a folder");
        DirBuilder::new().mode(0o700).create(root.path().join("run")).expect("a folder");
        // No services: nothing starts by itself.
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            bus_of(root.path()).display()
        );
        fs::write(root.path().join("bus.conf"), configuration).expect("a configuration");
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--nofork")
            .arg("--nopidfile")
            .arg(format!("--config-file={}/bus.conf", root.path().display()));
        let bus = bus.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a bus");
        let session = Self { root, bus, keyring: None };
        let begin = Instant::now();
        while !bus_of(session.root.path()).exists() {
            assert!(begin.elapsed() < PATIENCE, "the bus does not start");
            sleep(Duration::from_millis(10));
        }
        Some(session)
    }

    fn prepare(&self, command: &mut Command) {
        let root = self.root.path();
        let bus = format!("unix:path={}", bus_of(root).display());
        command.env("DBUS_SESSION_BUS_ADDRESS", bus).env("HOME", root);
        command.env("XDG_DATA_HOME", self.data()).env("XDG_RUNTIME_DIR", root.join("run"));
        // A window that asks for the password would have nobody to answer.
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Starts the keyring, unlocked by a password or locked.
    fn start_keyring(&mut self, password: Option<&str>) {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        command.arg(format!("--control-directory={}/run/keyring", self.root.path().display()));
        command.args(password.map(|_| "--unlock"));
        self.prepare(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keyring = command.spawn().expect("a keyring");
        let mut input = keyring.stdin.take().expect("an input");
        input.write_all(password.unwrap_or_default().as_bytes()).expect("a password is taken");
        drop(input);
        self.keyring = Some(keyring);
        let begin = Instant::now();
        while !self.has_keyring() {
            assert!(begin.elapsed() < PATIENCE, "the keyring does not start");
            sleep(Duration::from_millis(20));
        }
    }

    /// Whether somebody answers to the name of the secret service.
    fn has_keyring(&self) -> bool {
        let mut command = Command::new("dbus-send");
        command.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        command.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        self.prepare(&mut command);
        let output = command.output().expect("an answer of the bus");
        String::from_utf8_lossy(&output.stdout).contains("boolean true")
    }

    fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            // It may have ended by itself.
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    fn weft(&self, device: &Device, words: &[&str]) -> Told {
        let mut command = device.command(words);
        self.prepare(&mut command);
        command.env("WEFT_KEY", "keyring");
        run(&mut command)
    }

    /// The same where nobody has said where the key is to lie.
    fn weft_by_itself(&self, device: &Device, words: &[&str]) -> Told {
        let mut command = device.command(words);
        self.prepare(&mut command);
        command.env_remove("WEFT_KEY");
        run(&mut command)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn bus_of(root: &Path) -> PathBuf {
    root.join("run/bus")
}

fn device(root: &Path) -> Device {
    let device = Device::new(root, "ana").expect("a device");
    fs::create_dir(device.place.join("notes")).expect("a folder");
    fs::write(device.place.join("notes/a.txt"), "one\n").expect("a file");
    device
}

/// What says who this device is.
fn identity(device: &Device) -> Vec<Vec<u8>> {
    ["identity.json", "keys.json"].map(|name| fs::read(device.home.join(name)).unwrap_or_default()).into()
}

#[test]
fn a_keyring_that_is_locked_reset_or_gone_is_told_and_never_makes_a_new_identity() {
    let Some(mut session) = Session::start() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let device = device(root.path());

    session.start_keyring(Some(PASSWORD));
    session.weft(&device, &["init", "notes"]).is_done();
    assert!(!device.home.join("store.key").exists(), "the key lies in the keyring and nowhere else");
    session.weft(&device, &["status", "notes"]).is_done().says(&["Ana on", "owner"]);
    session.weft(&device, &["doctor"]).is_done().says(&["keyring"]);
    let before = identity(&device);
    let refused = |session: &Session, words: &[&str]| {
        let edit = ["edit", "notes/a.txt", "--insert", "0", "x"];
        for command in [&["status", "notes"][..], &edit, &["init", "notes"]] {
            let told = session.weft(&device, command);
            println!("{command:?}: {}", told.text);
            told.is_refused(1, &["the system's keyring", "nothing was changed"]).says(words);
            assert_eq!(identity(&device), before, "who this device is was made anew");
        }
        assert_eq!(fs::read_to_string(device.place.join("notes/a.txt")).expect("a file"), "one\n");
    };

    // The session was begun without its password.
    session.stop_keyring();
    session.start_keyring(None);
    refused(&session, &["locked", "unlock the keyring"]);
    // The password was changed behind the keyring's back.
    session.stop_keyring();
    session.start_keyring(Some("another password"));
    refused(&session, &["locked", "unlock the keyring"]);
    // There is none any more.
    session.stop_keyring();
    refused(&session, &["does not work here", "unlock the keyring"]);
    // Somebody has reset it: it is there, open and empty.
    let kept = session.root.path().join("kept");
    fs::rename(session.data().join("keyrings"), &kept).expect("the keyrings of the session");
    session.start_keyring(Some(PASSWORD));
    refused(&session, &["holds no key for this device"]);

    // With the old one everything is as it was.
    session.stop_keyring();
    fs::remove_dir_all(session.data().join("keyrings")).expect("the new keyrings");
    fs::rename(&kept, session.data().join("keyrings")).expect("the old keyrings");
    session.start_keyring(Some(PASSWORD));
    session.weft(&device, &["edit", "notes/a.txt", "--insert", "0", "zero\n"]).is_done();
    session.weft(&device, &["status", "notes"]).is_done().says(&["Ana on", "owner"]);
    assert_eq!(identity(&device), before);
}

#[test]
fn a_locked_keyring_at_the_first_start_is_told_and_nothing_is_made() {
    let Some(mut session) = Session::start() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let device = device(root.path());
    session.start_keyring(None);
    let told = session.weft(&device, &["init", "notes"]);
    println!("{}", told.text);
    told.is_refused(1, &["the system's keyring", "locked", "WEFT_KEY=file", "nothing was changed"]);
    assert!(identity(&device).iter().all(Vec::is_empty), "an identity was made whose key is kept nowhere");
}

/// Nobody has set `WEFT_KEY`, as on most machines.
#[test]
fn by_itself_the_key_goes_into_the_keyring_and_stays_there() {
    let Some(mut session) = Session::start() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let device = device(root.path());
    session.start_keyring(Some(PASSWORD));
    session.weft_by_itself(&device, &["init", "notes"]).is_done();
    assert!(!device.home.join("store.key").exists(), "the key lies in the keyring and nowhere else");
    session.weft_by_itself(&device, &["doctor"]).is_done().says(&["keyring"]);
    let before = identity(&device);

    // A keyring that does not open is no reason to begin anew beside it.
    for password in [None, Some("another password")] {
        session.stop_keyring();
        session.start_keyring(password);
        for words in [&["status", "notes"][..], &["init", "notes"]] {
            let told = session.weft_by_itself(&device, words);
            println!("{words:?}: {}", told.text);
            told.is_refused(1, &["the system's keyring", "locked", "nothing was changed"]);
        }
    }
    session.stop_keyring();
    let told = session.weft_by_itself(&device, &["status", "notes"]);
    println!("{}", told.text);
    told.is_refused(1, &["the system's keyring", "does not work here", "nothing was changed"]);
    assert_eq!(identity(&device), before, "who this device is was made anew");
    assert!(!device.home.join("store.key").exists());

    session.start_keyring(Some(PASSWORD));
    session.weft_by_itself(&device, &["edit", "notes/a.txt", "--insert", "0", "zero\n"]).is_done();
    session.weft_by_itself(&device, &["status", "notes"]).is_done().says(&["Ana on", "owner"]);
    assert_eq!(identity(&device), before);
}

/// At the first start a file takes its place, and the person is told where the key lies.
#[test]
fn by_itself_a_key_without_a_keyring_goes_into_a_file_that_is_named() {
    let Some(mut session) = Session::start() else { return };
    for is_locked in [false, true] {
        let root = tempfile::tempdir().expect("a folder");
        let device = device(root.path());
        if is_locked {
            session.start_keyring(None);
        }
        let told = session.weft_by_itself(&device, &["init", "notes"]);
        println!("{}", told.text);
        told.is_done().says(&["lies in a file that only you can read", "store.key"]);
        session.weft_by_itself(&device, &["status", "notes"]).is_done().says(&["Ana on", "owner"]);
        assert!(device.home.join("store.key").exists());
    }
}
