//! What is done with keys alone: going through what was found, leaving pages, typing another path.

use super::*;
use crate::{
    action::{Action, Actions},
    link::{FolderMatch, FolderQuery, FoundAll},
};

fn found(path: &str, line: usize, text: &str) -> FolderMatch {
    let (path, text) = (path.to_owned(), text.to_owned());
    FolderMatch { path, line, column: 0, text, range: 0..1, why: String::new(), place: None }
}

/// A window in which `a` was looked for, with the field of the search in use.
fn searching() -> Window {
    let mut window = Window::with(&[("one.txt", "a\nb\na\n"), ("two.txt", "b\na\n")]);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::F);
    window.type_text("a");
    window.press(Modifiers::NONE, Key::Enter);
    let number = window.asked.iter().find_map(|request| match request {
        ToLink::SearchFolder { query: FolderQuery { text, .. }, number } if text == "a" => Some(*number),
        _ => None,
    });
    let number = number.expect("it is looked for");
    let matches = vec![found("one.txt", 0, "a"), found("one.txt", 2, "a"), found("two.txt", 1, "a")];
    let all = FoundAll { matches, files: Some(2), has_more: false, note: None };
    window.tell(FromLink::FoundAll { number, result: Ok(all) });
    window
}

/// What a screen reader is told to be selected in the list, which has the keys.
fn selected(window: &Window) -> Option<String> {
    let list = window.harness.query_by_role_and_label(Kind::List, "What was found")?;
    list.is_focused().then(|| list.value()).flatten()
}

#[test]
fn arrows_go_through_what_was_found() {
    let mut window = searching();
    let arrow = |window: &mut Window, key, expected: &str| {
        window.press(Modifiers::NONE, key);
        assert_eq!(selected(window).as_deref(), Some(expected), "{key:?}");
    };
    // The field has kept the keys; the first arrow goes into the list.
    arrow(&mut window, Key::ArrowDown, "one.txt, 2 places");
    arrow(&mut window, Key::ArrowLeft, "one.txt, 2 places");
    assert!(!window.has("one.txt, line 1: a"), "folded away");
    arrow(&mut window, Key::ArrowDown, "two.txt, 1 place");
    arrow(&mut window, Key::ArrowUp, "one.txt, 2 places");
    arrow(&mut window, Key::ArrowRight, "one.txt, 2 places");
    assert!(window.has("one.txt, line 1: a"));
    arrow(&mut window, Key::ArrowRight, "one.txt, line 1: a");
    arrow(&mut window, Key::ArrowLeft, "one.txt, 2 places");
    arrow(&mut window, Key::End, "two.txt, line 2: a");
    arrow(&mut window, Key::ArrowDown, "two.txt, line 2: a");
    arrow(&mut window, Key::Home, "one.txt, 2 places");
    window.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(selected(&window), None, "from the first row it goes back into the field");
}

#[test]
fn enter_opens_a_place_that_was_found() {
    let mut window = searching();
    for key in [Key::ArrowDown, Key::End, Key::Enter] {
        window.press(Modifiers::NONE, key);
    }
    assert_eq!(window.text(), "b\na\n");
    assert!(window.has_words("Line 2, column 1"));
    // The text has the keys.
    window.type_text("x");
    assert_eq!(window.text(), "b\nxa\n");
}

#[test]
fn f4_shows_one_place_after_the_other_and_leaves_the_keys_where_they_are() {
    let mut window = searching();
    window.press(Modifiers::NONE, Key::ArrowDown);
    let steps = [(1, "a\nb\na\n"), (3, "a\nb\na\n"), (2, "b\na\n"), (1, "a\nb\na\n")];
    for (line, text) in steps {
        window.press(Modifiers::NONE, Key::F4);
        assert_eq!(window.text(), text);
        assert!(window.has_words(&format!("Line {line}, column 1")), "{line}");
        assert!(selected(&window).is_some_and(|row| row.contains(&format!("line {line}"))), "{line}");
    }
    window.press(Modifiers::SHIFT, Key::F4);
    assert_eq!(selected(&window).as_deref(), Some("two.txt, line 2: a"));
    // A file that is folded away is unfolded by it.
    window.press(Modifiers::NONE, Key::ArrowLeft);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(!window.has("two.txt, line 2: a"));
    window.press(Modifiers::NONE, Key::F4);
    assert_eq!(selected(&window).as_deref(), Some("two.txt, line 2: a"));
}

fn show(window: &mut Window, page: &str) {
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::P);
    window.type_text(page);
    window.press(Modifiers::NONE, Key::Enter);
}

#[test]
fn escape_closes_a_page_and_gives_the_text_the_keys() {
    let pages = [
        ("Show members", Page::Members),
        ("Show my devices", Page::Devices),
        ("Show sync state", Page::Sync),
        ("Show history of this file", Page::History),
        ("Share folder", Page::Share),
    ];
    let mut window = Window::showing("a.txt", "a\n");
    for (name, page) in pages {
        show(&mut window, name);
        assert_eq!(window.shell().state.pages.open, Some(page));
        window.press(Modifiers::NONE, Key::Escape);
        assert_eq!(window.shell().state.pages.open, None, "{name}");
    }
    window.type_text("x");
    assert_eq!(window.text(), "xa\n");
}

#[test]
fn escape_leaves_a_field_before_it_closes_the_page() {
    let mut window = Window::showing("a.txt", "a\n");
    window.press(Modifiers::CTRL, Key::Comma);
    assert_eq!(window.shell().state.pages.open, Some(Page::Settings));
    let field = "Find a setting";
    window.harness.get_by_role_and_label(Kind::TextInput, field).focus();
    window.settle();
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.shell().state.pages.open, Some(Page::Settings), "the field is left first");
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.shell().state.pages.open, None);
    // What lies above the page is closed before it, and what is typed into the text is none of its business.
    window.press(Modifiers::CTRL, Key::Comma);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::P);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.shell().state.overlay.is_none());
    assert_eq!(window.shell().state.pages.open, Some(Page::Settings));
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.shell().state.pages.open, Some(Page::Settings), "the text has the keys");
}

#[test]
fn escape_loses_no_words_that_are_being_typed() {
    let mut window = Window::showing("a.txt", "a\n");
    show(&mut window, "Show my devices");
    window.harness.state_mut().drafts.words = "river".to_owned();
    window.settle();
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.shell().state.pages.open, Some(Page::Devices));
    assert_eq!(window.shell().drafts.words, "river");
}

#[test]
fn a_whole_path_takes_the_place_of_what_the_field_began_with() {
    let mut window = Window::first();
    window.click("Open a folder");
    let before = window.shell().drafts.folder.clone();
    assert!(before.ends_with(std::path::MAIN_SEPARATOR), "{before}");
    let whole = std::env::temp_dir().join("river").display().to_string();
    window.harness.get_by_role_and_label(Kind::TextInput, "Path of the folder").focus();
    window.settle();
    // What goes on from it stays behind it.
    window.type_text("notes");
    assert_eq!(window.shell().drafts.folder, format!("{before}notes"));
    window.harness.state_mut().drafts.folder = before;
    window.settle();
    window.harness.event(Event::Paste(whole.clone()));
    window.settle();
    assert_eq!(window.shell().drafts.folder, whole);
}

#[test]
fn commands_of_what_was_found_are_only_there_when_something_was() {
    let mut window = Window::showing("a.txt", "a\n");
    let mut actions = Actions::default();
    actions.push(Action::Run(weft_editor::Command::App(weft_editor::AppCommand::NextSearchResult)));
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().perform(&ctx, &mut actions);
    window.press(Modifiers::NONE, Key::F4);
    assert_eq!(window.text(), "a\n");
    assert!(window.shell().state.search.selected.is_none());
}
