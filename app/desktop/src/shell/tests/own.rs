//! The window's own files in a tab, the language of a text, and further windows.

use std::fs;

use weft_editor::{AppCommand, Command};

use super::{odd::Real, *};
use crate::{
    action::{Action, Actions},
    link::OwnFile,
};

fn run(window: &mut Window, command: AppCommand) {
    let mut actions = Actions::default();
    actions.push(Action::Run(Command::App(command)));
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().perform(&ctx, &mut actions);
    window.settle();
}

fn language(window: &Window) -> &'static str {
    window.shell().state.folder.as_ref().unwrap().active().unwrap().0.language().name
}

#[test]
fn the_settings_are_edited_in_a_tab_and_count_as_they_are_saved() {
    let mut real = Real::new(&[("a.txt", b"a\n")]);
    let file = real.root.path().join("home/settings.toml");
    let mut actions = Actions::default();
    actions.push(Action::Run(Command::App(AppCommand::OpenSettingsFile)));
    let ctx = real.harness.ctx.clone();
    real.harness.state_mut().perform(&ctx, &mut actions);
    real.until("a file with everything in it", |real| {
        real.text().is_some_and(|text| text.starts_with("# Settings of Weft"))
    });
    assert!(real.harness.state().state.problems.is_empty());
    real.harness.event(Event::Text("x".to_owned()));
    real.until("it on the disk", |_| fs::read_to_string(&file).is_ok_and(|text| text.starts_with("x#")));
    real.until("what is wrong in it", |real| !real.harness.state().state.problems.is_empty());
    fs::write(&file, "[window]\ntheme = \"light\"\n").unwrap();
    real.until("what another program has written", |real| {
        real.text().is_some_and(|text| text.contains("light"))
    });
    real.until("and that it counts", |real| {
        let state = &real.harness.state().state;
        state.problems.is_empty() && state.settings.text("window.theme") == "light"
    });
}

#[test]
fn the_keys_open_in_a_tab_and_say_why_when_they_cannot() {
    let mut window = Window::with(&[("a.txt", "a\n")]);
    run(&mut window, AppCommand::OpenKeyMap);
    assert!(window.asked.iter().any(|asked| matches!(asked, ToLink::MakeOwnFile(OwnFile::Keys))));
    window.tell(FromLink::OwnFileMade { file: OwnFile::Keys, result: Err("the disk is full".to_owned()) });
    assert!(window.has_words("keys.toml cannot be opened: the disk is full"));
    window.tell(FromLink::OwnFileMade { file: OwnFile::Keys, result: Ok(()) });
    let keys = window.shell().state.keys_file.display().to_string();
    assert_eq!(window.shell().state.folder.as_ref().unwrap().active_path(), Some(keys.as_str()));
}

#[test]
fn without_a_folder_it_is_said_where_the_settings_lie() {
    let mut window = Window::first();
    run(&mut window, AppCommand::OpenSettingsFile);
    assert!(window.has_words("settings.toml"));
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let mut window = Window::showing("a.txt", "a\n");
    for path in ["/etc/passwd", "/home/window.toml"] {
        window.harness.state_mut().open_file(path, false, None);
        window.settle();
        assert_eq!(window.shell().state.folder.as_ref().unwrap().active_path(), Some("a.txt"), "{path}");
    }
}

#[test]
fn a_text_is_treated_as_the_language_that_is_chosen() {
    let mut window = Window::showing("script", "fn main() {}\n");
    assert_eq!(language(&window), "Plain text");
    // With a click on the language at the bottom, by typing.
    window.click("Plain text");
    window.type_text("Rus");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(language(&window), "Rust");
    window.press(Modifiers::CTRL, Key::Slash);
    assert_eq!(window.text(), "// fn main() {}\n");
    run(&mut window, AppCommand::SelectLanguage);
    assert!(window.has_words("Rust"));
    window.click("As its name says");
    assert_eq!(language(&window), "Plain text");
}

#[test]
fn another_window_is_asked_for_and_its_failure_is_told() {
    let mut window = Window::showing("a.txt", "a\n");
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::N);
    assert!(window.asked.iter().any(|asked| matches!(asked, ToLink::OpenWindow)));
    window.tell(FromLink::NoWindow("no memory".to_owned()));
    assert!(window.has_words("Another window cannot be opened: no memory"));
}
