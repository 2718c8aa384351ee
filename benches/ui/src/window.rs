//! The real window of the real program, on a display that nobody sees and without a graphics card: from the start to the
//! first frame, a large file, memory with ten files open, and what it costs when nothing happens.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use weft_bench_report::Report;

const FILES: usize = 10_000;
const FILES_A_FOLDER: usize = 100;
const TEN: usize = 10;
const LINES_OF_AN_ORDINARY_FILE: usize = 1_000;
const LARGE_BYTES: usize = 50_000_000;
const STARTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing happens, after the caret has stopped blinking.
const IDLE: Duration = Duration::from_secs(20);
const SETTLED_AFTER: Duration = Duration::from_secs(14);

/// A process that does not outlive the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Measures it, when there is a program and a display to be had.
pub(super) fn measure(report: &mut Report) -> Result<(), String> {
    report.section(&format!("The real window, {FILES} files"));
    let Some(program) = std::env::var_os("WEFT_BIN") else {
        return Err("WEFT_BIN names no program".to_owned());
    };
    let root = std::env::temp_dir().join(format!("weft-bench-ui-{}", std::process::id()));
    let measured = at(report, Path::new(&program), &root);
    // What cannot be removed now lies in the folder for temporary files.
    let _left = fs::remove_dir_all(&root);
    measured
}

fn at(report: &mut Report, program: &Path, root: &Path) -> Result<(), String> {
    let place = Place { program: program.to_owned(), home: root.join("home"), folder: root.join("work") };
    place.make().map_err(|error| format!("the folder cannot be made: {error}"))?;
    let (_display, display) = display().map_err(|error| format!("there is no display: {error}"))?;
    starts(report, &place, &display)?;
    large(report, &place, &display)?;
    ten_files(report, &place, &display)
}

struct Place {
    program: PathBuf,
    home: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// A workspace of many small files, ten ordinary ones and a large one.
    fn make(&self) -> io::Result<()> {
        let small = super::text(60);
        for folder in 0..FILES / FILES_A_FOLDER {
            let folder = self.folder.join(format!("part-{folder:03}"));
            fs::create_dir_all(&folder)?;
            for file in 0..FILES_A_FOLDER {
                fs::write(folder.join(format!("module_{file:03}.rs")), &small)?;
            }
        }
        let ordinary = super::text(LINES_OF_AN_ORDINARY_FILE);
        for file in 0..TEN {
            fs::write(self.folder.join(name(file)), &ordinary)?;
        }
        let line =
            "2026-01-01T00:00:00Z INFO a line of a log as programs write them, neither short nor long\n";
        fs::write(self.folder.join("large.log"), line.repeat(LARGE_BYTES / line.len()))?;
        fs::create_dir_all(&self.home)?;
        let made = self.command(":none").args(["init", "."]).stdout(Stdio::null()).status()?;
        if made.success() { Ok(()) } else { Err(io::Error::other("`weft init` failed")) }
    }

    fn command(&self, display: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.folder)
            .env("WEFT_HOME", &self.home)
            .env("WEFT_KEY", "file")
            .env("DISPLAY", display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .stderr(Stdio::null());
        command
    }

    /// Opens the window with some tabs, the last of which is shown. Gives it with the moment before.
    fn open(&self, display: &str, tabs: &[String]) -> Result<(Running, u128), String> {
        let mut layout = String::from("weft layout 1\ngroup 1 focused\n");
        for (index, tab) in tabs.iter().enumerate() {
            let shown = if index + 1 == tabs.len() { " shown" } else { "" };
            layout.push_str(&format!("  tab{shown} /{tab}\n"));
        }
        let folder = self.folder.to_string_lossy();
        let state = format!("folder = {folder:?}\nwidth = 1280.0\nheight = 800.0\nlayout = {layout:?}\n");
        fs::write(self.home.join("window.toml"), state).map_err(|error| error.to_string())?;
        // Only what this window says is read.
        let _none = fs::remove_file(self.home.join("node.log"));
        let before = micros();
        let child = self.command(display).args(["open", "."]).spawn();
        Ok((Running(child.map_err(|error| error.to_string())?), before))
    }

    /// Waits for an event of the window and gives one of its fields.
    fn event(&self, message: &str, field: &str) -> Result<u128, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.home.join("node.log")).unwrap_or_default();
            let line = log.lines().find(|line| line.contains(&format!("\"message\":\"{message}\"")));
            if let Some(value) = line.and_then(|line| number(line, field)) {
                return Ok(value);
            }
            if Instant::now() > deadline {
                return Err(format!("the window did not say “{message}” in time"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The number behind a name in a line of JSON.
fn number(line: &str, name: &str) -> Option<u128> {
    let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
    rest.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

fn name(file: usize) -> String {
    format!("ordinary_{file}.rs")
}

fn micros() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()
}

/// A display with a number of its own.
fn display() -> io::Result<(Running, String)> {
    let number = 4_000 + std::process::id() % 3_000;
    let name = format!(":{number}");
    let server = Command::new("Xvfb")
        .args([&name, "-screen", "0", "1280x800x24", "+extension", "GLX", "-nolisten", "tcp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Running(server);
    let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
    let deadline = Instant::now() + PATIENCE;
    while !socket.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((server, name))
}

/// Processor time of a process, or of its first thread, which draws.
fn used(process: u32, only_drawing: bool) -> Duration {
    let path = match only_drawing {
        true => format!("/proc/{process}/task/{process}/stat"),
        false => format!("/proc/{process}/stat"),
    };
    let stat = fs::read_to_string(path).unwrap_or_default();
    // The name may hold anything; behind it fields are told apart by spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// A size that the system tells of a process, in bytes.
fn memory(process: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().find_map(|word| word.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

/// What is mapped of Mesa's software renderer, which is there only where no graphics card is: its files, in bytes. What it
/// compiles and draws into is counted as ours.
fn renderer(process: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_default();
    let (mut is_renderer, mut sum) = (false, 0);
    for line in maps.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if first.contains('-') {
            is_renderer =
                ["libLLVM", "/dri/", "libgallium", "libz3", "swrast"].iter().any(|name| line.contains(name));
        } else if is_renderer && first == "Rss:" {
            sum +=
                line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) * 1_024;
        }
    }
    sum
}

fn starts(report: &mut Report, place: &Place, display: &str) -> Result<(), String> {
    let (mut walls, mut costs, mut drawn) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (window, before) = place.open(display, &[])?;
        let at = place.event("first frame", "at_micros")?;
        walls.push(Duration::from_micros(u64::try_from(at.saturating_sub(before)).unwrap_or(u64::MAX)));
        drawn.push(used(window.0.id(), true));
        costs.push(used(window.0.id(), false));
    }
    for times in [&mut walls, &mut costs, &mut drawn] {
        times.sort_unstable();
    }
    report.time("from the start to the first frame, quickest of five", walls[0]);
    report.time("the same, median", walls[STARTS / 2]);
    report.time("processor time of all threads until it was seen, quickest", costs[0]);
    report.at_most("processor time of the drawing thread, milliseconds", super::millis(drawn[0]), 300.0);
    Ok(())
}

fn large(report: &mut Report, place: &Place, display: &str) -> Result<(), String> {
    let mut all = Vec::new();
    for _ in 0..STARTS {
        let (_window, _) = place.open(display, &["large.log".to_owned()])?;
        let micros = place.event("file shown", "micros")?;
        all.push(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)));
    }
    all.sort_unstable();
    report.time("50 MB, from asking at the start to its first page, quickest", all[0]);
    report.time("the same, median; the node starts meanwhile", all[STARTS / 2]);
    Ok(())
}

fn ten_files(report: &mut Report, place: &Place, display: &str) -> Result<(), String> {
    let (window, _) = place.open(display, &(0..TEN).map(name).collect::<Vec<_>>())?;
    place.event("file shown", "micros")?;
    let process = window.0.id();
    std::thread::sleep(Duration::from_secs(3));
    let alone = memory(process, "VmRSS:");
    let xdotool = |arguments: &[&str]| {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", display).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let id = xdotool(&["search", "--name", "Weft$"]).lines().next().unwrap_or_default().to_owned();
    xdotool(&["windowfocus", &id]);
    for _ in 0..TEN {
        std::thread::sleep(Duration::from_millis(700));
        xdotool(&["key", "--clearmodifiers", "ctrl+Next"]);
    }
    std::thread::sleep(SETTLED_AFTER);
    let log = fs::read_to_string(place.home.join("node.log")).unwrap_or_default();
    let shown = log.lines().filter(|line| line.contains("\"message\":\"file shown\"")).count();
    report.text("files that were shown", &shown.to_string());
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    report.text("memory with one file open", &megabytes(alone));
    let ten = memory(process, "VmRSS:");
    report.text("of which mapped files, such as programs and fonts", &megabytes(memory(process, "RssFile:")));
    let renderer = renderer(process);
    report.text("of which the program that stands in for a graphics card", &megabytes(renderer));
    report.text("memory with ten files open", &megabytes(ten));
    let own = ten.saturating_sub(renderer);
    report.at_most("the same without what stands in for the card, megabytes", own as f64 / 1e6, 200.0);
    let before = (used(process, false), used(process, true));
    std::thread::sleep(IDLE);
    let after = (used(process, false), used(process, true));
    let percent = |from: Duration, to: Duration| (to - from).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    report.text("all threads while nothing happens, percent", &format!("{:.2}", percent(before.0, after.0)));
    report.at_most("the drawing thread while nothing happens, percent", percent(before.1, after.1), 0.1);
    Ok(())
}
