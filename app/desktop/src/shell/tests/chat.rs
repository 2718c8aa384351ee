//! The chat and proposals, with a model that is only pretended.

use eframe::egui;
use egui_kittest::kittest::NodeT as _;
use serde_json::json;
use weft_editor::AppCommand;
use weft_node::api::{AiAccepted, AiModelList, AiProviderList, ErrorKind, Progress, Stage};

use super::*;
use crate::{
    limits::MENTIONS_MAX,
    link::{AiAsk, AiNews, Asking, Lines, ModelWork},
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
    let AiAsk::Chat { messages, selection, asking } = ask else { panic!("{ask:?}") };
    assert_eq!((messages[0].role.as_str(), messages[0].text.as_str()), ("user", "what is @src/main.rs?"));
    assert!(asking == Asking::default() && selection.is_some_and(|lines| lines.path == "plan.md"));
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
    assert!(matches!(ask, AiAsk::Chat { asking: Asking { fresh: true, confirm: false, .. }, .. }));
    let question = "nothing was sent to lab before: 5 bytes would go to http://lab";
    window.tell_ai(number, AiNews::Chat(Err(ApiError::new(ErrorKind::NotConfirmed, question))));
    assert!(window.has("Nothing was sent to lab before: 5 bytes would go to http://lab"));
    window.click("Send it");
    let (number, ask) = window.take_ai(is_chat).unwrap();
    assert!(matches!(ask, AiAsk::Chat { asking: Asking { confirm: true, .. }, .. }));
    let error = ApiError::unreachable("lab does not answer").hint("look whether it runs");
    window.tell_ai(number, AiNews::Chat(Err(error)));
    assert!(window.has("Lab does not answer") && window.has("Look whether it runs"));
}

#[test]
fn without_a_model_it_is_said_and_leads_to_the_page_of_models() {
    let mut window = Window::showing("plan.md", "one\n").with_chat(&["embedding"]);
    assert!(window.has("There is no model for chats on this device"));
    window.click("Models…");
    assert!(window.has("Chat and edits: Nobody: questions and edits have no answer."));
    assert!(window.has("Search by meaning: tiny"));
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
    // Also in the middle of what stands there.
    window.harness.get_by_label("Message to the model").focus();
    window.press(Modifiers::NONE, Key::Home);
    for _ in 0..5 {
        window.press(Modifiers::NONE, Key::ArrowRight);
    }
    window.type_text("@doc");
    assert!(window.has("@docs"));
    window.press(Modifiers::NONE, Key::Tab);
    assert_eq!(window.shell().drafts.chat.text, "what @docs is @src/part10.rs @diff ");
    window.type_text("x");
    assert_eq!(
        window.shell().drafts.chat.text,
        "what @docs xis @src/part10.rs @diff ",
        "the caret is behind it"
    );
}

fn proposal() -> weft_node::api::AiProposal {
    of(json!({ "proposal": 7, "model": "tiny",
        "hunks": [
            { "path": "src/main.rs", "line": 1, "old": "one\ntwo\n", "new": "one\nzwei\n" },
            { "path": "src/main.rs", "line": 3, "old": "three\n", "new": "drei\n" },
            { "path": "src/new.rs", "line": 1, "old": "", "new": "four\n", "doubt": "what looks like a key comes" },
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
    // What does not pass a check is not chosen by itself, and says why.
    assert!(window.has("Not chosen by itself: what looks like a key comes"));
    let doubtful = window.harness.get_by_label("src/new.rs, line 1");
    assert_eq!(doubtful.accesskit_node().toggled(), Some(egui::accesskit::Toggled::False));
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

fn templates() -> AiNews {
    AiNews::Templates(Ok(of(json!({ "folder": "/home/prompts", "templates": [
        { "name": "explain", "text": "Explain {text}", "kind": "words" },
        { "name": "fix", "text": "Fix {text}", "kind": "change" },
        { "name": "haiku", "text": "A haiku {text}", "kind": "words", "file": "/home/prompts/haiku.txt" },
    ] }))))
}

impl Window {
    /// Presses a button wherever it is on its page.
    fn choose(&mut self, label: &str) {
        self.harness.get_by_label(label).click_accesskit();
        self.settle();
    }

    fn with_templates(mut self) -> Self {
        let (number, _) = self.take_ai(|ask| matches!(ask, AiAsk::Templates)).expect("they are asked for");
        self.tell_ai(number, templates());
        self
    }
}

#[test]
fn templates_are_used_from_the_palette_the_menu_and_the_field() {
    let mut window = Window::showing("main.rs", "one\ntwo\n").with_chat(&["chat"]).with_templates();
    window.run(AppCommand::UseTemplate("explain"));
    let (number, ask) = window.take_ai(is_chat).expect("it is asked");
    let AiAsk::Chat { messages, selection, asking } = ask else { panic!("{ask:?}") };
    assert_eq!((messages[0].text.as_str(), asking.template.as_deref()), ("@selection", Some("explain")));
    assert_eq!(selection, Some(Lines { path: "main.rs".to_owned(), from: 1, to: 1 }));
    assert!(window.has("/explain main.rs:1"));
    window.tell_ai(
        number,
        AiNews::Chat(Ok(Box::new(of(json!({ "text": "A number.", "model": "tiny",
        "finish": "end", "prompt_tokens": 1, "reused_tokens": 0, "decoded_tokens": 1, "tokens": 1,
        "seconds": 0.1 }))))),
    );
    // What changes lines becomes a proposal.
    window.run(AppCommand::UseTemplate("fix"));
    let (number, ask) = window.take_ai(|ask| matches!(ask, AiAsk::Edit { .. })).expect("it is asked");
    let AiAsk::Edit { lines, seen, instruction, asking } = ask else { panic!("{ask:?}") };
    assert_eq!((lines.from, lines.to, instruction.as_str()), (1, 1, ""));
    assert_eq!(asking.template.as_deref(), Some("fix"));
    assert_eq!(seen.map(|seen| (seen.document, seen.revision, seen.at, seen.count)), Some((1, 0, 0, 3)));
    window.tell_ai(number, AiNews::Proposal(Ok(Box::new(proposal()))));
    // A person's own, by its name; names are offered at the start of the field.
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.type_text("/ha");
    assert!(window.has("/haiku") && !window.has("/explain"));
    window.press(Modifiers::NONE, Key::Tab);
    window.say("about @main.rs");
    let (_, ask) = window.take_ai(is_chat).expect("it is asked");
    let AiAsk::Chat { messages, asking, .. } = ask else { panic!("{ask:?}") };
    let last = messages.last().map(|message| message.text.as_str());
    assert_eq!((last, asking.template.as_deref()), (Some("about @main.rs"), Some("haiku")));
    window.click("Stop");
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("/dance");
    assert!(window.has_words("There is no template “dance”"));
    assert_eq!(window.shell().drafts.chat.text, "/dance", "it stays to be mended");
}

#[test]
fn the_menu_of_the_text_has_the_templates() {
    let mut window = Window::showing("main.rs", "one\ntwo\n").with_chat(&["chat"]).with_templates();
    window.harness.get_by_role_and_label(Kind::MultilineTextInput, "main.rs").click_secondary();
    window.settle();
    let menu = window
        .harness
        .get_all_by_label_contains("AI")
        .find(|node| node.accesskit_node().role() == Kind::Button);
    menu.unwrap().click();
    window.settle();
    window.click("Explain selection");
    assert!(window.take_ai(is_chat).is_some());
}

#[test]
fn a_question_about_lines_waits_for_what_was_typed_and_says_where_they_are() {
    let mut window = Window::showing("main.rs", "one\ntwo\n").with_chat(&["chat"]);
    // The node is slow: the edit is on its way.
    window.click("Edit selection");
    let folder = window.harness.state_mut().state.folder.as_mut().unwrap();
    let (document, view) = folder.active_mut().unwrap();
    document.type_text(view, "new ");
    document.outgoing().unwrap();
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("in German");
    let is_edit = |ask: &AiAsk| matches!(ask, AiAsk::Edit { .. });
    assert!(window.take_ai(is_edit).is_none());
    assert!(window.has("It is sent as soon as your last edits are kept …"));
    let result = Ok(1);
    window.tell(FromLink::Edited { path: "main.rs".to_owned(), document: 1, result });
    let (_, ask) = window.take_ai(is_edit).expect("it is sent now");
    let AiAsk::Edit { seen: Some(seen), .. } = ask else { panic!("{ask:?}") };
    assert_eq!((seen.revision, seen.at, seen.count), (1, 0, 7));
    assert_eq!(window.shell().drafts.chat.text, "");
}

#[test]
fn another_model_can_answer() {
    let mut window = Window::showing("main.rs", "one\n").with_chat(&["chat"]);
    window.click("Answered by: tiny (chosen for chats)");
    window.click("tiny");
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("who?");
    let (_, ask) = window.take_ai(is_chat).expect("it is asked");
    let AiAsk::Chat { asking, .. } = ask else { panic!("{ask:?}") };
    assert_eq!(asking.model.as_deref(), Some("tiny"));
}

#[test]
fn conversations_are_kept_listed_shown_again_and_deleted() {
    let head = |id: u64, title: &str| json!({ "id": id, "title": title, "changed": "2026-11-22T10:00:00Z", "turns": 1 });
    let list = |heads: serde_json::Value| AiNews::Conversations(Ok(of(json!({ "conversations": heads }))));
    let is_list = |ask: &AiAsk| matches!(ask, AiAsk::Conversations);
    let mut window = Window::showing("main.rs", "one\n").with_chat(&["chat"]);
    let (number, _) = window.take_ai(is_list).expect("they are asked for");
    window.tell_ai(number, list(json!([head(4, "an old question")])));
    assert!(window.has("an old question") && window.has("Earlier conversations"));
    window.say("a new one");
    assert!(!window.has("an old question"), "the turns have the room");
    let (number, _) = window.take_ai(is_chat).unwrap();
    window.tell_ai(number, AiNews::Chat(Err(ApiError::failed("no"))));
    let is_keep = |ask: &AiAsk| matches!(ask, AiAsk::KeepConversation { .. });
    let (number, ask) = window.take_ai(is_keep).expect("it is kept");
    let AiAsk::KeepConversation { id: None, turns } = ask else { panic!("{ask:?}") };
    assert_eq!(turns[0].said, "a new one");
    window.tell_ai(number, AiNews::Kept(Ok(of(head(5, "a new one")))));
    let (number, _) = window.take_ai(is_list).expect("the list is another");
    window.tell_ai(number, list(json!([head(5, "a new one"), head(4, "an old question")])));
    window.click("Earlier conversations (1)");
    window.click("an old question");
    let (number, ask) = window.take_ai(|ask| matches!(ask, AiAsk::Conversation(_))).expect("it is asked for");
    assert!(matches!(ask, AiAsk::Conversation(4)));
    let turns = json!([{ "said": "an old question", "text": "an **old** answer", "answer": null }]);
    window.tell_ai(number, AiNews::Conversation(Ok(Box::new(of(json!({ "id": 4, "turns": turns }))))));
    assert!(window.has("an old answer") && window.has("an old question"));
    // It goes on under its number.
    window.harness.get_by_label("Message to the model").focus();
    window.settle();
    window.say("more");
    window.click("Stop");
    let (_, ask) = window.take_ai(is_keep).expect("it is kept");
    assert!(matches!(&ask, AiAsk::KeepConversation { id: Some(4), turns } if turns.len() == 2), "{ask:?}");
    window.click("New conversation");
    assert!(window.has("a new one") && !window.has("an old answer"));
    window.click("Delete “a new one”…");
    window.click("Delete now");
    assert!(window.take_ai(|ask| matches!(ask, AiAsk::RemoveConversation(5))).is_some());
}

#[test]
fn the_page_of_models_shows_chooses_gets_and_removes() {
    let mut window = Window::showing("main.rs", "one\n");
    window.run(AppCommand::ShowModels);
    let model = json!({ "id": "tiny", "roles": ["completion", "chat"], "chosen_for": ["chat"],
        "bytes": 1_100_000_000, "sha256": "ab".repeat(32), "context_tokens": 4096, "parameters": 135_000_000,
        "source": "tiny.gguf", "fits": true, "why": "it needs 1.4 GB of 8 GB", "is_loaded": true });
    let known = (of(json!({ "models": [model] })), of(json!({ "providers": [] })));
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Models)).expect("they are asked for");
    window.tell_ai(number, AiNews::Models(Ok(known)));
    assert!(window.has("Chat and edits: tiny") && window.has_words("1.1 GB, 135 M parameters"));
    assert!(window.has("It needs 1.4 GB of 8 GB"));
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Hardware)).expect("it is asked for");
    let report = of(json!({ "cores": 8, "threads": 4, "memory_bytes": 16_000_000_000_u64,
        "memory_free_bytes": 8_000_000_000_u64, "backends": ["vulkan"],
        "devices": [{ "name": "Arc", "backend": "Vulkan", "memory_bytes": 12_000_000_000_u64,
            "memory_free_bytes": 8_000_000_000_u64 }], "models": [], "advice": "Small ones fit." }));
    window.tell_ai(number, AiNews::Hardware(Ok(Box::new(report))));
    assert!(window.has("8 cores, of which models use 4; 8.0 GB of 16 GB memory are free"));
    assert!(window.has("Arc, through Vulkan: 8.0 GB of 12 GB are free"));
    let work = |window: &mut Window| {
        let asked = window.take_ai(|ask| matches!(ask, AiAsk::Work(_)));
        match asked.expect("work is asked for") {
            (number, AiAsk::Work(work)) => (number, work),
            (_, other) => panic!("{other:?}"),
        }
    };
    window.choose("Ask tiny for ghost text");
    let role = weft_node::api::Purpose::Completion;
    let (number, asked) = work(&mut window);
    assert_eq!(asked, ModelWork::Choose { id: "tiny".to_owned(), role });
    window.tell_ai(number, AiNews::Done(Ok(String::new())));
    // It is removed only after a second question.
    window.choose("Remove…");
    window.choose("Remove now");
    let (number, asked) = work(&mut window);
    assert_eq!(asked, ModelWork::Remove("tiny".to_owned()));
    window.tell_ai(number, AiNews::Done(Ok("tiny is gone; 1.1 GB are free again".to_owned())));
    assert!(window.has_words("1.1 GB are free again"));
    // A download shows how far it is, and can be ended; a wrong checksum is seen before.
    window.harness.get_by_role_and_label(Kind::TextInput, "Model file (GGUF), or its address").focus();
    window.settle();
    window.type_text("https://example.org/a.gguf");
    window.harness.get_by_role_and_label(Kind::TextInput, "SHA-256 that it must have (may be empty)").focus();
    window.settle();
    window.type_text("ab");
    assert!(window.has("A SHA-256 has 64 of the digits 0–9 and the letters a–f."));
    window.type_text(&"cd".repeat(31));
    window.choose("Get this model");
    let (number, asked) = work(&mut window);
    assert!(matches!(&asked, ModelWork::Download { sha256: Some(sum), .. } if sum.len() == 64), "{asked:?}");
    let progress =
        Progress { done: 500_000_000, total: Some(1_000_000_000), ..Progress::new(Stage::Receive) };
    window.tell_ai(number, AiNews::Progress(progress));
    assert!(window.has("500 MB of 1.0 GB") && window.has("Downloading https://example.org/a.gguf"));
    window.harness.get_all_by_label("Cancel").next().unwrap().click_accesskit();
    window.settle();
    assert!(window.asked.iter().any(|ask| matches!(ask, ToLink::CancelAi(of) if *of == number)));
    assert!(!window.has("Downloading https://example.org/a.gguf"));
    window.choose("Get this model");
    let (number, _) = work(&mut window);
    window.tell_ai(number, AiNews::Done(Err(ApiError::failed("it has another SHA-256"))));
    assert!(window.has("It has another SHA-256"));
    window.choose("Dismiss it");
    assert!(!window.has("It has another SHA-256"));
}

#[test]
fn members_offer_models_and_servers_are_added_with_their_keys() {
    let mut window = Window::showing("main.rs", "one\n").with_chat(&["chat"]);
    window.run(AppCommand::ShowModels);
    window.choose("Look who shares one");
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Offers)).expect("they are asked");
    let offer = json!({ "id": "coder", "sha256": "cd", "bytes": 5, "roles": ["chat"],
        "holders": [{ "user_name": "Ben", "device_name": "desk" }], "is_here": false });
    let offered = of(json!({ "models": [offer], "devices_asked": 1 }));
    window.tell_ai(number, AiNews::Offers(Ok(offered)));
    assert!(window.has("5 bytes, from Ben (desk)"));
    window.choose("Fetch");
    let is_get = |ask: &AiAsk| matches!(ask, AiAsk::Work(ModelWork::Get(sum)) if sum == "cd");
    assert!(window.take_ai(is_get).is_some());
    window.choose("Add a server…");
    for (label, text) in [("Name", "lab"), ("Model", "big"), ("Key (may be empty)", "sk-hunter2")] {
        let is_field = |node: &egui_kittest::Node<'_>| node.accesskit_node().supports_text_ranges();
        window.harness.get_all_by_label(label).find(is_field).unwrap().focus();
        window.settle();
        window.type_text(text);
    }
    window.choose("Add it");
    let (_, ask) = window.take_ai(|ask| matches!(ask, AiAsk::Work(_))).expect("it is added");
    let AiAsk::Work(ModelWork::AddServer { id, url, model, key, .. }) = &ask else { panic!("{ask:?}") };
    assert_eq!((id.as_str(), url.as_deref(), model.as_str()), ("lab", None, "big"));
    assert_eq!(key.as_ref().map(|key| key.0.as_str()), Some("sk-hunter2"));
    assert!(!format!("{ask:?}").contains("hunter2"), "a key is never printed");
    assert!(!window.has("Add it"), "the key does not stay in a field");
}

#[test]
fn a_workspace_without_servers_says_so_in_the_status_bar() {
    let mut window = Window::showing("main.rs", "one\n");
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Policies)).expect("it is asked for");
    let policies = json!({ "branch_switch": "hold", "ai_local_only": true });
    let policies = of(policies);
    window.tell_ai(number, AiNews::Policies(Ok(policies)));
    window.click("AI on this device only");
    let known = models(&["chat"]);
    let (number, _) = window.take_ai(|ask| matches!(ask, AiAsk::Models)).expect("they are asked for");
    window.tell_ai(number, AiNews::Models(Ok(known)));
    assert!(window.has("This workspace asks no servers."));
    window.choose("Only models on the members’ own devices");
    let is_off = |ask: &AiAsk| matches!(ask, AiAsk::Work(ModelWork::LocalOnly(false)));
    assert!(window.take_ai(is_off).is_some());
}
