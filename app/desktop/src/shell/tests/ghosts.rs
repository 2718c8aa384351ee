//! Ghost text, with a model that is only pretended.

use eframe::egui::{Context, ImeEvent};
use egui_kittest::kittest::NodeT as _;
use weft_editor::{AppCommand, Command};
use weft_node::api::{AiAnswer, ErrorKind};

use super::*;
use crate::link::{AiAsk, AiNews, GhostPlace};

const SETTINGS: &str = "[editor]\ncaret_blink = false\n[window]\ntheme = \"dark\"\n[ai]\nghost_pause = 0\n";

impl Window {
    /// With a file shown, the caret at its end, and no pause before ghost text is asked for.
    fn writing(path: &str, text: &str) -> Self {
        let mut window = Self::showing(path, text);
        window.tell(FromLink::SettingsRead { settings: SETTINGS.to_owned(), keys: String::new() });
        window.press(Modifiers::CTRL, Key::End);
        window
    }

    fn take_ghost_ask(&mut self) -> Option<(u64, GhostPlace, bool)> {
        let is_it = |ask: &ToLink| matches!(ask, ToLink::Ai { ask: AiAsk::Ghost { .. }, .. });
        let at = self.asked.iter().position(is_it)?;
        match self.asked.remove(at) {
            ToLink::Ai { number, ask: AiAsk::Ghost { place, confirm } } => Some((number, place, confirm)),
            _ => None,
        }
    }

    fn has_cancelled(&self, number: u64) -> bool {
        self.asked.iter().any(|ask| matches!(ask, ToLink::CancelAi(of) if *of == number))
    }

    fn tell_ghost(&mut self, number: u64, text: &str) {
        let answer = AiAnswer { text: text.to_owned(), model: "tiny".to_owned(), ..AiAnswer::default() };
        self.tell(FromLink::Ai { number, news: AiNews::Ghost(Ok(Box::new(answer))) });
    }

    fn fail_ghost(&mut self, number: u64, error: ApiError) {
        self.tell(FromLink::Ai { number, news: AiNews::Ghost(Err(error)) });
    }

    pub(super) fn run(&mut self, command: AppCommand) {
        let ctx: Context = self.harness.ctx.clone();
        self.harness.state_mut().run(&ctx, Command::App(command));
        self.settle();
    }

    fn ghost(&self) -> Option<String> {
        let (document, view) = self.shell().state.folder.as_ref().unwrap().active().unwrap();
        document.ghost(view).map(|ghost| ghost.text.to_owned())
    }

    /// Types, and has the question answered.
    fn with_ghost(text: &str, typed: &str, answer: &str) -> Self {
        let mut window = Self::writing("main.rs", text);
        window.type_text(typed);
        let (number, _, _) = window.take_ghost_ask().expect("it is asked for");
        window.tell_ghost(number, answer);
        window
    }
}

#[test]
fn after_typing_ghost_text_is_asked_for_shown_and_accepted_with_tab() {
    let mut window = Window::writing("main.rs", "fn main() {}\nlet b");
    assert!(window.take_ghost_ask().is_none(), "nothing was typed");
    window.type_text(" ");
    let (number, place, confirm) = window.take_ghost_ask().expect("it is asked for");
    assert_eq!((place.path.as_str(), place.at, place.alternative, confirm), ("main.rs", 19, 0, false));
    assert_eq!(place.text.rope().to_string(), "fn main() {}\nlet b ");
    window.tell_ghost(number, "= 1;\nlet c = 2;");
    assert_eq!(window.text(), "fn main() {}\nlet b ", "the text is as it was");
    let editor = window.harness.get_by_role_and_label(Kind::MultilineTextInput, "main.rs");
    let told = editor.accesskit_node().description().unwrap_or_default();
    assert!(told.ends_with("ghost text: = 1;\nlet c = 2;"), "{told}");
    // What is typed agrees with it: nothing is asked, and it gets shorter.
    window.type_text("=");
    assert_eq!(window.ghost().as_deref(), Some(" 1;\nlet c = 2;"));
    assert!(window.take_ghost_ask().is_none());
    window.press(Modifiers::CTRL, Key::ArrowRight);
    assert_eq!(window.text(), "fn main() {}\nlet b = 1");
    window.press(Modifiers::NONE, Key::End);
    assert_eq!(window.text(), "fn main() {}\nlet b = 1;");
    window.press(Modifiers::NONE, Key::Tab);
    assert_eq!(window.text(), "fn main() {}\nlet b = 1;\nlet c = 2;");
    assert_eq!(window.ghost(), None);
    // What was accepted is the model's, what was typed is not.
    let models: Vec<Option<&str>> = window.edit_models.iter().map(Option::as_deref).collect();
    assert_eq!(models, [None, None, Some("tiny"), Some("tiny"), Some("tiny")]);
    let sent: String = window.edits.iter().flatten().map(|edit| edit.insert.as_str()).collect();
    assert_eq!(sent, " = 1;\nlet c = 2;");
}

#[test]
fn what_does_not_agree_ends_it_and_escape_hides_it() {
    let mut window = Window::with_ghost("let b", " ", "= 1;");
    window.type_text("x");
    assert_eq!(window.ghost(), None);
    let (second, _, _) = window.take_ghost_ask().expect("it is asked again");
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(window.has_cancelled(second), "the caret has left");
    window.tell_ghost(second, "too late");
    assert_eq!(window.ghost(), None);
    let mut window = Window::with_ghost("let b", " ", "= 1;");
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.ghost(), None);
    window.press(Modifiers::NONE, Key::Tab);
    assert_eq!(window.text(), "let b   ", "the key is what it always was");
}

#[test]
fn alternatives_are_asked_for_and_turned_through() {
    let mut window = Window::with_ghost("let b", " ", "= 1;");
    window.press(Modifiers::ALT, Key::CloseBracket);
    let (number, place, _) = window.take_ghost_ask().expect("one more");
    assert_eq!((place.alternative, place.at), (1, 6));
    window.tell_ghost(number, "= 2;");
    assert_eq!(window.ghost().as_deref(), Some("= 2;"));
    window.press(Modifiers::ALT, Key::OpenBracket);
    assert_eq!(window.ghost().as_deref(), Some("= 1;"));
    // The same once more is no alternative.
    window.press(Modifiers::ALT, Key::CloseBracket);
    window.press(Modifiers::ALT, Key::CloseBracket);
    let (number, _, _) = window.take_ghost_ask().expect("one more");
    window.tell_ghost(number, "= 2;");
    assert!(window.has_words("nothing else to propose"));
}

#[test]
fn it_is_not_asked_for_where_it_is_not_wanted() {
    let asks = |window: &mut Window| {
        window.type_text("x");
        window.take_ghost_ask().is_some()
    };
    assert!(asks(&mut Window::writing("main.rs", "")));
    assert!(!asks(&mut Window::writing(".env", "")), "a file with secrets");
    for command in
        [AppCommand::ToggleGhosts, AppCommand::ToggleGhostsInLanguage, AppCommand::ToggleGhostsInFile]
    {
        let mut window = Window::writing("main.rs", "");
        window.run(command);
        assert!(window.has_words("Ghost text is off"), "{command:?}");
        assert!(!asks(&mut window), "{command:?}");
        window.run(command);
        assert!(window.has_words("Ghost text is on") && asks(&mut window), "{command:?}");
    }
    let mut window = Window::writing("main.rs", "one\ntwo");
    window.press(Modifiers::SHIFT | Modifiers::ALT, Key::ArrowUp);
    assert!(!asks(&mut window), "there are two cursors");
    let mut window = Window::writing("main.rs", "");
    let preedit = ImeEvent::Preedit { text: "ni".to_owned(), active_range_chars: None };
    window.type_text("x");
    let (number, _, _) = window.take_ghost_ask().unwrap();
    window.harness.event(Event::Ime(preedit));
    window.settle();
    assert!(window.has_cancelled(number), "the input method has the keys");
}

#[test]
fn who_may_only_read_gets_none() {
    let mut window = Window::with_role(&[("main.rs", "")], Role::Viewer);
    window.tell(FromLink::SettingsRead { settings: SETTINGS.to_owned(), keys: String::new() });
    window.click("main.rs");
    window.run(AppCommand::AskForGhost);
    assert!(window.take_ghost_ask().is_none());
}

#[test]
fn without_a_model_it_is_asked_no_more_until_the_person_wants_it() {
    let mut window = Window::writing("main.rs", "");
    window.type_text("x");
    let (number, _, _) = window.take_ghost_ask().unwrap();
    window.fail_ghost(number, ApiError::not_found("there is no model for completing on this device"));
    window.type_text("y");
    assert!(window.take_ghost_ask().is_none());
    window.run(AppCommand::AskForGhost);
    assert!(window.take_ghost_ask().is_some());
}

#[test]
fn a_server_is_asked_only_after_the_person_has_agreed() {
    let mut window = Window::writing("main.rs", "");
    window.type_text("x");
    let (number, _, _) = window.take_ghost_ask().unwrap();
    let error =
        ApiError::new(ErrorKind::NotConfirmed, "nothing was sent to lab before: 4 bytes would go there");
    window.fail_ghost(number, error);
    window.type_text("y");
    assert!(window.take_ghost_ask().is_none());
    window.run(AppCommand::ToggleChat);
    assert!(window.has_words("Nothing was sent to lab before: 4 bytes would go there"));
    window.click("Send text while I type");
    window.settle();
    let (number, place, confirm) = window.take_ghost_ask().expect("the same with consent");
    assert!(confirm && place.at == 2);
    window.tell_ghost(number, "z");
    assert_eq!(window.ghost().as_deref(), Some("z"));
}
