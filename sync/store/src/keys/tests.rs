use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Instant;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::*;

mod recovery;

/// A keyring that does what a test wants.
#[derive(Default)]
struct FakeKeyring {
    lines: Mutex<BTreeMap<String, String>>,
    fault: Mutex<Option<Fault>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Answers as if it were empty, as a locked one does.
    Locked,
    /// Accepts what it does not keep.
    Forgets,
    Mangles,
    Absent,
    Hangs,
    Panics,
}

impl FakeKeyring {
    fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn meet(&self) -> Result<(), KeyringFault> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(Fault::Absent) => Err(KeyringFault::Unavailable("no bus".into())),
            Some(Fault::Hangs) => {
                std::thread::sleep(Duration::from_secs(3));
                Ok(())
            }
            Some(Fault::Panics) => panic!("a keyring that panics"),
            _ => Ok(()),
        }
    }
}

impl Keyring for FakeKeyring {
    fn load(&self, account: &str) -> Result<Zeroizing<String>, KeyringFault> {
        self.meet()?;
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(Fault::Locked | Fault::Forgets) => return Err(KeyringFault::NoEntry),
            Some(Fault::Mangles) => return Ok(Zeroizing::new("00".repeat(31))),
            _ => {}
        }
        let line = self.lines.lock().unwrap().get(account).cloned();
        line.map(Zeroizing::new).ok_or(KeyringFault::NoEntry)
    }

    fn store(&self, account: &str, line: &str) -> Result<(), KeyringFault> {
        self.meet()?;
        if *self.fault.lock().unwrap() == Some(Fault::Locked) {
            return Err(KeyringFault::Unavailable("no storage access".into()));
        }
        assert!(!line.contains('\n'), "a line break destroys some keyrings");
        self.lines.lock().unwrap().insert(account.to_owned(), line.to_owned());
        Ok(())
    }
}

struct Device {
    _folder: tempfile::TempDir,
    home: Home,
    keyring: Arc<FakeKeyring>,
}

impl Device {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            home: Home::open(&folder.path().join("home")).unwrap(),
            _folder: folder,
            keyring: Arc::new(FakeKeyring::default()),
        }
    }

    fn context<'a>(&self, choice: KeyChoice, ask: Option<&'a mut AskPassphrase<'a>>) -> KeyContext<'a> {
        KeyContext {
            choice,
            keyring: Arc::<FakeKeyring>::clone(&self.keyring),
            ask,
            credentials: None,
            keyring_timeout: Duration::from_millis(100),
            work_factor: Some(4),
        }
    }

    fn unlock(&self, choice: KeyChoice) -> Result<Unlocked, UnlockError> {
        unlock(&self.home, &mut self.context(choice, None))
    }

    /// Unlocks on a terminal where these answers are typed; returns what was asked.
    fn unlock_asking(
        &self,
        choice: KeyChoice,
        answers: &[Option<&str>],
    ) -> (Result<Unlocked, UnlockError>, Vec<PassphraseRequest>) {
        let mut requests = Vec::new();
        let mut answers = answers.iter();
        let mut ask = |request| {
            requests.push(request);
            let answer = answers.next().expect("no further question");
            answer.map(SecretString::from)
        };
        let result = unlock(&self.home, &mut self.context(choice, Some(&mut ask)));
        (result, requests)
    }

    #[cfg(unix)]
    fn chmod(&self, path: &std::path::Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn tried(error: &UnlockError) -> Vec<SlotKind> {
    match error {
        UnlockError::NoSlotOpened { tried, .. } => tried.iter().map(|one| one.slot).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_start_uses_the_keyring_where_it_works() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::Any).unwrap();
    assert_eq!((first.slot, first.is_new), (SlotKind::Keyring, true));
    assert_eq!(first.notice(), None);
    let second = device.unlock(KeyChoice::Any).unwrap();
    assert_eq!((second.slot, second.is_new), (SlotKind::Keyring, false));
    assert_eq!(first.key.expose(), second.key.expose());
    assert_eq!(slots(&device.home).unwrap(), [SlotKind::Keyring]);
    let lines = device.keyring.lines.lock().unwrap();
    assert!(lines.keys().all(|account| account.starts_with("weft/")));
}

#[test]
fn a_keyring_that_does_not_keep_is_not_trusted_with_the_first_key() {
    for fault in [Fault::Locked, Fault::Forgets, Fault::Mangles, Fault::Absent, Fault::Hangs, Fault::Panics] {
        let device = Device::new();
        device.keyring.set(Some(fault));
        let begin = Instant::now();
        let made = device.unlock(KeyChoice::Any).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2), "it must not wait");
        assert_eq!((made.slot, made.is_new), (SlotKind::File, true));
        let notice = made.notice().unwrap();
        assert!(notice.contains("store.key") && notice.lines().count() == 1);

        let device = Device::new();
        device.keyring.set(Some(fault));
        let (made, requests) = device.unlock_asking(KeyChoice::Any, &[Some("open sesame")]);
        assert_eq!(made.unwrap().slot, SlotKind::Passphrase);
        assert_eq!(requests, [PassphraseRequest::Choose]);
        assert!(!device.home.key_file().exists());

        let device = Device::new();
        device.keyring.set(Some(fault));
        let refused = device.unlock(KeyChoice::Keyring).unwrap_err();
        assert!(matches!(refused, UnlockError::CannotStore { slot: SlotKind::Keyring, .. }));
        assert!(refused.hint().contains("WEFT_KEY=file"));
        assert!(!device.home.keys_json().exists());
    }
}

#[test]
fn nothing_is_made_when_a_person_gives_no_passphrase() {
    let device = Device::new();
    device.keyring.set(Some(Fault::Absent));
    let (refused, _) = device.unlock_asking(KeyChoice::Any, &[None]);
    assert!(refused.unwrap_err().hint().contains("WEFT_KEY=file"));
    let (refused, _) = device.unlock_asking(KeyChoice::Any, &[Some("")]);
    refused.unwrap_err();
    assert!(!device.home.keys_json().exists());
    assert!(!device.home.key_file().exists());
}

#[test]
fn a_lost_keyring_is_an_error_and_no_first_start() {
    for fault in [Fault::Locked, Fault::Absent, Fault::Hangs, Fault::Mangles] {
        let device = Device::new();
        let first = device.unlock(KeyChoice::Any).unwrap();
        device.keyring.set(Some(fault));
        let keys = fs::read(device.home.keys_json()).unwrap();
        let refused = device.unlock(KeyChoice::Any).unwrap_err();
        assert_eq!(tried(&refused), [SlotKind::Keyring]);
        assert!(refused.hint().contains("keyring"), "{refused} {}", refused.hint());
        assert_eq!(fs::read(device.home.keys_json()).unwrap(), keys);
        device.keyring.set(None);
        let again = device.unlock(KeyChoice::Any).unwrap();
        assert_eq!(first.key.expose(), again.key.expose());
    }
}

#[test]
fn lost_keys_are_never_replaced_while_there_is_data() {
    for made in ["identity.json", "store.db"] {
        let device = Device::new();
        fs::write(device.home.path().join(made), "").unwrap();
        for choice in [KeyChoice::Any, KeyChoice::File, KeyChoice::Keyring] {
            let refused = device.unlock(choice).unwrap_err();
            assert!(matches!(refused, UnlockError::KeysLost { .. }), "{refused}");
        }
        assert!(!device.home.keys_json().exists());
    }
}

#[test]
fn the_file_slot_opens_and_says_what_is_wrong() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::File).unwrap();
    assert_eq!(first.slot, SlotKind::File);
    let again = device.unlock(KeyChoice::Any).unwrap();
    assert_eq!(first.key.expose(), again.key.expose());
    assert!(again.notice().is_some());

    let refused = device.unlock(KeyChoice::Keyring).unwrap_err();
    assert!(refused.hint().contains("WEFT_KEY unset"), "{}", refused.hint());

    let path = device.home.key_file();
    let line = fs::read(&path).unwrap();
    for rubbish in [&b""[..], b"zz", &line[..line.len() - 3], &vec![b'0'; 70_000]] {
        fs::write(&path, rubbish).unwrap();
        device.unlock(KeyChoice::Any).unwrap_err();
    }
    let mut other = line.clone();
    other[0] = if other[0] == b'0' { b'1' } else { b'0' };
    fs::write(&path, other).unwrap();
    let refused = device.unlock(KeyChoice::Any).unwrap_err();
    assert!(refused.to_string().contains("does not fit"), "{refused}");
    fs::remove_file(&path).unwrap();
    let refused = device.unlock(KeyChoice::Any).unwrap_err();
    assert!(refused.to_string().contains("missing"), "{refused}");
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn files_with_secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let device = Device::new();
    device.unlock(KeyChoice::File).unwrap();
    for path in [device.home.key_file(), device.home.keys_json()] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for mode in [0o640, 0o604, 0o620, 0o660] {
        device.chmod(&device.home.key_file(), mode);
        let refused = device.unlock(KeyChoice::Any).unwrap_err();
        assert!(refused.hint().contains("chmod 600"), "{mode:o}");
    }
    device.chmod(&device.home.key_file(), 0o400);
    device.unlock(KeyChoice::Any).unwrap();
}

#[test]
fn a_service_manager_can_hand_over_the_key_file() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::File).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::rename(device.home.key_file(), folder.path().join("weft-store.key")).unwrap();
    let mut context = device.context(KeyChoice::File, None);
    context.credentials = Some(folder.path().to_path_buf());
    let again = unlock(&device.home, &mut context).unwrap();
    assert_eq!(first.key.expose(), again.key.expose());
}

#[test]
fn a_passphrase_opens_and_a_wrong_one_is_asked_for_again() {
    let device = Device::new();
    device.keyring.set(Some(Fault::Absent));
    let (first, _) = device.unlock_asking(KeyChoice::Any, &[Some("right")]);
    let first = first.unwrap();
    let answers = [Some("wrong"), Some("right")];
    let (second, requests) = device.unlock_asking(KeyChoice::Any, &answers);
    assert_eq!(first.key.expose(), second.unwrap().key.expose());
    assert_eq!(requests, [PassphraseRequest::Unlock(1), PassphraseRequest::Unlock(2)]);
    let (refused, requests) = device.unlock_asking(KeyChoice::Any, &[Some("wrong"); 3]);
    assert_eq!(requests.len(), 3);
    assert!(refused.unwrap_err().to_string().contains("does not fit"));
    let refused = device.unlock(KeyChoice::Any).unwrap_err();
    assert!(refused.hint().contains("passphrase-fd"), "{}", refused.hint());
}

#[cfg(unix)]
#[test]
fn a_passphrase_is_read_from_a_file_descriptor() {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    let device = Device::new();
    let pipe = |text: &[u8]| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(text).unwrap();
        reader
    };
    let choice = |pipe: &std::io::PipeReader| KeyChoice::PassphraseFd(pipe.as_raw_fd().try_into().unwrap());

    let mut input = pipe(b"right\r\nticket");
    let first = device.unlock(choice(&input)).unwrap();
    assert_eq!((first.slot, first.is_new), (SlotKind::Passphrase, true));
    let mut rest = String::new();
    input.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "ticket", "what follows is for others");

    let input = pipe(b"right");
    let again = device.unlock(choice(&input)).unwrap();
    assert_eq!(first.key.expose(), again.key.expose());
    let input = pipe(b"wrong\n");
    let refused = device.unlock(choice(&input)).unwrap_err();
    assert!(refused.to_string().contains("does not fit"), "{refused}");
    let longest = "a".repeat(crate::limits::PASSPHRASE_BYTES_MAX);
    let refused = device.unlock(choice(&pipe(longest.as_bytes()))).unwrap_err();
    assert!(refused.to_string().contains("does not fit"), "it is read, and is another: {refused}");
    let long = format!("{longest}a");
    for bad in [b"\n" as &[u8], b"", b"\xff\xfe\n", long.as_bytes()] {
        let input = pipe(bad);
        let refused = device.unlock(choice(&input)).unwrap_err();
        assert_eq!(tried(&refused), [SlotKind::Passphrase]);
    }
    let refused = device.unlock(KeyChoice::PassphraseFd(9_999)).unwrap_err();
    assert!(refused.to_string().contains("file descriptor 9999"), "{refused}");
}

#[test]
fn the_longest_passphrase_is_taken_and_one_byte_more_is_not() {
    let longest = "a".repeat(crate::limits::PASSPHRASE_BYTES_MAX);
    let longer = format!("{longest}a");
    let key = StoreKey::from_bytes([1; 32]);
    let make = |text: &str| Slot::passphrase(&key, &SecretString::from(text), Some(4));
    assert!(make(&longest).is_ok());
    assert!(matches!(make(&longer), Err(SlotError::PassphraseLength)));
}

#[test]
fn files_of_keys_have_so_many_bytes() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::File).unwrap();
    let pad = |path: std::path::PathBuf| {
        let mut padded = fs::read(&path).unwrap();
        padded.resize(usize::try_from(crate::limits::KEY_FILE_BYTES_MAX).unwrap(), b' ');
        fs::write(&path, &padded).unwrap();
        (path, padded)
    };
    let (key_file, keys_json) = (pad(device.home.key_file()), pad(device.home.keys_json()));
    assert_eq!(first.key.expose(), device.unlock(KeyChoice::File).unwrap().key.expose());
    for (path, mut longer) in [key_file, keys_json] {
        longer.push(b' ');
        fs::write(&path, &longer).unwrap();
        assert!(device.unlock(KeyChoice::File).is_err(), "{}", path.display());
        longer.pop();
        fs::write(&path, &longer).unwrap();
        assert!(device.unlock(KeyChoice::File).is_ok(), "{}", path.display());
    }
}

#[test]
fn a_second_slot_opens_when_the_first_fails() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::Any).unwrap();
    let mut context = device.context(KeyChoice::Any, None);
    add_slot(&device.home, &first.key, SlotKind::File, &mut context).unwrap();
    let mut ask = |_| Some(SecretString::from("words"));
    let mut context = device.context(KeyChoice::Any, Some(&mut ask));
    add_slot(&device.home, &first.key, SlotKind::Passphrase, &mut context).unwrap();
    assert_eq!(slots(&device.home).unwrap().len(), 3);
    device.keyring.set(Some(Fault::Locked));
    let opened = device.unlock(KeyChoice::Any).unwrap();
    assert_eq!(opened.slot, SlotKind::File);
    fs::remove_file(device.home.key_file()).unwrap();
    let (opened, _) = device.unlock_asking(KeyChoice::Any, &[Some("words")]);
    let opened = opened.unwrap();
    assert_eq!(opened.slot, SlotKind::Passphrase);
    assert_eq!(first.key.expose(), opened.key.expose());
}

#[test]
fn a_damaged_keys_json_gives_way_to_its_backup() {
    let device = Device::new();
    let first = device.unlock(KeyChoice::File).unwrap();
    let path = device.home.keys_json();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 2 {
        fs::write(&path, &whole[..length]).unwrap();
        let refused = device.unlock(KeyChoice::Any).unwrap_err();
        assert!(matches!(refused, UnlockError::Damaged { .. }), "{length}: {refused}");
    }
    fs::write(&path, &whole).unwrap();
    let mut context = device.context(KeyChoice::Any, None);
    add_slot(&device.home, &first.key, SlotKind::Keyring, &mut context).unwrap();
    assert_eq!(fs::read(device.home.keys_json_backup()).unwrap(), whole);
    for contents in [Some("{"), None] {
        match contents {
            Some(contents) => fs::write(&path, contents).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let opened = device.unlock(KeyChoice::Any).unwrap();
        assert_eq!(first.key.expose(), opened.key.expose());
    }
    // A damaged file does not push the good backup out.
    fs::write(&path, "{").unwrap();
    add_slot(&device.home, &first.key, SlotKind::Keyring, &mut context).unwrap();
    assert_eq!(fs::read(device.home.keys_json_backup()).unwrap(), whole);
}

#[test]
fn later_versions_are_told_apart_from_damage() {
    let device = Device::new();
    device.unlock(KeyChoice::File).unwrap();
    let path = device.home.keys_json();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let refused = device.unlock(KeyChoice::Any).unwrap_err();
    assert!(matches!(refused, UnlockError::TooNew { .. }));

    // A slot of a later version stays in the file.
    let later = r#""slots": [{"kind": "smartcard", "age": "AAAA"},"#;
    fs::write(&path, text.replace("\"slots\": [", later)).unwrap();
    let opened = device.unlock(KeyChoice::Any).unwrap();
    let mut context = device.context(KeyChoice::Any, None);
    add_slot(&device.home, &opened.key, SlotKind::Keyring, &mut context).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("smartcard"));
}

#[test]
fn no_secret_is_printed() {
    let device = Device::new();
    let made = device.unlock(KeyChoice::File).unwrap();
    let printed = format!("{made:?} {:?}", device.context(KeyChoice::File, None));
    assert!(printed.contains("StoreKey(****)"));
    let bytes = made.key.expose();
    assert!(!printed.contains(&data_encoding::HEXLOWER.encode(&bytes[..4])));
    let keys = fs::read(device.home.keys_json()).unwrap();
    let line = data_encoding::HEXLOWER.encode(bytes);
    assert!(!keys.windows(line.len()).any(|window| window == line.as_bytes()));
    let passphrase = SecretString::from("words");
    assert!(!format!("{passphrase:?}").contains(passphrase.expose_secret()));
}

#[test]
fn weft_key_is_read() {
    assert_eq!(KeyChoice::parse(""), Ok(KeyChoice::Any));
    assert_eq!(KeyChoice::parse("keyring"), Ok(KeyChoice::Keyring));
    assert_eq!(KeyChoice::parse("file"), Ok(KeyChoice::File));
    assert_eq!(KeyChoice::parse("passphrase-fd:0"), Ok(KeyChoice::PassphraseFd(0)));
    assert_eq!(KeyChoice::parse("passphrase-fd:17"), Ok(KeyChoice::PassphraseFd(17)));
    for bad in ["passphrase-fd", "passphrase-fd:", "passphrase-fd:x", "passphrase-fd:+3"] {
        assert_eq!(KeyChoice::parse(bad), Err(KeyChoiceError::BadFd), "{bad}");
    }
    for bad in ["passphrase-fd:-1", "passphrase-fd:4294967295", "passphrase-fd:99999999999"] {
        assert_eq!(KeyChoice::parse(bad), Err(KeyChoiceError::BadFd), "{bad}");
    }
    for bad in ["Keyring", "hunter2", "file ", "keyring:x"] {
        let error = KeyChoice::parse(bad).unwrap_err();
        assert_eq!(error, KeyChoiceError::Unknown);
        assert!(!error.to_string().contains(bad.trim()), "it may be a passphrase");
    }
}
