//! The slot that the 24 words open.

use weft_sync::identity::UserKeys;

use super::*;

fn person(seed: u8) -> UserKeys {
    UserKeys::from_seed(Zeroizing::new([seed; 32]))
}

impl Device {
    fn store(&self, unlocked: &Unlocked) -> Store {
        Store::open(self.home.path(), &unlocked.key).unwrap()
    }

    /// A store with the words of a person, and the key that opens it.
    fn with_words(choice: KeyChoice, user: &UserKeys) -> (Self, Unlocked) {
        let device = Self::new();
        let ask: Option<&mut AskPassphrase<'_>> = None;
        let made = unlock(&device.home, &mut device.context(choice, ask)).unwrap();
        assert!(keep_recovery(&device.home, &device.store(&made), &user.recovery_recipient()).unwrap());
        (device, made)
    }

    fn open_with(&self, user: &UserKeys) -> Result<StoreKey, UnlockError> {
        open_with_words(&self.home, user.age_identity())
    }

    /// Opens with the words, and puts the key back; on a terminal where this passphrase is chosen, if there is one.
    fn bring_back(
        &self,
        user: &UserKeys,
        choice: KeyChoice,
        typed: Option<&str>,
    ) -> Result<KeptAgain, UnlockError> {
        let key = self.open_with(user).unwrap();
        let mut ask = |request| {
            assert_eq!(request, PassphraseRequest::Choose);
            typed.map(SecretString::from)
        };
        let ask: Option<&mut AskPassphrase<'_>> = if typed.is_some() { Some(&mut ask) } else { None };
        keep_again(&self.home, &key, &mut self.context(choice, ask))
    }

    fn both_files(&self) -> [Vec<u8>; 2] {
        [self.home.keys_json(), self.home.keys_json_backup()].map(|path| fs::read(path).unwrap())
    }
}

#[test]
fn the_words_open_what_keyring_and_key_file_do_not() {
    let user = person(1);
    for choice in [KeyChoice::Keyring, KeyChoice::File] {
        let (device, made) = Device::with_words(choice, &user);
        assert!(slots(&device.home).unwrap().contains(&SlotKind::Recovery));
        // It is not written again, and both files have it.
        let files = device.both_files();
        assert!(!keep_recovery(&device.home, &device.store(&made), &user.recovery_recipient()).unwrap());
        assert_eq!(device.both_files(), files);
        assert_eq!(files[0], files[1]);
        device.keyring.set(Some(Fault::Locked));
        let _ = fs::remove_file(device.home.key_file());
        // Nobody is asked for the words who did not say so.
        let refused = device.unlock(KeyChoice::Any).unwrap_err();
        assert!(refused.hint().contains("`weft device recovery --unlock`"), "{}", refused.hint());
        assert!(!tried(&refused).contains(&SlotKind::Recovery));
        assert_eq!(device.open_with(&user).unwrap().expose(), made.key.expose());
        // From the kept copy as well.
        fs::write(device.home.keys_json(), "{").unwrap();
        assert_eq!(device.open_with(&user).unwrap().expose(), made.key.expose());
    }
}

#[test]
fn a_forgotten_passphrase_names_the_words_and_is_replaced_by_another_one() {
    let user = person(1);
    let device = Device::new();
    device.keyring.set(Some(Fault::Absent));
    let (made, _) = device.unlock_asking(KeyChoice::Any, &[Some("forgotten")]);
    let made = made.unwrap();
    keep_recovery(&device.home, &device.store(&made), &user.recovery_recipient()).unwrap();
    let (refused, _) = device.unlock_asking(KeyChoice::Any, &[Some("a guess"); 3]);
    let hint = refused.unwrap_err().hint();
    assert!(hint.contains("`weft device recovery --unlock`"), "{hint}");
    let kept = device.bring_back(&user, KeyChoice::Any, Some("remembered")).unwrap();
    assert_eq!((kept.slot, kept.was_there), (SlotKind::Passphrase, false));
    let (opened, _) = device.unlock_asking(KeyChoice::Any, &[Some("remembered")]);
    assert_eq!(opened.unwrap().key.expose(), made.key.expose());
    // The one before opens neither file.
    for damaged in [false, true] {
        if damaged {
            fs::write(device.home.keys_json(), "{").unwrap();
        }
        let (refused, _) = device.unlock_asking(KeyChoice::Any, &[Some("forgotten"); 3]);
        assert!(refused.unwrap_err().to_string().contains("does not fit"));
    }
}

#[test]
fn the_words_of_somebody_else_open_nothing_and_change_nothing() {
    let (device, _) = Device::with_words(KeyChoice::File, &person(1));
    let files = device.both_files();
    let refused = device.open_with(&person(2)).unwrap_err();
    assert_eq!(tried(&refused), [SlotKind::Recovery]);
    assert!(refused.to_string().contains("another person"), "{refused}");
    assert!(refused.hint().contains("the person whose device this is"), "{}", refused.hint());
    assert_eq!(device.both_files(), files);
}

#[test]
fn without_a_slot_for_words_or_without_data_that_is_told() {
    let device = Device::new();
    let refused = device.open_with(&person(1)).unwrap_err();
    assert!(matches!(refused, UnlockError::NoData { .. }), "{refused}");
    assert!(refused.hint().contains("--restore"), "{}", refused.hint());
    device.unlock(KeyChoice::File).unwrap();
    let refused = device.open_with(&person(1)).unwrap_err();
    assert!(refused.to_string().contains("never stored there"), "{refused}");
    assert!(refused.hint().contains("in the usual way"), "{}", refused.hint());
    // Where no words help, none are promised.
    fs::remove_file(device.home.key_file()).unwrap();
    assert!(!device.unlock(KeyChoice::Any).unwrap_err().hint().contains("--unlock"));
    fs::write(device.home.store_db(), "").unwrap();
    fs::remove_file(device.home.keys_json()).unwrap();
    assert!(matches!(device.open_with(&person(1)), Err(UnlockError::KeysLost { .. })));
}

/// It is written without the words, so nobody would see that it is damaged before it is needed.
#[test]
fn a_slot_for_words_that_was_altered_anywhere_is_made_again() {
    let user = person(1);
    let (device, made) = Device::with_words(KeyChoice::File, &user);
    let (store, recipient) = (device.store(&made), user.recovery_recipient());
    let whole = fs::read_to_string(device.home.keys_json()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let slot = json["slots"].as_array().unwrap().iter().find(|slot| slot["kind"] == "recovery").unwrap();
    for field in ["recipient", "age", "check"] {
        let text = slot[field].as_str().unwrap();
        for at in [0, text.len() / 2, text.len() - 5] {
            let other = if text.as_bytes()[at] == b'a' { "b" } else { "a" };
            let altered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            fs::write(device.home.keys_json(), whole.replace(text, &altered)).unwrap();
            assert!(keep_recovery(&device.home, &store, &recipient).unwrap(), "{field} {at}");
            assert_eq!(device.open_with(&user).unwrap().expose(), made.key.expose());
        }
    }
    // A slot that holds another key, though for the same person.
    let (other, _) = Device::with_words(KeyChoice::File, &user);
    fs::copy(other.home.keys_json(), device.home.keys_json()).unwrap();
    assert!(keep_recovery(&device.home, &store, &recipient).unwrap());
    assert_eq!(device.open_with(&user).unwrap().expose(), made.key.expose());
}

#[test]
fn when_the_device_becomes_another_persons_the_words_of_the_first_open_nothing() {
    let (first, second) = (person(1), person(2));
    let (device, made) = Device::with_words(KeyChoice::File, &first);
    assert!(keep_recovery(&device.home, &device.store(&made), &second.recovery_recipient()).unwrap());
    for damaged in [false, true] {
        if damaged {
            fs::write(device.home.keys_json(), "{").unwrap();
        }
        device.open_with(&first).unwrap_err();
        assert_eq!(device.open_with(&second).unwrap().expose(), made.key.expose());
    }
}

#[test]
fn a_key_goes_back_where_it_is_looked_for() {
    let user = person(1);
    // What is asked for, what is there, what the person types; where it goes.
    let cases = [
        (KeyChoice::File, KeyChoice::File, None, SlotKind::File),
        (KeyChoice::File, KeyChoice::Keyring, None, SlotKind::Keyring),
        (KeyChoice::Keyring, KeyChoice::Keyring, None, SlotKind::Keyring),
        (KeyChoice::Keyring, KeyChoice::File, None, SlotKind::File),
        (KeyChoice::File, KeyChoice::Any, Some("typed"), SlotKind::File),
        (KeyChoice::Keyring, KeyChoice::Any, Some("typed"), SlotKind::Keyring),
    ];
    for (before, choice, typed, expected) in cases {
        let (device, made) = Device::with_words(before, &user);
        device.keyring.lines.lock().unwrap().clear();
        let _ = fs::remove_file(device.home.key_file());
        device.unlock(choice).unwrap_err();
        let kept = device.bring_back(&user, choice, typed).unwrap();
        assert_eq!((kept.slot, kept.was_there), (expected, false), "{before:?} {choice:?}");
        assert_eq!(device.unlock(choice).unwrap().key.expose(), made.key.expose());
        // Once more: it opens already, and stays as it is.
        let files = device.both_files();
        let kept = device.bring_back(&user, choice, typed).unwrap();
        assert_eq!((kept.slot, kept.was_there), (expected, true));
        assert_eq!(device.both_files(), files);
        // The words go on being a way in.
        device.open_with(&user).unwrap();
    }
}

#[test]
fn a_keyring_that_stays_locked_gives_way_to_what_works() {
    let user = person(1);
    for (typed, expected) in [(None, SlotKind::File), (Some("typed"), SlotKind::Passphrase)] {
        let (device, made) = Device::with_words(KeyChoice::Keyring, &user);
        device.keyring.set(Some(Fault::Locked));
        let files = device.both_files();
        let refused = device.bring_back(&user, KeyChoice::Keyring, None).unwrap_err();
        assert!(refused.hint().contains("WEFT_KEY=file"), "{}", refused.hint());
        assert_eq!(device.both_files(), files);
        assert_eq!(device.bring_back(&user, KeyChoice::Any, typed).unwrap().slot, expected);
        let typed: Vec<Option<&str>> = typed.into_iter().map(Some).collect();
        let (opened, _) = device.unlock_asking(KeyChoice::Any, &typed);
        assert_eq!(opened.unwrap().key.expose(), made.key.expose());
        // And when the keyring is unlocked again it opens as before.
        device.keyring.set(None);
        assert_eq!(device.unlock(KeyChoice::Any).unwrap().slot, SlotKind::Keyring);
    }
}

#[test]
fn a_recovery_key_that_everybody_could_open_is_refused() {
    let device = Device::new();
    let made = device.unlock(KeyChoice::File).unwrap();
    let weak = AgeRecipient::from_bytes([0; 32]);
    let refused = keep_recovery(&device.home, &device.store(&made), &weak).unwrap_err();
    assert!(matches!(refused, UnlockError::CannotStore { slot: SlotKind::Recovery, .. }), "{refused}");
    assert_eq!(slots(&device.home).unwrap(), [SlotKind::File]);
}
