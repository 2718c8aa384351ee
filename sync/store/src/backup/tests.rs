use std::io::{Cursor, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use age::secrecy::ExposeSecret as _;
use bytes::Bytes;
use weft_crdt::ChunkId;

use super::*;
use crate::keys::{self, KeyChoice, KeyContext, NoKeyring, SlotKind};
use crate::limits::{BACKUP_NOTE_BYTES_MAX, SETTINGS_BYTES_MAX};
use crate::session::{CounterFolders, SessionGuard, SessionVerdict};
use crate::{Home, Space, Storage, Store, Table, Write};

const SETTING: Space = Space::device(Table::Setting);
const INVITATION: Space = Space::device(Table::Invitation);

fn context() -> KeyContext<'static> {
    KeyContext {
        choice: KeyChoice::File,
        keyring: Arc::new(NoKeyring),
        ask: None,
        credentials: None,
        keyring_timeout: Duration::from_secs(1),
        work_factor: None,
    }
}

fn chunk(byte: u8) -> (ChunkId, Bytes) {
    let bytes = Bytes::from(vec![byte; 10_000]);
    (ChunkId::from_bytes(*blake3::hash(&bytes).as_bytes()), bytes)
}

/// A data folder with a record, an invitation, a chunk and settings.
fn device(folder: &Path) -> (Home, Store) {
    let home = Home::open(folder).unwrap();
    let unlocked = keys::unlock(&home, &mut context()).unwrap();
    let store = Store::open(home.path(), &unlocked.key).unwrap();
    let record =
        |space, value: &[u8]| Write::Record { space, key: b"name".to_vec(), value: Some(value.to_vec()) };
    store.put_chunks(vec![chunk(1)]).unwrap();
    let writes = [record(SETTING, b"a choice"), record(INVITATION, b"a ticket"), Write::SyncChunks];
    store.commit(&writes).unwrap();
    std::fs::write(home.path().join("settings.toml"), "theme = \"dark\"\n").unwrap();
    (home, store)
}

fn note() -> BackupNote {
    let mut note = BackupNote::new(1_000, "weft".into(), "user".into(), "device".into(), "laptop".into());
    note.workspaces.push(BackupWorkspace {
        workspace: "id".into(),
        name: "book".into(),
        folder: "/home/ana/book".into(),
        files: Some("book".into()),
    });
    note
}

fn identity() -> (BackupSeal, BackupOpener) {
    let identity = age::x25519::Identity::generate();
    let recipient = BackupRecipient::parse(&identity.to_public().to_string()).unwrap();
    let text = format!("# made for a test\n{}\n", identity.to_string().expose_secret());
    (BackupSeal::Recipients(vec![recipient]), BackupOpener::Identities(text.into()))
}

fn back_up(home: &Home, store: &Store, seal: &BackupSeal) -> Vec<u8> {
    let mut writer = BackupWriter::begin(Vec::new(), seal, &note()).unwrap();
    let mut moved = 0;
    writer.add_store(home, store, &mut |bytes| moved += bytes).unwrap();
    assert!(moved > 10_000);
    writer.add_folder("book", "parts").unwrap();
    writer.add_file("book", "parts/one.txt", true, 5, &b"words"[..]).unwrap();
    writer.finish().unwrap()
}

fn bring_back(bytes: &[u8], opener: &BackupOpener, home: &Home) -> Result<RestoredBackup, BackupError> {
    restore(Cursor::new(bytes), opener, home, &mut context(), &mut |_, _| Ok(()), &mut |_| {})
}

fn reopened(home: &Home) -> Store {
    Store::open(home.path(), &keys::unlock(home, &mut context()).unwrap().key).unwrap()
}

#[test]
fn a_device_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    // What comes later is not in it.
    let later = Write::Record { space: SETTING, key: b"later".to_vec(), value: Some(b"x".to_vec()) };
    store.commit(&[later]).unwrap();

    let contents = check(Cursor::new(&bytes), &opener).unwrap();
    assert_eq!(contents.note, note());
    assert_eq!((contents.files, contents.file_bytes), (1, 5));

    let new_home = Home::open(&folder.path().join("new")).unwrap();
    let mut prepared = Vec::new();
    let restored = restore(
        Cursor::new(&bytes),
        &opener,
        &new_home,
        &mut context(),
        &mut |store, _| {
            prepared.push(store.record(SETTING, b"name").unwrap());
            Ok(())
        },
        &mut |_| {},
    );
    assert_eq!(restored.unwrap().unlocked.slot, SlotKind::File);
    assert_eq!(prepared, [Some(b"a choice".to_vec())]);
    let restored = reopened(&new_home);
    assert_eq!(restored.record(SETTING, b"name").unwrap().as_deref(), Some(&b"a choice"[..]));
    assert_eq!(restored.record(SETTING, b"later").unwrap(), None);
    assert_eq!(restored.chunk(&chunk(1).0).unwrap(), Some(chunk(1).1));
    assert_eq!(restored.open_report(), crate::OpenReport::default());
    let settings = std::fs::read_to_string(new_home.path().join("settings.toml")).unwrap();
    assert_eq!(settings, "theme = \"dark\"\n");
    // Tickets that were used meanwhile must not work again.
    assert_eq!(store.record(INVITATION, b"name").unwrap().as_deref(), Some(&b"a ticket"[..]));
    assert_eq!(restored.record(INVITATION, b"name").unwrap(), None);
    // Nothing of the work is left over, neither here nor there.
    assert!(!new_home.path().join("restoring").exists());
    assert!(!home.path().join("backup.db").exists());
}

/// In place of the database that it was made of, with the counter file of that one still there and saying the same.
#[test]
fn a_device_that_came_back_begins_new_logs() {
    let folder = tempfile::tempdir().unwrap();
    let counters = CounterFolders::at(vec![folder.path().join("counters")]);
    let place = folder.path().join("home");
    let (home, store) = device(&place);
    let log = weft_sync::LogId::from_bytes([7; 32]);
    let mut guard = SessionGuard::open(&counters, home.path(), &store).unwrap();
    guard.advance(log, 3).unwrap();
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    drop((guard, store));
    // Without a backup in between the log goes on.
    let store = reopened(&home);
    let guard = SessionGuard::open(&counters, home.path(), &store).unwrap();
    assert_eq!(guard.check(log, 3), SessionVerdict::Reuse);
    drop((guard, store));
    std::fs::remove_dir_all(&place).unwrap();
    let home = Home::open(&place).unwrap();
    bring_back(&bytes, &opener, &home).unwrap();
    let guard = SessionGuard::open(&counters, home.path(), &reopened(&home)).unwrap();
    assert!(matches!(guard.check(log, 3), SessionVerdict::NewSession(_)));
}

#[test]
fn a_backup_that_was_cut_or_altered_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    let new_home = Home::open(&folder.path().join("new")).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        let error = bring_back(bytes, &opener, &new_home).expect_err(what);
        let is_told =
            matches!(error, BackupError::Damaged { .. } | BackupError::Foreign | BackupError::WrongSecret);
        assert!(is_told, "{what}: {error:?}");
        assert!(check(Cursor::new(bytes), &opener).is_err(), "{what}");
        let names = std::fs::read_dir(new_home.path()).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["packs"], "{what}");
    };
    let step = bytes.len() / 23;
    for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
        refused(&bytes[..at], &format!("cut at {at}"));
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        refused(&altered, &format!("altered at {at}"));
    }
    bring_back(&bytes, &opener, &new_home).unwrap();
}

#[test]
fn data_that_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    drop(store);
    assert!(matches!(bring_back(&bytes, &opener, &home), Err(BackupError::Occupied { .. })));
    // Not even beside the rest of an attempt.
    std::fs::create_dir(home.path().join("restoring")).unwrap();
    assert!(matches!(bring_back(&bytes, &opener, &home), Err(BackupError::Occupied { .. })));
    assert_eq!(reopened(&home).record(SETTING, b"name").unwrap().as_deref(), Some(&b"a choice"[..]));
}

/// The program ended when everything was in its place but the key.
#[test]
fn an_interrupted_attempt_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    let new_home = Home::open(&folder.path().join("new")).unwrap();
    let mut no_place = context();
    no_place.choice = KeyChoice::Keyring;
    let failed =
        restore(Cursor::new(&bytes), &opener, &new_home, &mut no_place, &mut |_, _| Ok(()), &mut |_| {});
    assert!(matches!(failed, Err(BackupError::Key(_))), "{failed:?}");
    assert!(new_home.store_db().exists());
    // Weft itself makes no new device of that.
    assert!(matches!(keys::unlock(&new_home, &mut context()), Err(UnlockError::KeysLost { .. })));
    bring_back(&bytes, &opener, &new_home).unwrap();
    assert_eq!(reopened(&new_home).record(SETTING, b"name").unwrap().as_deref(), Some(&b"a choice"[..]));
}

#[test]
fn each_kind_of_secret_opens_its_kind_only() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let for_identity = back_up(&home, &store, &seal);
    let passphrase = || SecretString::from("correct horse".to_owned());
    let for_passphrase = back_up(&home, &store, &BackupSeal::Passphrase(passphrase()));
    let looked = |bytes: &[u8], opener: &BackupOpener| check(Cursor::new(bytes), opener);
    let with = |text: &str| BackupOpener::Passphrase(text.to_owned().into());
    assert!(looked(&for_passphrase, &BackupOpener::Passphrase(passphrase())).is_ok());
    assert!(matches!(looked(&for_passphrase, &with("wrong")), Err(BackupError::WrongSecret)));
    assert!(matches!(looked(&for_passphrase, &opener), Err(BackupError::WantsPassphrase)));
    assert!(matches!(looked(&for_identity, &with("x")), Err(BackupError::WantsIdentity)));
    assert!(matches!(looked(&for_identity, &identity().1), Err(BackupError::WrongSecret)));
    let nothing = BackupOpener::Identities("# nothing\n".to_owned().into());
    assert!(matches!(looked(&for_identity, &nothing), Err(BackupError::NoIdentity)));
    assert!(matches!(looked(b"words", &opener), Err(BackupError::Foreign)));
    assert!(matches!(BackupRecipient::parse("age1no"), Err(BackupError::NoRecipient { .. })));
    let begun = |seal: &BackupSeal| BackupWriter::begin(Vec::new(), seal, &note()).map(drop);
    let passphrase = |length: usize| BackupSeal::Passphrase("x".repeat(length).into());
    assert!(matches!(begun(&passphrase(0)), Err(BackupError::PassphraseLength)));
    assert!(matches!(begun(&passphrase(PASSPHRASE_BYTES_MAX + 1)), Err(BackupError::PassphraseLength)));
    assert!(matches!(begun(&BackupSeal::Recipients(Vec::new())), Err(BackupError::NoSeal)));
}

/// An archive of these entries under the seal.
fn archive(seal: &BackupSeal, entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut writer = BackupWriter::begin(Vec::new(), seal, &note()).unwrap();
    for (name, kind, bytes) in entries {
        let mut header = writer.header(bytes.len() as u64, 0o644);
        header.set_entry_type(*kind);
        let field = &mut header.as_gnu_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc").unwrap();
        }
        header.set_cksum();
        writer.archive.append(&header, *bytes).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn names_in_an_archive_lead_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let outer = folder.path().join("outer");
    let home = Home::open(&outer.join("home")).unwrap();
    let (seal, opener) = identity();
    let file = tar::EntryType::Regular;
    let escape = outer.join("escaped").display().to_string();
    let bytes = archive(
        &seal,
        &[
            ("../escaped", file, b"1"),
            ("weft/../../escaped", file, b"2"),
            ("weft/packs/../../../escaped", file, b"3"),
            (&escape, file, b"4"),
            ("weft/packs", tar::EntryType::Symlink, b""),
            ("weft/packs/00000000.pack", file, b"5"),
            ("weft/packs/0000000/.pack", file, b"6"),
            ("weft/node.sock", file, b"7"),
            ("weft/..toml", file, b"8"),
            ("weft/.toml", file, b"9"),
            ("files/book/../../../escaped", file, b"10"),
        ],
    );
    assert!(matches!(bring_back(&bytes, &opener, &home), Err(BackupError::Foreign)));
    let names = std::fs::read_dir(&outer).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["home"]);
    let names = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["packs"]);
}

#[test]
fn small_files_are_small() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    let (seal, opener) = identity();
    let file = tar::EntryType::Regular;
    let fits = vec![b' '; usize::try_from(SETTINGS_BYTES_MAX).unwrap()];
    let settings = |bytes: &[u8]| archive(&seal, &[("weft/settings.toml", file, bytes)]);
    // Within the limit the only thing wrong is that there is no key.
    assert!(matches!(bring_back(&settings(&fits), &opener, &home), Err(BackupError::Foreign)));
    let longer = [fits, vec![b' ']].concat();
    assert!(matches!(bring_back(&settings(&longer), &opener, &home), Err(BackupError::Damaged { .. })));
    let spaces = vec![b' '; usize::try_from(BACKUP_NOTE_BYTES_MAX).unwrap() - 2];
    let fits = [b"{}".to_vec(), spaces].concat();
    let noted = |bytes: &[u8]| archive(&seal, &[(NOTE_NAME, file, bytes)]);
    assert!(matches!(check(Cursor::new(noted(&fits)), &opener), Err(BackupError::Foreign)));
    let longer = [fits, vec![b' ']].concat();
    assert!(matches!(check(Cursor::new(noted(&longer)), &opener), Err(BackupError::Damaged { .. })));
    let newer = noted(br#"{"version": 2}"#);
    assert!(matches!(check(Cursor::new(newer), &opener), Err(BackupError::TooNew)));
}

/// A file that is shorter than it was said to be must not shift what comes after it.
#[test]
fn a_file_that_shrinks_is_an_error() {
    let (seal, _) = identity();
    let mut writer = BackupWriter::begin(Vec::new(), &seal, &note()).unwrap();
    assert!(writer.add_file("book", "one.txt", false, 6, &b"words"[..]).is_err());
    let mut writer = BackupWriter::begin(Vec::new(), &seal, &note()).unwrap();
    writer.add_file("book", "one.txt", false, 2, &b"words"[..]).unwrap();
}

/// What age seals is an ordinary archive: files at the top, nothing outside.
#[test]
fn the_archive_is_plain() {
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = device(&folder.path().join("old"));
    let (seal, opener) = identity();
    let bytes = back_up(&home, &store, &seal);
    let BackupOpener::Identities(text) = &opener else { unreachable!() };
    let identities = age::IdentityFile::from_buffer(text.expose_secret().as_bytes()).unwrap();
    let identities = identities.into_identities().unwrap();
    let decryptor = age::Decryptor::new_buffered(Cursor::new(&bytes)).unwrap();
    let plain = decryptor.decrypt(identities.iter().map(|identity| &**identity as _)).unwrap();
    let mut archive = tar::Archive::new(plain);
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if name == "files/book/parts/one.txt" {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), entry.header().mode().unwrap()), ("words", 0o755));
        }
        names.push(name);
    }
    let expected = [
        "README.txt",
        "backup.json",
        "weft/store.db",
        "weft/packs/00000000.pack",
        "weft/keys.json",
        "weft/store.key",
        "weft/settings.toml",
        "files/book/parts/",
        "files/book/parts/one.txt",
    ];
    assert_eq!(names, expected);
}
