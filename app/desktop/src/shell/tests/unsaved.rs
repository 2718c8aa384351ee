//! What cannot be saved when the window is closed.

use std::fs;

use super::odd::Real;
use super::*;

#[test]
fn what_cannot_be_saved_is_kept_and_told_at_the_next_start() {
    let mut real = Real::plain(&[("notes.txt", b"one\n")]);
    real.open("notes.txt");
    let file = real.folder.join("notes.txt");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    real.type_text("typed ");
    real.until("the reason", |real| real.has_words("notes.txt cannot be saved"));
    let root = real.end();
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\n");
    let home = root.path().join("home");
    let kept: Vec<_> =
        fs::read_dir(home.join("unsaved")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read_to_string(&kept[0]).unwrap(), "typed one\n");
    let (link, _far) = Link::pair();
    let mut shell = Shell::new(link, &home, &SavedState::default(), None);
    let told =
        shell.state.notices.iter().any(|notice| notice.text.contains("a text that could not be saved"));
    assert!(told, "{:?}", shell.state.notices);
    fs::remove_file(&kept[0]).unwrap();
    shell.state.notices.clear();
    shell.tell_unsaved();
    assert!(shell.state.notices.is_empty());
}
