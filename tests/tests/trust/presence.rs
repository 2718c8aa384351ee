//! Where people are: told to those who can read, and to nobody else.

use std::collections::VecDeque;

use serde_json::{Value, json};
use weft_tests::{ControlSocket, PATIENCE};

use crate::team::Team;

/// A program at somebody's node that watches the others.
struct Editor {
    socket: ControlSocket,
    events: VecDeque<Value>,
    folder: std::path::PathBuf,
    document: u64,
    last_id: u64,
}

impl Editor {
    /// Watches who is here, and opens the plan.
    fn new(team: &Team, number: usize) -> Self {
        let person = &team.people[number];
        let socket = ControlSocket::connect(&person.device.home).expect("a socket");
        let folder = person.files.path("");
        let mut editor = Self { socket, events: VecDeque::new(), folder, document: 0, last_id: 0 };
        editor.ask("presence.watch", &json!({ "folder": editor.folder }));
        editor.open();
        editor
    }

    fn open(&mut self) {
        let opened = self.ask("document.open", &json!({ "file": self.folder.join("plan.md") }));
        self.document = opened["document"].as_u64().expect("a number");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.socket
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .expect("sent");
        loop {
            let line = self.socket.next_line().expect("a line").expect("a connection");
            if line["id"] == id {
                assert!(line["error"].is_null(), "{method}: {line}");
                return line["result"].clone();
            }
            self.events.push_back(line);
        }
    }

    fn point(&mut self, revision: u64, anchor: u64, head: u64) {
        let cursor = json!({ "anchor": anchor, "head": head });
        self.ask(
            "document.cursor",
            &json!({ "document": self.document, "revision": revision, "cursor": cursor }),
        );
    }

    /// Waits for an event that fits.
    #[track_caller]
    fn until<T>(&mut self, what: &str, pick: impl Fn(&Value) -> Option<T>) -> T {
        let mut seen = Vec::new();
        loop {
            let next = self.events.pop_front().or_else(|| self.socket.next_line().ok().flatten());
            let Some(event) = next else { panic!("{what} did not come; {seen:?} did") };
            if let Some(found) = pick(&event) {
                return found;
            }
            seen.push(event);
        }
    }

    /// Waits until the cursors in the open document are these: name, anchor, head.
    #[track_caller]
    fn sees(&mut self, expected: &[(&str, u64, u64)]) {
        let document = self.document;
        self.until(&format!("{expected:?}"), |event| {
            let params = &event["params"];
            let is_ours = event["method"] == "document.cursors" && params["document"] == document;
            let cursors = params["cursors"].as_array().filter(|_| is_ours)?;
            let cursors = cursors.iter().map(|one| {
                let at = |end: &str| one["cursor"][end].as_u64().unwrap_or(u64::MAX);
                (one["user_name"].as_str().unwrap_or("?"), at("anchor"), at("head"))
            });
            let mut cursors: Vec<_> = cursors.collect();
            cursors.sort_unstable();
            (cursors == expected).then_some(())
        });
    }

    /// Waits until these people are here, in these files.
    #[track_caller]
    fn meets(&mut self, expected: &[(&str, Option<&str>)]) {
        self.until(&format!("{expected:?}"), |event| {
            let devices = event["params"]["devices"].as_array().filter(|_| event["method"] == "presence")?;
            let here =
                devices.iter().map(|one| (one["user_name"].as_str().unwrap_or("?"), one["file"].as_str()));
            let mut here: Vec<_> = here.collect();
            here.sort_unstable();
            (here == expected).then_some(())
        });
    }
}

#[test]
fn cursors_reach_the_others_and_stay_with_their_text() {
    let team = Team::new(&["Ana", "Ben"], &[("plan.md", "one two three\n")]);
    let (mut ana, mut ben) = (Editor::new(&team, 0), Editor::new(&team, 1));
    ben.meets(&[("Ana", None)]);
    ana.point(0, 4, 7);
    ben.sees(&[("Ana", 4, 7)]);
    ben.meets(&[("Ana", Some("plan.md"))]);
    ben.point(0, 13, 13);
    ana.sees(&[("Ben", 13, 13)]);
    // Somebody with several cursors is seen at all of them.
    let cursor = |at: u64| json!({ "anchor": at, "head": at });
    let others = json!([cursor(0), { "anchor": 8, "head": 13 }]);
    let several = json!({ "document": ben.document, "revision": 0, "cursor": cursor(4), "others": others });
    ben.ask("document.cursor", &several);
    ana.until("all cursors of Ben", |event| {
        (event["params"]["cursors"][0]["others"] == others).then_some(())
    });
    ben.point(0, 13, 13);
    ana.sees(&[("Ben", 13, 13)]);
    // What is typed before a cursor moves it, also for whoever comes later.
    let edit = json!([{ "at": 0, "delete": 0, "insert": "zero " }]);
    ben.ask("document.edit", &json!({ "document": ben.document, "revision": 0, "edits": edit }));
    ben.ask("document.close", &json!({ "document": ben.document }));
    ana.sees(&[]);
    ben.open();
    ben.sees(&[("Ana", 9, 12)]);
    // A cursor of an old revision is moved over what came since.
    team.has(0, "plan.md", "zero");
    ana.point(0, 0, 0);
    ben.sees(&[("Ana", 5, 5)]);
    ana.ask("document.close", &json!({ "document": ana.document }));
    ben.sees(&[]);
    ben.meets(&[("Ana", None)]);
}

#[test]
fn who_is_put_out_neither_sees_nor_is_seen() {
    let team = Team::new(&["Ana", "Ben", "Carla"], &[("plan.md", "one two three\n")]);
    let mut editors: Vec<Editor> = (0..3).map(|number| Editor::new(&team, number)).collect();
    editors[1].point(0, 3, 3);
    editors[0].sees(&[("Ben", 3, 3)]);
    team.weft(0, &["revoke", "Ben", "notes", "--yes"]).expect("put out");
    editors[0].sees(&[]);
    editors[0].meets(&[("Carla", None)]);
    team.members_are(2, &[("Ana", "owner"), ("Carla", "editor")]);
    let is_told = weft_tests::eventually(PATIENCE, || (team.state(1) == "removed").then_some(()));
    assert!(is_told.is_some(), "{:?}", team.state(1));
    // What Ben's device says from now on counts for nobody, and nobody tells it anything.
    editors[1].point(0, 5, 5);
    editors[2].point(0, 7, 7);
    editors[0].sees(&[("Carla", 7, 7)]);
    editors[0].point(0, 1, 1);
    editors[2].sees(&[("Ana", 1, 1)]);
    let folder = editors[1].folder.clone();
    let told = editors[1].ask("presence.watch", &json!({ "folder": folder }));
    assert_eq!(told["devices"], json!([]), "{told}");
    let heard = editors[1].events.iter().filter(|event| event["method"] == "document.cursors");
    let heard: Vec<_> = heard.filter(|event| event["params"]["cursors"] != json!([])).collect();
    assert!(heard.is_empty(), "{heard:?}");
}
