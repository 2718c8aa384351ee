//! The chat and proposals, with a model that is only pretended.

use serde_json::json;
use weft_node::api::{AiAccepted, AiModelList, AiProviderList, ErrorKind};

use super::*;
use crate::{
    limits::MENTIONS_MAX,
    link::{AiAsk, AiNews, Lines},
};

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The models of a device, of which one may answer.
fn models(chosen_for: &[&str]) -> (AiModelList, AiProviderList) {
    let model = json!({ "id": "tiny", "roles": chosen_for, "chosen_for": chosen_for, "bytes": 1, "sha256": "",
        "context_tokens": 1, "parameters": 1, "source": "", "fits": true, "why": "", "is_loaded": false });
    (of(json!({ "models": [model] })), of(json!({ "providers": [] })))
}

impl Window {
    fn tell_ai(&mut self, number: u64, news: AiNews) {
        self.tell(FromLink::Ai { number, news });
    }

    /// The last question of those that fit.
    fn take_ai(&mut self, fits: impl Fn(&AiAsk) -> bool) -> Option<(u64, AiAsk)> {
        let at = self.asked.iter().rposition(|it| matches!(it, ToLink::Ai { ask, .. } if fits(ask)))?;
        match self.asked.remove(at) {
            ToLink::Ai { number, ask } => Some((number, ask)),
            _ => None,
        }
    }

    /// Opens the chat, and answers which models there are.
    fn with_chat(mut self, chosen_for: &[&str]) -> Self {
        self.press(Modifiers::CTRL | Modifiers::ALT, Key::I);
        let (number, _) = self.take_ai(|ask| matches!(ask, AiAsk::Models)).expect("the models are asked for");
        self.tell_ai(number, AiNews::Models(Ok(models(chosen_for))));
        self
    }

    fn say(&mut self, text: &str) {
        self.type_text(text);
        self.press(Modifiers::NONE, Key::Enter);
    }
}

fn is_chat(ask: &AiAsk) -> bool {
    matches!(ask, AiAsk::Chat { .. })
}

#[test]
fn an_answer_is_streamed_and_its_citations_open_the_place() {
    let long: String = (0..200).map(|line| format!("line {line}\n")).collect();
    let mut window = Window::with(&[("plan.md", "one\n"), ("src/main.rs", &long)]);
    window.click("plan.md");
    let mut window = window.with_chat(&["chat"]);
    window.say("what is @src/main.rs?");
    let (number, ask) = window.take_ai(is_chat).expect("it is asked");
    let AiAsk::Chat { messages, selection, confirm, fresh } = ask else { panic!("{ask:?}") };
    assert_eq!((messages[0].role.as_str(), messages[0].text.as_str()), ("user", "what is @src/main.rs?"));
    assert!(!confirm && !fresh && selection.is_some_and(|lines| lines.path == "plan.md"));
    assert!(window.has("what is @src/main.rs?") && window.has("The model reads …"));
    window.tell_ai(number, AiNews::Text("It **counts".to_owned()));
    assert!(window.has("The model writes …"));
    window.tell_ai(number, AiNews::Text("** lines.".to_owned()));
    assert!(window.has("It counts lines."), "read as Markdown");
    let answer =
        of(json!({ "text": "It **counts** lines, see src/main.rs:150.", "model": "tiny", "finish": "end",
        "prompt_tokens": 1, "reused_tokens": 0, "decoded_tokens": 1, "tokens": 1, "seconds": 0.1,
        "left_out": "the end of src/main.rs", "sources": ["src/main.rs"],
        "citations": [{ "path": "src/main.rs", "line": 150, "to_line": 151 }] }));
    window.tell_ai(number, AiNews::Chat(Ok(Box::new(answer))));
    assert!(window.has("tiny") && window.has("Was shown src/main.rs"));
    assert!(window.has("Was not shown the end of src/main.rs"));
    window.click("src/main.rs:150-151");
    assert!(window.has("Tab main.rs") && window.has("Line 150, column 1"));
    // The next question goes on from there.
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("why?");
    let Some((_, AiAsk::Chat { messages, .. })) = window.take_ai(is_chat) else { panic!("it is not asked") };
    let roles: Vec<&str> = messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
}

#[test]
fn an_answer_is_stopped_asked_again_and_sent_to_a_server_after_a_question() {
    let mut window = Window::showing("plan.md", "one\n").with_chat(&["chat"]);
    window.say("hello");
    let (number, _) = window.take_ai(is_chat).unwrap();
    window.tell_ai(number, AiNews::Text("Well".to_owned()));
    window.click("Stop");
    assert!(window.asked.iter().any(|ask| matches!(ask, ToLink::CancelAi(of) if *of == number)));
    assert!(window.has("Stopped.") && window.has("Well"));
    window.tell_ai(number, AiNews::Text(", too late".to_owned()));
    assert!(window.has("Well"));
    window.click("Retry");
    let (number, ask) = window.take_ai(is_chat).unwrap();
    assert!(matches!(ask, AiAsk::Chat { fresh: true, confirm: false, .. }));
    let question = "nothing was sent to lab before: 5 bytes would go to http://lab";
    window.tell_ai(number, AiNews::Chat(Err(ApiError::new(ErrorKind::NotConfirmed, question))));
    assert!(window.has("Nothing was sent to lab before: 5 bytes would go to http://lab"));
    window.click("Send it");
    let (number, ask) = window.take_ai(is_chat).unwrap();
    assert!(matches!(ask, AiAsk::Chat { confirm: true, .. }));
    let error = ApiError::unreachable("lab does not answer").hint("look whether it runs");
    window.tell_ai(number, AiNews::Chat(Err(error)));
    assert!(window.has("Lab does not answer") && window.has("Look whether it runs"));
}

#[test]
fn without_a_model_it_is_said_how_to_get_one() {
    let mut window = Window::showing("plan.md", "one\n").with_chat(&["embedding"]);
    assert!(window.has("There is no model for chats on this device"));
    for (place, is_address) in [("/models/a.gguf", false), ("https://example.org/a.gguf", true)] {
        window.harness.get_by_role_and_label(Kind::TextInput, "Model file, or its address").focus();
        window.settle();
        window.press(Modifiers::COMMAND, Key::A);
        window.type_text(place);
        window.click("Get this model");
        let asked = window.take_ai(|ask| matches!(ask, AiAsk::Import(_) | AiAsk::Download(_)));
        let (number, ask) = asked.expect("it is got");
        assert_eq!(matches!(ask, AiAsk::Download(_)), is_address);
        let error = ApiError::failed("the file is no model");
        window.tell_ai(number, AiNews::Model(Err(error)));
        assert!(window.has("The file is no model"));
    }
    window.click("Get this model");
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Download(_))).unwrap();
    let model = models(&["chat"]).0.models.remove(0);
    window.tell_ai(number, AiNews::Model(Ok(Box::new(model))));
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Models)).expect("they are asked for again");
    window.tell_ai(number, AiNews::Models(Ok(models(&["chat"]))));
    assert!(!window.has("There is no model for chats on this device"));
}

#[test]
fn mentions_are_offered_while_they_are_typed() {
    let names: Vec<String> = (0..20).map(|number| format!("src/part{number}.rs")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let mut window = Window::with(&files).with_chat(&["chat"]);
    window.type_text("what is @s");
    assert!(window.has("@selection") && window.has("@symbol:"));
    window.type_text("rc/pa");
    assert_eq!(window.harness.query_all_by_label_contains("@src/part").count(), MENTIONS_MAX);
    window.click("@src/part10.rs");
    assert_eq!(window.shell().drafts.chat.text, "what is @src/part10.rs ");
    window.type_text("@di");
    window.press(Modifiers::NONE, Key::Tab);
    assert_eq!(window.shell().drafts.chat.text, "what is @src/part10.rs @diff ");
    assert!(!window.has("@diff"), "nothing is offered any more");
}

fn proposal() -> weft_node::api::AiProposal {
    of(json!({ "proposal": 7, "model": "tiny",
        "hunks": [
            { "path": "src/main.rs", "line": 1, "old": "one\ntwo\n", "new": "one\nzwei\n" },
            { "path": "src/main.rs", "line": 3, "old": "three\n", "new": "drei\n" },
            { "path": "src/new.rs", "line": 1, "old": "", "new": "four\n" },
        ],
        "checks": [
            { "path": "src/main.rs", "check": "syntax", "passed": true, "note": "no new syntax errors" },
            { "path": "src/new.rs", "check": "secrets", "passed": false, "note": "what looks like a key comes" },
        ],
        "warnings": ["the answer broke off"],
    }))
}

#[test]
fn hunks_of_a_proposal_are_chosen_and_accepted() {
    let mut window = Window::with(&[("src/main.rs", "one\ntwo\nthree\n")]);
    window.click("src");
    window.click("main.rs");
    window.press(Modifiers::SHIFT, Key::ArrowDown);
    window.press(Modifiers::SHIFT, Key::ArrowDown);
    window.press(Modifiers::CTRL, Key::I);
    assert!(window.has("src/main.rs, lines 1–2"));
    window.say("in German");
    let (number, ask) = window.take_ai(|ask| matches!(ask, AiAsk::Edit { .. })).expect("it is asked");
    let AiAsk::Edit { lines, instruction, .. } = ask else { panic!("{ask:?}") };
    assert_eq!(lines, Lines { path: "src/main.rs".to_owned(), from: 1, to: 2 });
    assert_eq!(instruction, "in German");
    window.tell_ai(number, AiNews::Proposal(Ok(Box::new(proposal()))));
    assert!(window.has("The answer broke off") && window.has("No new syntax errors"));
    assert!(window.has("What looks like a key comes"));
    assert!(window.has("  one") && window.has("− two") && window.has("+ zwei") && window.has("+ four"));
    assert_eq!(window.text(), "one\ntwo\nthree\n", "nothing is changed");
    window.click("src/new.rs, line 1");
    window.click("Accept chosen");
    let is_accept = |ask: &AiAsk| matches!(ask, AiAsk::Accept { .. });
    let (number, ask) = window.take_ai(is_accept).unwrap();
    assert!(matches!(&ask, AiAsk::Accept { proposal: 7, hunks, keep: true } if *hunks == [0, 1]), "{ask:?}");
    window.tell_ai(number, AiNews::Accepted(Ok(AiAccepted { made: vec![0], outdated: vec![1] })));
    assert!(window.has("src/main.rs, line 1: made"));
    assert!(window.has("src/main.rs, line 3: left alone, its text is another by now"));
    assert!(window.has_words("1 change was made") && window.has_words("1 change was left alone"));
    assert!(window.has("Choose changes to accept them."));
    window.click("Discard");
    let (_, ask) = window.take_ai(is_accept).unwrap();
    assert!(matches!(&ask, AiAsk::Accept { proposal: 7, hunks, keep: false } if hunks.is_empty()), "{ask:?}");
    assert!(window.has("Discarded; nothing of it was changed."));
}

#[test]
fn a_change_of_several_files_and_an_answer_that_is_none() {
    let mut window = Window::showing("plan.md", "one\n").with_chat(&["chat"]);
    window.click("Change files");
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("tidy @plan.md");
    let (number, ask) = window.take_ai(|ask| matches!(ask, AiAsk::Change { .. })).expect("it is asked");
    assert!(matches!(&ask, AiAsk::Change { instruction, .. } if instruction == "tidy @plan.md"), "{ask:?}");
    window.tell_ai(number, AiNews::Text("FILE: pl".to_owned()));
    assert!(window.has("The model writes … 8 characters"));
    let nothing = of(json!({ "proposal": 0, "model": "tiny", "hunks": [], "text": "It is *tidy* already." }));
    window.tell_ai(number, AiNews::Proposal(Ok(Box::new(nothing))));
    assert!(window.has("The model proposes no change.") && window.has("It is tidy already."));
    window.click("New conversation");
    assert!(!window.has("It is tidy already."));
}
