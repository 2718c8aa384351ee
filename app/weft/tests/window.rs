//! The real window on a display that nobody sees, with real keys and a real node.

#![cfg(all(unix, feature = "desktop"))]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn has(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A display with a number of its own.
fn display() -> (Running, String) {
    let number = 200 + std::process::id() % 3_000;
    let name = format!(":{number}");
    let server = Command::new("Xvfb")
        .args([&name, "-screen", "0", "1280x800x24", "+extension", "GLX", "-nolisten", "tcp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb");
    let server = Running(server);
    let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
    eventually("the display", || socket.exists());
    (server, name)
}

struct Place {
    home: PathBuf,
    folder: PathBuf,
    display: String,
}

impl Place {
    fn weft(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("WEFT_HOME", &self.home)
            .env("WEFT_KEY", "file")
            .env("DISPLAY", &self.display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.weft(arguments).output().expect("weft")
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output().expect("xdotool");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn key(&self, key: &str) {
        self.xdotool(&["key", "--clearmodifiers", key]);
        std::thread::sleep(Duration::from_millis(400));
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

fn place(root: &Path, display: &str) -> Place {
    let folder = root.join("notes");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("plan.md"), "# Plan\n").expect("a file");
    Place { home: root.join("home"), folder, display: display.to_owned() }
}

#[test]
fn what_is_typed_in_the_window_is_in_the_file_and_edits_of_others_are_in_the_window() {
    if !has("Xvfb") || !has("xdotool") {
        eprintln!("skipped: Xvfb or xdotool is missing (apt-get install xvfb xdotool)");
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let (_server, display) = display();
    let place = place(root.path(), &display);
    let made = place.run(&["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut window = Running(place.weft(&["open", "."]).stderr(Stdio::piped()).spawn().expect("the window"));
    eventually("the window", || !place.xdotool(&["search", "--name", "Weft$"]).is_empty());
    // The node of the window answers commands.
    eventually("the node", || place.run(&["status", "--json"]).status.success());
    let id = place.xdotool(&["search", "--name", "Weft$"]).lines().next().unwrap_or_default().to_owned();
    // Without a window manager nobody else gives it the keys.
    place.xdotool(&["windowfocus", &id]);
    std::thread::sleep(Duration::from_millis(500));
    place.key("ctrl+p");
    place.xdotool(&["type", "--delay", "60", "plan"]);
    std::thread::sleep(Duration::from_millis(500));
    place.key("Return");
    eventually("the file in the title", || place.xdotool(&["getwindowname", &id]).starts_with("plan.md"));
    std::thread::sleep(Duration::from_millis(1_000));
    place.xdotool(&["type", "--delay", "60", "hello "]);
    eventually("the text on the disk", || place.file("plan.md").contains("hello # Plan"));
    // Another program edits; the window takes it, and its own undo leaves it alone.
    let edited = place.run(&["edit", "plan.md", "--insert", "0", "first ", "--json"]);
    assert!(edited.status.success(), "{}", String::from_utf8_lossy(&edited.stderr));
    std::thread::sleep(Duration::from_millis(1_000));
    // The space is a step of its own.
    place.key("ctrl+z");
    place.key("ctrl+z");
    eventually("what was taken back", || {
        place.file("plan.md").starts_with("first ") && !place.file("plan.md").contains("hello")
    });
    place.key("ctrl+q");
    eventually("the end of the window", || window.0.try_wait().is_ok_and(|status| status.is_some()));
    assert!(window.0.wait().expect("its end").success());
    assert!(place.home.join("window.toml").exists(), "the state of the window is kept");
}

#[test]
fn without_a_display_there_is_a_sentence_and_a_hint() {
    let root = tempfile::tempdir().expect("a folder");
    let place = place(root.path(), "");
    let output = place.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("there is no display") && told.contains("hint"), "{told}");
    assert!(place.run(&["--help"]).status.success());
}

#[test]
fn a_display_that_does_not_answer_is_told_too() {
    let root = tempfile::tempdir().expect("a folder");
    let place = place(root.path(), ":29999");
    let output = place.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot be opened") && told.contains("hint"), "{told}");
}
