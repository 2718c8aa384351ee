//! A window with a real node, and a model behind a server that says what the test wants.

use weft_editor::AppCommand as A;
use weft_node::{
    api::{
        self, AiModelChoose, AiProviderAdd, CallContext, EventSink, Method, Origin, ProviderKind, Purpose,
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
        let blame = real.harness.state().state.pages.blame.get("main.rs").and_then(|blame| blame.value());
        let line = blame.and_then(|blame| blame.lines.get(1).cloned());
        line.is_some_and(|line| line.origin == Origin::Model { name: "script/m1".to_owned() })
    });
    let turns = &real.harness.state().state.ai.turns;
    assert!(matches!(&turns[0].reply, Reply::Answer(answer) if answer.model == "script/m1"));
    real.end();
}
