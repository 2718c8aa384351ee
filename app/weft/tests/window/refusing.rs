//! Where there is no display, no graphics, no font or no readable setting.

use std::fs;

use super::{HEIGHT, Place, Screen, eventually, screen, told, weft};

#[test]
fn without_a_display_there_is_a_sentence_and_a_hint() {
    let root = tempfile::tempdir().expect("a folder");
    let output = weft(&[], &root.path().join("home"), "").output().expect("weft");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("there is no display") && told(&output).contains("hint"));
    let output = weft(&["--help"], &root.path().join("home"), "").output().expect("weft");
    assert!(output.status.success());
}

#[test]
fn a_display_that_does_not_answer_is_told_too() {
    let root = tempfile::tempdir().expect("a folder");
    let output = weft(&[], &root.path().join("home"), ":29999").output().expect("weft");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("cannot be opened") && told(&output).contains("hint"));
}

#[test]
fn a_display_without_graphics_is_told_and_the_command_line_still_works() {
    if !screen::can_run() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let screen = Screen::with(&["-extension", "GLX"]);
    let home = root.path().join("home");
    let mut command = weft(&[], &home, &screen.name);
    // Neither the card's driver nor the one that needs none.
    let output = command
        .env("LIBGL_DRIVERS_PATH", "/nowhere")
        .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere")
        .output()
        .expect("weft");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("cannot be opened") && told(&output).contains("OpenGL"),
        "{}",
        told(&output)
    );
    let folder = root.path().join("notes");
    fs::create_dir_all(&folder).expect("a folder");
    let output = weft(&["init", "."], &home, &screen.name).current_dir(&folder).output().expect("weft");
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn without_fonts_of_the_system_and_with_wrong_settings_the_window_still_works() {
    if !screen::can_run() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let screen = Screen::new();
    let area = (0, 0, screen::WIDTH, HEIGHT);
    let place =
        Place { home: root.path().join("home"), folder: root.path().join("notes"), screen: &screen, area };
    fs::create_dir_all(&place.folder).expect("a folder");
    fs::write(place.folder.join("words.txt"), "日本語 العربية हिन्दी 😀 text\n").expect("a file");
    place.answer(&["init", "--json"]);
    fs::write(place.home.join("settings.toml"), "[editor]\nfont_size = \"huge\"\n[window]\ntheme = 7\n[no\n")
        .expect("settings");
    fs::write(place.home.join("keys.toml"), "this is no TOML").expect("keys");
    let fonts = root.path().join("fonts.conf");
    fs::write(&fonts, "<?xml version=\"1.0\"?><fontconfig></fontconfig>\n").expect("a setting of fonts");
    let mut command = place.weft(&["open", "notes"]);
    command
        .env("FONTCONFIG_FILE", &fonts)
        .env("XDG_DATA_HOME", root.path())
        .env("XDG_DATA_DIRS", root.path());
    let mut window = screen::Running(command.spawn().expect("the window"));
    let mut id = String::new();
    eventually("the window", || {
        id = screen.xdotool(&["search", "--name", "Weft$"]).lines().next().unwrap_or_default().to_owned();
        !id.is_empty()
    });
    place.is_ready("\"files\":1");
    place.quick_open(&id, "words", "words.txt");
    screen.type_text("my ");
    eventually("what was typed", || place.file("words.txt").starts_with("my 日本語"));
    screen.key("ctrl+q");
    eventually("the end of the window", || window.0.try_wait().is_ok_and(|status| status.is_some()));
    assert!(window.0.wait().expect("its end").success());
}
