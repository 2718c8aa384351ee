//! The real program with a real engine; its model is one of random numbers, made here.
#![cfg(unix)]

mod asking;
mod changing;
mod collection;
mod endpoint;
mod naming;
mod servers;
mod sharing;

use std::path::PathBuf;

use weft_test_models::tiny;
use weft_tests::{Device, Files, ScriptedModel};

/// A device with the tiny model, and a workspace with a source in it.
struct Desk {
    _root: tempfile::TempDir,
    device: Device,
    folder: PathBuf,
}

impl Desk {
    /// Without a running node.
    fn new() -> Self {
        let desk = Self::without_model();
        let file = desk.device.place.join("tiny.gguf");
        std::fs::write(&file, tiny::model(7)).expect("a file");
        desk.device.weft(["ai", "models", "import", "tiny.gguf"]).expect("a model");
        desk
    }

    fn without_model() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let device = Device::new(root.path(), "ana").expect("a device");
        let folder = device.place.join("notes");
        let files = Files::new(folder.clone()).expect("a folder");
        files.write("main.rs", "fn main() {\n    let answer = 6 * 7;\n    \n}\n").expect("a file");
        device.weft(["init", "notes"]).expect("a workspace");
        Self { _root: root, device, folder }
    }
}

impl Desk {
    /// With a server that the person has said yes to for the workspace, called `script`.
    fn with_server(server: &ScriptedModel) -> Self {
        let desk = Self::without_model();
        desk.add("script", "openai", server);
        desk.device.weft(["ai", "models", "use", "script", "--for", "chat"]).expect("a choice");
        desk
    }

    /// Makes a server known, with a key.
    fn add(&self, name: &str, kind: &str, server: &ScriptedModel) {
        let url = server.url.as_str();
        let words =
            ["ai", "providers", "add", name, "--kind", kind, "--url", url, "--model", "m1", "--key-fd", "0"];
        let patience = ["--patience", "2"];
        self.device.weft_with_input(words.into_iter().chain(patience), KEY).expect("a server");
    }
}

/// The key of servers here, with words that stand nowhere else.
const KEY: &str = "sk-hunter2-never-shown\n";

/// An engine may be left out of a build; then there is nothing to try here.
fn has_engine(desk: &Desk) -> bool {
    !desk
        .device
        .weft(["ai", "hardware"])
        .expect("an answer")
        .field("backends")
        .as_array()
        .is_none_or(Vec::is_empty)
}
