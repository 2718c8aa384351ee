//! One person: from the first page on, by keys.

use std::{fs, time::Duration};

use super::{BARS, HEIGHT, Place, Screen, eventually, screen};

#[test]
fn a_folder_is_opened_and_written_in_by_keys_alone() {
    if !screen::can_run() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let screen = Screen::new();
    let area = (0, 0, screen::WIDTH, HEIGHT);
    let place =
        Place { home: root.path().join("home"), folder: root.path().join("notes"), screen: &screen, area };
    place.settle();
    fs::create_dir_all(&place.folder).expect("a folder");
    fs::write(place.folder.join("plan.md"), "# Plan\n").expect("a file");
    fs::write(place.folder.join("flow.rs"), "fn main() {\n    let cat = cat();\n}\n").expect("a file");

    // The first page: open a folder, by its path, and make it a workspace.
    let (mut window, id) = place.open(&[], &[]);
    screen.key("ctrl+k");
    screen.key("ctrl+o");
    screen.key("ctrl+a");
    screen.type_text(&place.folder.to_string_lossy());
    screen.key("Return");
    eventually("the folder in the title", || screen.xdotool(&["getwindowname", &id]).starts_with("notes"));
    place.press_primary("the button that makes it a workspace", BARS);
    place.is_ready("\"files\":2");

    // Quick open, typing, saving.
    place.quick_open(&id, "plan", "plan.md");
    screen.type_text("hello ");
    eventually("the text on the disk", || place.file("plan.md") == "hello # Plan\n");
    screen.key("ctrl+s");
    assert_eq!(place.file("plan.md"), "hello # Plan\n");
    // Another program edits; the window takes it, and its own undo leaves it alone.
    place.answer(&["edit", "plan.md", "--insert", "0", "first ", "--json"]);
    std::thread::sleep(Duration::from_millis(800));
    // The space is a step of its own.
    screen.key("ctrl+z");
    screen.key("ctrl+z");
    eventually("what was taken back", || place.file("plan.md") == "first # Plan\n");

    // Find and replace, in another file in a split.
    screen.key("ctrl+backslash");
    place.quick_open(&id, "flow", "flow.rs");
    // The bar opens, and finds, before more is typed.
    let moment = || std::thread::sleep(Duration::from_millis(700));
    screen.key("ctrl+h");
    moment();
    screen.type_text("cat");
    moment();
    screen.key("Tab");
    screen.type_text("dog");
    moment();
    screen.key("ctrl+alt+Return");
    eventually("all places replaced", || place.file("flow.rs") == "fn main() {\n    let dog = dog();\n}\n");
    screen.key("Escape");

    // The palette, and another theme: the whole window gets lighter.
    let middle = (400, 300, 1_200, 700);
    let before: u32 = screen.ground(middle).into_iter().map(u32::from).sum();
    place.command("color theme");
    screen.type_text("light");
    std::thread::sleep(Duration::from_millis(300));
    screen.key("Return");
    eventually("the light theme", || {
        let now: u32 = screen.ground(middle).into_iter().map(u32::from).sum();
        before < 200 && now > 600
    });
    let settings = || fs::read_to_string(place.home.join("settings.toml")).unwrap_or_default();
    eventually("the theme in the settings", || settings().contains("theme = \"light\""));

    screen.key("ctrl+q");
    eventually("the end of the window", || window.0.try_wait().is_ok_and(|status| status.is_some()));
    assert!(window.0.wait().expect("its end").success());
    let state = fs::read_to_string(place.home.join("window.toml")).expect("the state of the window");
    assert!(state.matches("group ").count() == 2 && state.contains("/flow.rs"), "{state}");
}
