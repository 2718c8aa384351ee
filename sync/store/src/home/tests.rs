use std::time::Duration;

use weft_sync::{DeviceId, EndpointId, UserId};

use super::*;

fn identity() -> PublicIdentity {
    PublicIdentity {
        user: UserId::from_bytes([1; 32]),
        device: DeviceId::from_bytes([2; 32]),
        endpoint: EndpointId::from_bytes([3; 32]),
        device_name: "Ana's \"laptop\"\n".to_owned(),
    }
}

#[test]
fn a_missing_folder_is_made_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/weft");
    let home = Home::open(&path).unwrap();
    assert!(home.packs().is_dir());
    assert_eq!(Home::open(&path).unwrap(), home);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for made in [home.path().to_path_buf(), home.packs()] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(home.keys_json(), "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Home::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_folder_with_other_things_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "text").unwrap();
    let refused = Home::open(folder.path()).unwrap_err();
    assert!(matches!(refused, HomeError::Foreign { .. }), "{refused}");
    assert!(!folder.path().join("packs").exists());
    let file = folder.path().join("thesis.txt");
    assert!(matches!(Home::open(&file), Err(HomeError::Io { .. })));
}

#[test]
fn the_second_process_learns_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    assert_eq!(HomeLock::holder(&home).unwrap(), None);
    let lock = HomeLock::acquire(&home).unwrap();
    let refused = HomeLock::acquire(&home).unwrap_err();
    if cfg!(unix) {
        let pid = std::process::id();
        assert!(refused.to_string().contains(&format!("process {pid} ")), "{refused}");
        assert_eq!(HomeLock::holder(&home).unwrap(), Some(pid));
    }
    assert!(refused.hint().contains("weft node --stop"));
    let patience = Duration::from_millis(30);
    let refused = HomeLock::acquire_within(&home, patience).unwrap_err();
    assert!(matches!(refused, LockError::Held { .. }));
    drop(lock);
    HomeLock::acquire(&home).unwrap();
}

#[test]
fn waiting_gets_the_lock_when_it_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    let lock = HomeLock::acquire(&home).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| HomeLock::acquire_within(&home, Duration::from_secs(20)));
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn rubbish_in_the_lock_file_is_no_pid() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    let _lock = HomeLock::acquire(&home).unwrap();
    for rubbish in [&b""[..], b"\xff\xfe", b"-1", &[b'9'; 100]] {
        fs::write(home.node_lock(), rubbish).unwrap();
        let refused = HomeLock::acquire(&home).unwrap_err();
        assert!(matches!(refused, LockError::Held { pid: None, .. }), "{refused:?}");
    }
}

#[test]
fn the_identity_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    assert_eq!(home.read_identity().unwrap(), None);
    home.write_identity(&identity()).unwrap();
    assert_eq!(home.read_identity().unwrap(), Some(identity()));
}

#[test]
fn a_damaged_identity_is_an_error_and_never_none() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    home.write_identity(&identity()).unwrap();
    let whole = fs::read(home.identity_json()).unwrap();
    for length in 0..whole.len() - 2 {
        fs::write(home.identity_json(), &whole[..length]).unwrap();
        let error = home.read_identity().unwrap_err();
        assert!(matches!(error, IdentityFileError::Damaged { .. }));
    }
    fs::write(home.identity_json(), r#"{"version": 2, "later": true}"#).unwrap();
    let error = home.read_identity().unwrap_err();
    assert!(matches!(error, IdentityFileError::TooNew { .. }));
    fs::write(home.identity_json(), vec![b' '; 70_000]).unwrap();
    let error = home.read_identity().unwrap_err();
    assert!(matches!(error, IdentityFileError::Io { .. }));
}

#[test]
fn an_identity_file_has_so_many_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(&folder.path().join("home")).unwrap();
    home.write_identity(&identity()).unwrap();
    let mut padded = fs::read(home.identity_json()).unwrap();
    padded.resize(usize::try_from(crate::limits::KEY_FILE_BYTES_MAX).unwrap(), b' ');
    fs::write(home.identity_json(), &padded).unwrap();
    assert_eq!(home.read_identity().unwrap(), Some(identity()));
    padded.push(b' ');
    fs::write(home.identity_json(), &padded).unwrap();
    assert!(matches!(home.read_identity().unwrap_err(), IdentityFileError::Io { .. }));
}
