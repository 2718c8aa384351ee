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

    /// A command that must succeed; gives the JSON that it prints.
    fn answer(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Opens the window at a place of the display and gives its number, once its node answers.
    fn open(&self, x: u32, others: &[String]) -> (Running, String) {
        let window = Running(self.weft(&["open", "."]).stderr(Stdio::null()).spawn().expect("the window"));
        let mut id = String::new();
        eventually("the window", || {
            let ids = self.xdotool(&["search", "--name", "Weft$"]);
            let new = ids.lines().find(|one| !others.iter().any(|other| other == one));
            id = new.unwrap_or_default().to_owned();
            !id.is_empty()
        });
        eventually("the node", || self.run(&["status", "--json"]).status.success());
        self.xdotool(&["windowsize", &id, "640", "800"]);
        self.xdotool(&["windowmove", &id, &x.to_string(), "0"]);
        (window, id)
    }

    /// Gives a window the keys, without a window manager.
    fn focus(&self, id: &str) {
        self.xdotool(&["windowfocus", id]);
        std::thread::sleep(Duration::from_millis(400));
    }

    fn type_text(&self, text: &str) {
        self.xdotool(&["type", "--delay", "60", text]);
    }

    /// Opens the plan by its name.
    fn open_plan(&self, id: &str) {
        self.focus(id);
        self.key("ctrl+p");
        self.type_text("plan");
        std::thread::sleep(Duration::from_millis(500));
        self.key("Return");
        eventually("the file in the title", || self.xdotool(&["getwindowname", id]).starts_with("plan.md"));
        std::thread::sleep(Duration::from_millis(800));
    }

    /// The colours of a part of the display, most frequent first, as `import` and `convert` tell them.
    fn colours(&self, id: &str) -> Vec<(usize, String)> {
        let script =
            format!("import -window {id} png:- | convert png:- -depth 8 -format %c histogram:info:-");
        let output = Command::new("sh").args(["-c", &script]).env("DISPLAY", &self.display).output();
        let told =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let lines = told.lines().filter_map(|line| {
            let (count, rest) = line.trim().split_once(':')?;
            let colour = rest.split_whitespace().find(|word| word.starts_with('#'))?;
            Some((count.trim().parse().ok()?, colour.get(..7)?.to_owned()))
        });
        lines.collect()
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

/// A folder with a plan, and a home that is not made yet.
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

/// The value of a field of JSON, where its name is there once.
fn field(json: &str, name: &str) -> String {
    let rest = json.split(&format!("\"{name}\":")).nth(1).unwrap_or_default().trim_start();
    rest.trim_start_matches('"').split(['"', ',', '}']).next().unwrap_or_default().to_owned()
}

#[test]
fn two_windows_write_one_file_side_by_side() {
    if !["Xvfb", "xdotool", "import", "convert"].into_iter().all(has) {
        eprintln!(
            "skipped: Xvfb, xdotool or ImageMagick is missing (apt-get install xvfb xdotool imagemagick)"
        );
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let (_server, display) = display();
    let ana = place(&root.path().join("ana"), &display);
    let ben = Place { home: root.path().join("ben/home"), folder: root.path().join("ben/notes"), display };
    fs::create_dir_all(&ben.folder).expect("a folder");
    for place in [&ana, &ben] {
        fs::create_dir_all(&place.home).expect("a folder");
        // A caret that stands still, and names that stay, make a picture that can be compared.
        let settings =
            "[editor]\ncaret_blink = false\n[people]\nname_seconds = 60\n[window]\ntheme = \"dark\"\n";
        fs::write(place.home.join("settings.toml"), settings).expect("settings");
    }
    ana.answer(&["init", "--json"]);
    let (_ana_window, of_ana) = ana.open(0, &[]);
    let ticket = field(&ana.answer(&["share", "--yes", "--json"]), "ticket");
    ben.answer(&["join", &ticket, ".", "--yes", "--json"]);
    let (_ben_window, of_ben) = ben.open(640, std::slice::from_ref(&of_ana));
    eventually("both connected", || ana.answer(&["peers", "--json"]).contains("\"connected\":true"));
    ana.open_plan(&of_ana);
    let alone = ana.colours(&of_ana);
    ben.open_plan(&of_ben);

    // What one types is in the other's folder, and in the other's window: their undo works on it.
    ben.key("ctrl+End");
    ben.type_text("from ben");
    eventually("ben's words at ana", || ana.file("plan.md").ends_with("from ben"));
    // His cursor is seen: there is more of the colour that his disc at the bottom has, as much as a name takes.
    let is_colourful = |colour: &str| {
        let parts: Vec<u8> =
            (1..7).step_by(2).filter_map(|at| u8::from_str_radix(&colour[at..at + 2], 16).ok()).collect();
        parts.iter().max().zip(parts.iter().min()).is_some_and(|(most, least)| most - least > 60)
    };
    let has_grown = |(count, colour): &(usize, String)| {
        let before = alone.iter().find(|(_, other)| other == colour).map_or(0, |(before, _)| *before);
        before > 100 && *count > before + 250 && is_colourful(colour)
    };
    eventually("ben's cursor in ana's window", || ana.colours(&of_ana).iter().any(has_grown));

    ana.focus(&of_ana);
    ana.key("ctrl+Home");
    ana.type_text("ana");
    eventually("ana's word at ben", || ben.file("plan.md").starts_with("ana# Plan"));
    ben.focus(&of_ben);
    ben.type_text("!");
    eventually("ben goes on behind his words", || ana.file("plan.md").ends_with("from ben!"));
    // Undo takes back what is one's own and leaves what the other wrote, in both windows.
    ana.focus(&of_ana);
    ana.key("ctrl+z");
    eventually("ana's word is taken back", || ben.file("plan.md").starts_with("# Plan"));
    assert!(ana.file("plan.md").contains("from ben!"), "{}", ana.file("plan.md"));
    for _ in 0..3 {
        ana.key("ctrl+z");
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(ana.file("plan.md").ends_with("from ben!"), "{}", ana.file("plan.md"));
    assert_eq!(ana.file("plan.md"), ben.file("plan.md"));
    for (place, id) in [(&ana, &of_ana), (&ben, &of_ben)] {
        place.focus(id);
        place.key("ctrl+q");
    }
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
