//! What a command tells a person.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use weft_tests::{Device, PATIENCE, Person};

/// What a command told, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// Both streams.
    pub(crate) text: String,
}

impl Told {
    /// It was refused with this exit code, and says all this.
    #[track_caller]
    pub(crate) fn is_refused(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        assert!(self.text.contains("error: ") && self.text.contains("hint: "), "{}", self.text);
        self.says(words)
    }

    /// It says all this.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.text.contains(word), "{word:?} is not in\n{}", self.text);
        }
        self
    }

    /// It went well.
    #[track_caller]
    pub(crate) fn is_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self
    }
}

/// Runs a command that must end by itself, and soon.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Told {
    run_with(command, Stdio::null())
}

/// Runs a command with an input.
#[track_caller]
pub(crate) fn run_with(command: &mut Command, input: Stdio) -> Told {
    let child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("a command");
    let process = Pid::from_child(&child);
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(PATIENCE) else {
        // It is there: nobody has waited for it.
        let _killed = kill_process(process, Signal::KILL);
        panic!("it does not end: {command:?}");
    };
    let output = output.expect("an output");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    Told { code: output.status.code(), text }
}

/// Runs `weft` with these words.
#[track_caller]
pub(crate) fn weft(device: &Device, words: &[&str]) -> Told {
    run(&mut device.command(words))
}

/// What `weft status` lists as pending: paths with reasons.
pub(crate) fn pending(person: &Person) -> Vec<(String, String)> {
    let status = person.status();
    let list = status.field("pending").as_array().cloned().unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    list.iter().map(|one| (word(&one["path"]), word(&one["reason"]))).collect()
}

/// Whether a path is pending for a reason that says this.
pub(crate) fn is_pending(person: &Person, path: &str, word: &str) -> bool {
    pending(person).iter().any(|(of, reason)| of == path && reason.contains(word))
}
