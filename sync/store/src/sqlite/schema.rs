//! The tables, and how a file of an earlier version becomes one of this version.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::error::{DatabaseError, OpenError};
use crate::rows::Instance;
use crate::space::{Space, Table};
use crate::store_key::{RowSeal, StoreKey};

/// "WEFT": tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x5745_4654;

/// Step `n` brings a file from version `n` to version `n + 1`. Steps never change once released.
pub(super) const MIGRATIONS: &[&str] = &[V1, V2];

/// Entries, changes and records.
const V1: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters(id INTEGER PRIMARY KEY CHECK(id = 1),
    last_order INTEGER NOT NULL, last_change INTEGER NOT NULL) STRICT;
INSERT INTO counters VALUES(1, 0, 0);
CREATE TABLE workspaces(id INTEGER PRIMARY KEY, ws BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE logs(id INTEGER PRIMARY KEY, ws INTEGER NOT NULL, log BLOB NOT NULL,
    last_seq INTEGER NOT NULL, last_id BLOB NOT NULL, kinds INTEGER NOT NULL,
    entries INTEGER NOT NULL, bytes INTEGER NOT NULL, forked INTEGER NOT NULL,
    last_order INTEGER NOT NULL, UNIQUE(ws, log)) STRICT;
CREATE TABLE entries(ord INTEGER PRIMARY KEY, ws INTEGER NOT NULL, log INTEGER NOT NULL,
    seq INTEGER NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL, marks INTEGER NOT NULL,
    bytes BLOB NOT NULL) STRICT;
CREATE INDEX entries_log ON entries(log, seq);
CREATE INDEX entries_ws ON entries(ws);
CREATE INDEX entries_control ON entries(ws) WHERE kind <> 5;
CREATE INDEX entries_marked ON entries(ws) WHERE marks <> 0;
CREATE TABLE changes(ws INTEGER NOT NULL, doc BLOB NOT NULL, ord INTEGER NOT NULL,
    item INTEGER NOT NULL, at INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY(ws, doc, ord, item)) STRICT, WITHOUT ROWID;
CREATE TABLE records(ws INTEGER NOT NULL, tab INTEGER NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, PRIMARY KEY(ws, tab, key)) STRICT;
";

/// The index of the pack files.
const V2: &str = "
CREATE TABLE packs(pack INTEGER PRIMARY KEY, length INTEGER NOT NULL) STRICT;
CREATE TABLE chunks(id BLOB PRIMARY KEY, pack INTEGER NOT NULL, start INTEGER NOT NULL,
    length INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// What a file said about itself when it was opened.
pub(super) struct Opened {
    pub(super) instance: Instance,
    /// The version of the file before it was brought up to date; none for a new file.
    pub(super) migrated_from: Option<i64>,
}

/// Checks that the file is ours and that the key is right, then brings it up to date.
pub(super) fn prepare(connection: &mut Connection, key: &StoreKey, path: &Path) -> Result<Opened, OpenError> {
    let database = || OpenError::database::<rusqlite::Error>(path);
    let version = file_version(connection, path)?;
    if version > 0 {
        check_key(connection, key, path)?;
    }
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(database())?;
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(mode, "the database does not use a write-ahead log here");
    }
    migrate(connection, key, version, MIGRATIONS).map_err(database())?;
    let instance = read_instance(connection, path)?;
    let known = known_version();
    let migrated_from = (version > 0 && version < known).then_some(version);
    Ok(Opened { instance, migrated_from })
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("a short list of migrations")
}

fn file_version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let read = || -> rusqlite::Result<_> {
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    let (application, version, tables) = read().map_err(OpenError::database(path))?;
    let known = known_version();
    match (application, version, tables) {
        (0, 0, 0) => Ok(0),
        (APPLICATION_ID, found, _) if found > known => {
            Err(OpenError::TooNew { found, known, path: path.to_path_buf() })
        }
        (APPLICATION_ID, found, _) if found > 0 => Ok(found),
        _ => Err(OpenError::Foreign { path: path.to_path_buf() }),
    }
}

/// Runs the missing steps, each in a transaction of its own with its version number.
pub(super) fn migrate(
    connection: &mut Connection,
    key: &StoreKey,
    version: i64,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    for (step, sql) in migrations.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        if step == 0 {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            write_identity(&transaction, key)?;
        }
        let version = i64::try_from(step + 1).expect("a short list of migrations");
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn write_identity(connection: &Connection, key: &StoreKey) -> rusqlite::Result<()> {
    let random =
        |error: getrandom::Error| rusqlite::Error::ToSqlConversionFailure(std::io::Error::from(error).into());
    let mut instance = [0; 16];
    getrandom::fill(&mut instance).map_err(random)?;
    let sealed = RowSeal::new(key).seal(KEY_CHECK, KEY_CHECK_NAME, &instance).map_err(random)?;
    let mut insert = connection.prepare("INSERT INTO meta(name, value) VALUES(?1, ?2)")?;
    insert.execute(("instance", &instance[..]))?;
    insert.execute(("key_check", sealed))?;
    Ok(())
}

/// Makes a copy of a database one of its own: with another instance, which tells that nothing was sent from it, and
/// without invitations, which must not be good again after they were used.
pub(super) fn make_independent(copy: &Connection) -> rusqlite::Result<()> {
    copy.pragma_update(None, "secure_delete", true)?;
    copy.execute("UPDATE meta SET value = randomblob(16) WHERE name = 'instance'", [])?;
    copy.execute("DELETE FROM records WHERE tab = ?1", [i64::from(Table::Invitation.number())])?;
    Ok(())
}

const KEY_CHECK: Space = Space::device(Table::Setting);
const KEY_CHECK_NAME: &[u8] = b"\0key check";

fn check_key(connection: &Connection, key: &StoreKey, path: &Path) -> Result<(), OpenError> {
    let sealed: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE name = 'key_check'", [], |row| row.get(0))
        .optional()
        .map_err(OpenError::database(path))?;
    let Some(sealed) = sealed else {
        let source = DatabaseError::Damaged { source: "the check of the key is missing".into() };
        return Err(OpenError::Database { source, path: path.to_path_buf() });
    };
    let seal = RowSeal::new(key);
    let stored_key = seal.stored_key(KEY_CHECK, KEY_CHECK_NAME);
    match seal.open(KEY_CHECK, &stored_key, &sealed) {
        Ok(_) => Ok(()),
        Err(_) => Err(OpenError::WrongKey { path: path.to_path_buf() }),
    }
}

fn read_instance(connection: &Connection, path: &Path) -> Result<Instance, OpenError> {
    connection
        .query_row("SELECT value FROM meta WHERE name = 'instance'", [], |row| row.get(0))
        .map(Instance)
        .map_err(OpenError::database(path))
}
