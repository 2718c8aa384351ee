//! A window with a real node, and a model behind a server that says what the test wants.

use weft_editor::AppCommand as A;
use weft_node::{
    api::{
        self, AiAccept, AiEdit, AiModelChoose, AiProviderAdd, AiSeen, CallContext, Cat, ClientEdit,
        DocumentEdit, DocumentOpen, EventSink, Method, Origin, ProviderKind, Purpose,
    },
    control::Client,
};

use super::odd::Real;
use super::*;
use crate::state::Reply;

#[path = "../../../../../tests/src/scripted_model.rs"]
#[expect(dead_code, unreachable_pub, reason = "of what tests of the whole program use as well")]
mod scripted_model;

use scripted_model::ScriptedModel;

impl Real {
    /// Asks the window's own node, as another program would.
    fn ask<M: Method>(&self, requests: Vec<M>) {
        let home = self.root.path().join("home");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::connect(&home, EventSink::none()).await.unwrap();
            for request in requests {
                api::call(&client, request, CallContext::default()).await.unwrap();
            }
        });
    }

    /// With a server for ghost text and chats.
    fn use_server(&self, server: &ScriptedModel) {
        let id = || "script".to_owned();
        let (kind, url, model) = (ProviderKind::OpenAi, Some(server.url.clone()), "m1".to_owned());
        self.ask(vec![AiProviderAdd { id: id(), kind, url, model, key: None, patience_seconds: Some(5) }]);
        self.ask([Purpose::Completion, Purpose::Chat].map(|role| AiModelChoose { id: id(), role }).into());
    }

    fn send(&mut self, text: &str) {
        self.harness.state_mut().drafts.chat.text = text.to_owned();
        let before = self.harness.state().state.ai.turns.len();
        self.click("Send");
        self.until("a turn", |real| real.harness.state().state.ai.turns.len() > before);
        self.until("what came of it", |real| real.harness.state().state.ai.running().is_none());
        let turn = &self.harness.state().state.ai.turns[before];
        assert!(matches!(turn.reply, Reply::Answer(_) | Reply::Proposal(_)), "{turn:?}");
    }

    /// Who wrote a line, as blame shows it.
    fn origin_of(&self, line: usize) -> Option<Origin> {
        let blame = self.harness.state().state.pages.blame.get("main.rs")?.value()?;
        blame.lines.get(line).map(|line| line.origin.clone())
    }

    fn ghost(&self) -> Option<String> {
        let (document, view) = self.folder_state()?.active()?;
        document.ghost(view).map(|ghost| ghost.text.to_owned())
    }
}

fn block(old: &str, new: &str) -> String {
    format!("{}< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n", "<".repeat(6))
}

#[test]
fn ghost_text_a_chat_and_a_change_by_hunk_reach_the_text_and_its_history() {
    let answer = "It says the answer in main.rs:2.".to_owned();
    let change = format!(
        "FILE: main.rs\n{}{}",
        block("    let a = 42;\n", "    let answer = 42;\n"),
        block("}\n", "} // end\n")
    );
    let server = ScriptedModel::saying(["42;".to_owned(), answer, change]).unwrap();
    let mut real = Real::new(&[("main.rs", b"fn main() {\n    let a =\n}\n")]);
    real.use_server(&server);
    real.open("main.rs");
    // Ghost text: asked for once the person has agreed, and accepted.
    real.harness.key_press(Key::ArrowDown);
    real.harness.key_press(Key::End);
    real.type_text(" ");
    real.until("a question", |real| real.harness.state().state.ai.question.is_some());
    assert_eq!(server.questions().len(), 0, "nothing was sent");
    real.run(weft_editor::Command::App(A::ToggleChat));
    real.click("Send text while I type");
    real.until("ghost text", |real| real.ghost().is_some());
    real.until("the keys go to the text", |real| {
        let id = crate::editor::id_of(real.folder_state().unwrap().layout.focused());
        real.harness.ctx.memory(|memory| memory.has_focus(id))
    });
    real.harness.key_press(Key::Tab);
    real.harness.step();
    // Before it goes on from there: the server has another answer next.
    real.run(weft_editor::Command::App(A::ToggleGhosts));
    assert_eq!(real.text().as_deref(), Some("fn main() {\n    let a = 42;\n}\n"));
    // The history knows who wrote what was accepted.
    real.run(weft_editor::Command::App(A::ToggleBlame));
    real.until("the model", |real| real.origin_of(1) == Some(Origin::Model { name: "script/m1".to_owned() }));
    assert_eq!(real.origin_of(0), Some(Origin::Import));
    real.run(weft_editor::Command::App(A::ToggleBlame));
    // A chat with a citation.
    real.send("what is @main.rs?");
    real.click("main.rs:2");
    real.until("the place", |real| real.harness.query_by_label("Line 2, column 1").is_some());
    // A change, of which one hunk is taken.
    real.click("Change files");
    real.send("tidy @main.rs");
    real.click("main.rs, line 3");
    real.click("Accept chosen");
    real.until("the change", |real| real.text().as_deref() == Some("fn main() {\n    let answer = 42;\n}\n"));
    real.until("it is told", |real| real.has_words("main.rs, line 2: made"));
    // The history knows whose it is.
    real.run(weft_editor::Command::App(A::ToggleBlame));
    real.until("the origin", |real| {
        real.origin_of(1) == Some(Origin::Model { name: "script/m1".to_owned() })
    });
    let turns = &real.harness.state().state.ai.turns;
    assert!(matches!(&turns[0].reply, Reply::Answer(answer) if answer.model == "script/m1"));
    // The conversation is there when window and node are started again.
    real.until("it is kept", |real| {
        let keeping = &real.harness.state().state.ai.keeping;
        keeping.id.is_some() && keeping.asked.is_none() && !keeping.is_behind
    });
    let mut real = Real::again(real.end());
    real.until("the workspace", |real| {
        real.folder_state().is_some_and(|folder| folder.workspace.value().is_some())
    });
    real.run(weft_editor::Command::App(A::ToggleChat));
    real.click("what is @main.rs?");
    real.until("the turns", |real| real.harness.state().state.ai.turns.len() == 2);
    assert!(real.has_words("It says the answer in main.rs:2.") && real.has_words("main.rs, line 2: made"));
    assert!(real.has_words("main.rs, line 3: not made"));
    real.end();
}

#[test]
fn lines_that_were_seen_are_edited_wherever_they_are_by_now() {
    let server = ScriptedModel::saying(["```\nTWO\n```".to_owned()]).unwrap();
    let real = Real::new(&[("main.rs", b"one\ntwo\nthree\n")]);
    real.use_server(&server);
    let (home, file) = (real.root.path().join("home"), real.folder.join("main.rs"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let reader = Client::connect(&home, EventSink::none()).await.unwrap();
        let writer = Client::connect(&home, EventSink::none()).await.unwrap();
        let open = || DocumentOpen { file: file.clone() };
        let seen = api::call(&reader, open(), CallContext::default()).await.unwrap();
        let theirs = api::call(&writer, open(), CallContext::default()).await.unwrap();
        // Somebody types above and right behind, after the lines were seen.
        let edit = |at, insert: &str| ClientEdit { at, delete: 0, insert: insert.to_owned() };
        let edits = vec![edit(0, "zero\nhalf\n"), edit(18, "behind\n")];
        let request = DocumentEdit { document: theirs.document, revision: 0, edits, model: None };
        api::call(&writer, request, CallContext::default()).await.unwrap();
        let ask = |seen| AiEdit {
            file: file.clone(),
            from_line: 2,
            to_line: 2,
            seen,
            instruction: "louder".to_owned(),
            template: None,
            model: None,
            confirm: true,
            fresh: true,
            stream: None,
        };
        let place = AiSeen { document: seen.document, revision: 0, at: 4, count: 4 };
        let made = api::call(&reader, ask(Some(place)), CallContext::default()).await.unwrap();
        let asked = server.questions().last().unwrap().text();
        assert!(asked.contains("<lines>\ntwo\n</lines>"), "{asked}");
        assert_eq!((made.hunks[0].line, made.hunks[0].old.as_str()), (4, "two\n"));
        // Meanwhile somebody types once more, above and then in the line itself.
        let more = |edits| DocumentEdit { document: theirs.document, revision: 1, edits, model: None };
        api::call(&writer, more(vec![edit(0, "first\n")]), CallContext::default()).await.unwrap();
        let accept = AiAccept { proposal: made.proposal, hunks: vec![0], keep: false };
        let accepted = api::call(&reader, accept, CallContext::default()).await.unwrap();
        assert_eq!((accepted.made, accepted.outdated), (vec![0], vec![]));
        let text = api::call(&reader, Cat { file: file.clone(), at: None }, CallContext::default()).await;
        assert_eq!(text.unwrap().text, "first\nzero\nhalf\none\nTWO\nbehind\nthree\n");
        // A document that is not open is told of, and nothing is asked.
        let wrong = AiSeen { document: 99, ..place };
        let refused = api::call(&reader, ask(Some(wrong)), CallContext::default()).await;
        assert!(refused.is_err_and(|error| error.message.contains("99")));
    });
    real.end();
}
