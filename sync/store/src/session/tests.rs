use super::*;
use crate::memory::MemoryStore;

const NEW: SessionVerdict = SessionVerdict::NewSession(NewSessionReason::NotCounted);

fn log(number: u8) -> LogId {
    LogId::from_bytes([number; 32])
}

struct Machine {
    memory: tempfile::TempDir,
    home: tempfile::TempDir,
    store: MemoryStore,
}

impl Machine {
    fn new() -> Self {
        Self {
            memory: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
            store: MemoryStore::new(Instance([1; 16])),
        }
    }

    fn folders(&self) -> CounterFolders {
        CounterFolders::at(vec![self.memory.path().join("weft")])
    }

    fn start(&self) -> SessionGuard {
        self.start_with(&self.store)
    }

    fn start_with(&self, store: &MemoryStore) -> SessionGuard {
        SessionGuard::open(&self.folders(), self.home.path(), store).unwrap()
    }

    fn reboot(&self) {
        std::fs::remove_dir_all(self.memory.path().join("weft")).unwrap();
    }

    fn file(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.memory.path().join("weft")).unwrap();
        files.next().unwrap().unwrap().path()
    }
}

#[test]
fn a_log_goes_on_after_a_crash_of_the_program() {
    let machine = Machine::new();
    let mut guard = machine.start();
    assert_eq!(guard.check(log(1), 0), NEW);
    guard.advance(log(1), 1).unwrap();
    guard.advance(log(2), 7).unwrap();
    guard.advance(log(1), 2).unwrap();
    drop(guard);
    let guard = machine.start();
    assert_eq!(guard.check(log(1), 2), SessionVerdict::Reuse);
    // Committed, but the program was killed before it counted: nothing of it was sent.
    assert_eq!(guard.check(log(1), 3), SessionVerdict::Reuse);
    assert_eq!(guard.check(log(2), 7), SessionVerdict::Reuse);
    assert_eq!(guard.check(log(3), 7), NEW);
}

#[test]
fn a_reboot_begins_new_logs() {
    let machine = Machine::new();
    machine.start().advance(log(1), 5).unwrap();
    machine.reboot();
    assert_eq!(machine.start().check(log(1), 5), NEW);
}

#[test]
fn a_restored_database_begins_new_logs() {
    let machine = Machine::new();
    machine.start().advance(log(1), 5).unwrap();
    let behind = NewSessionReason::DatabaseBehind { counted: 5, stored: 4 };
    assert_eq!(machine.start().check(log(1), 4), SessionVerdict::NewSession(behind));
}

#[test]
fn another_database_begins_new_logs_and_stays_apart() {
    let machine = Machine::new();
    machine.start().advance(log(1), 5).unwrap();
    let other = MemoryStore::new(Instance([2; 16]));
    assert_eq!(machine.start_with(&other).check(log(1), 5), NEW);
    // The other one took the file over: the first one is new as well.
    assert_eq!(machine.start().check(log(1), 5), NEW);
}

#[test]
fn a_copy_of_the_folder_begins_new_logs() {
    let machine = Machine::new();
    machine.start().advance(log(1), 5).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let guard = SessionGuard::open(&machine.folders(), copy.path(), &machine.store.copy()).unwrap();
    assert_eq!(guard.check(log(1), 5), NEW);
}

#[test]
fn a_file_from_another_environment_is_begun_anew() {
    let machine = Machine::new();
    let other = CounterFolders::at(vec![machine.memory.path().join("other")]);
    let open_other = |store: &MemoryStore| SessionGuard::open(&other, machine.home.path(), store).unwrap();
    machine.start().advance(log(1), 3).unwrap();
    assert_eq!(open_other(&machine.store).check(log(1), 3), NEW);
    let backup = machine.store.copy();
    open_other(&machine.store).advance(log(1), 8).unwrap();
    // The first file still says 3, but the log went on to 8 and the database back to 6.
    assert_eq!(machine.start_with(&backup).check(log(1), 6), NEW);
}

#[test]
fn a_damaged_file_begins_new_logs() {
    let machine = Machine::new();
    let mut guard = machine.start();
    guard.advance(log(1), 5).unwrap();
    guard.advance(log(2), 6).unwrap();
    let whole = std::fs::read(machine.file()).unwrap();
    for length in 0..whole.len() {
        std::fs::write(machine.file(), &whole[..length]).unwrap();
        let guard = machine.start();
        let verdict = guard.check(log(2), 6);
        assert_eq!(verdict, NEW, "cut to {length}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 4;
        std::fs::write(machine.file(), &changed).unwrap();
        let guard = machine.start();
        assert_eq!(guard.check(log(1), 5), NEW, "byte {at}");
    }
}

#[test]
fn counting_never_goes_back() {
    let machine = Machine::new();
    let mut guard = machine.start();
    guard.advance(log(1), 5).unwrap();
    guard.advance(log(1), 3).unwrap();
    drop(guard);
    assert_ne!(machine.start().check(log(1), 4), SessionVerdict::Reuse);
}

#[test]
fn a_file_that_vanishes_while_the_program_runs_costs_one_session() {
    let machine = Machine::new();
    let mut guard = machine.start();
    guard.advance(log(1), 1).unwrap();
    machine.reboot();
    guard.advance(log(1), 2).unwrap();
    drop(guard);
    assert_eq!(machine.start().check(log(1), 2), NEW);
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let machine = Machine::new();
    let open = machine.memory.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let link = machine.memory.path().join("link");
    std::os::unix::fs::symlink(machine.home.path(), &link).unwrap();
    let missing = machine.memory.path().join("no/such/parent");
    let good = machine.memory.path().join("good");
    let folders = CounterFolders::at(vec![open.clone(), link, missing, good.clone()]);
    let mut guard = SessionGuard::open(&folders, machine.home.path(), &machine.store).unwrap();
    guard.advance(log(1), 1).unwrap();
    assert_eq!(std::fs::read_dir(good).unwrap().count(), 1);
    let folders = CounterFolders::at(vec![open]);
    let refused = SessionGuard::open(&folders, machine.home.path(), &machine.store);
    assert!(matches!(refused, Err(SessionError::NoFolder { .. })));
}

#[test]
fn a_thousand_starts_use_one_log() {
    let machine = Machine::new();
    for seq in 1..=1_000 {
        let mut guard = machine.start();
        if seq > 1 {
            assert_eq!(guard.check(log(1), seq - 1), SessionVerdict::Reuse);
        }
        guard.advance(log(1), seq).unwrap();
    }
}

#[test]
fn the_number_of_logs_is_limited() {
    let machine = Machine::new();
    let mut guard = machine.start();
    for number in 0..SESSION_LOGS_MAX as u64 {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        guard.advance(LogId::from_bytes(id), 1).unwrap();
    }
    let full = guard.advance(log(0xff), 1);
    assert!(matches!(full, Err(SessionError::TooManyLogs { .. })));
    guard.advance(LogId::from_bytes([0; 32]), 2).unwrap();
    drop(guard);
    let guard = machine.start();
    assert_eq!(guard.check(LogId::from_bytes([0; 32]), 2), SessionVerdict::Reuse);
}
