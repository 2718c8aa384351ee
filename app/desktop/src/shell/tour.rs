//! Pictures of every page of the window, with a node that is only pretended: for looking at them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use eframe::egui::{self, ColorImage, ScreenshotCallback, Ui, ViewportCommand};
use serde_json::json;
use weft_editor::{AppCommand, Command, search::Query, window::Entry};
use weft_node::api::{
    ApiError, CursorPosition, DocumentCursors, MembersList, Presence, PresentDevice, Progress, RemoteCursor,
    SearchKind, Stage,
};

use super::Shell;
use crate::{
    link::{
        AiAsk, AiNews, Asking, FarEnd, FolderMatch, FolderQuery, FromLink, Link, ModelWork, Picture, ToLink,
    },
    state::{FoundRow, HunkState, Naming, Overlay, OverlayKind, Page, SavedState, Task},
    system_fonts::BundledPictures,
    tokens,
};

/// The size of the window in points.
const SIZE: [f32; 2] = [1_200.0, 760.0];
/// Frames that a scene gets before it is pictured: panels find their sizes, and fonts come.
const FRAMES: usize = 6;
const ROOT: &str = "/home/ana/river";

/// A page with its name.
type Scene = (&'static str, fn(&mut Tour));

/// Says why there are no pictures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TourError {
    /// There is no window.
    #[error("the window cannot be opened: {0}")]
    Window(String),
    /// A picture cannot be kept.
    #[error("a picture cannot be kept: {0}")]
    Picture(String),
}

/// Pictures every page in the dark and the light theme into a folder, `scale` pixels for each point.
///
/// # Errors
/// When there is no display, or the folder cannot be written to.
pub fn screenshots(folder: &Path, scale: f32) -> Result<(), TourError> {
    let failure = Arc::new(Mutex::new(None));
    let (told, folder) = (Arc::clone(&failure), folder.to_owned());
    let size = [SIZE[0] * scale, SIZE[1] * scale];
    let viewport = egui::ViewportBuilder::default().with_inner_size(size).with_decorations(false);
    let native = eframe::NativeOptions { viewport, ..Default::default() };
    let created: eframe::AppCreator<'_> = Box::new(move |creation| {
        creation.egui_ctx.set_fonts(tokens::fonts());
        // None of the system's: pictures look the same on every machine.
        creation.egui_ctx.add_font_provider(Arc::new(BundledPictures));
        Ok(Box::new(Tour::new(folder, scale, told)))
    });
    eframe::run_native("Weft", native, created).map_err(|error| TourError::Window(error.to_string()))?;
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), |why| Err(TourError::Picture(why)))
}

struct Tour {
    shell: Shell,
    far: FarEnd,
    files: BTreeMap<String, String>,
    numbers: BTreeMap<String, u64>,
    folder: PathBuf,
    scale: f32,
    /// The scene and the theme that are shown, and for how many frames.
    at: usize,
    frames: usize,
    is_pending: bool,
    taken: Arc<Mutex<Option<Arc<ColorImage>>>>,
    failure: Arc<Mutex<Option<String>>>,
}

const SCENES: &[Scene] = &[
    ("first-page", |_| {}),
    ("first-open", |tour| tour.shell.drafts.first_page = crate::panels::FirstPage::OpenFolder),
    ("first-join", Tour::joining),
    ("first-link", Tour::linking),
    ("plain-folder", Tour::plain_folder),
    ("empty", Tour::shared),
    ("editor", Tour::editing),
    ("split-find", Tour::splitting),
    ("palette", |tour| tour.over("src/flow.rs", OverlayKind::Palette, "")),
    ("quick-open", |tour| tour.over("src/flow.rs", OverlayKind::QuickOpen, "ma")),
    ("languages", |tour| tour.over("src/flow.rs", OverlayKind::Languages, "")),
    ("search", Tour::searching),
    ("replace", Tour::replacing),
    ("share", Tour::sharing),
    ("members", Tour::members),
    ("devices", Tour::devices),
    ("sync", |tour| tour.page(Page::Sync)),
    ("history", Tour::history),
    ("settings", |tour| tour.page(Page::Settings)),
    ("preview", Tour::preview),
    ("picture", Tour::picture),
    ("failed", Tour::failing),
    ("naming", Tour::naming),
    ("blame", Tour::blame),
    ("ghost", Tour::ghost),
    ("chat-empty", Tour::chat_without_model),
    ("chat", Tour::chat),
    ("chat-confirm", Tour::chat_to_server),
    ("proposal", Tour::proposal),
    ("chat-templates", Tour::chat_templates),
    ("chat-earlier", Tour::earlier_conversations),
    ("models", Tour::models_page),
    ("models-empty", Tour::models_page_without),
    ("models-servers", Tour::models_servers),
    ("models-work", Tour::models_work),
];
const THEMES: [&str; 2] = ["dark", "light"];

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("a value of the node's shape")
}

fn files() -> BTreeMap<String, String> {
    let flow = include_str!("tour/flow.rs.txt").to_owned();
    let readme = include_str!("tour/readme.md.txt").to_owned();
    let more =
        ["src/basin.rs", "src/main.rs", "docs/guide.md", "docs/method.md", "data/gauges.csv", "Cargo.toml"];
    let mut files: BTreeMap<String, String> =
        more.iter().map(|path| ((*path).to_owned(), "one\ntwo\nthree\n".to_owned())).collect();
    files.insert("src/flow.rs".to_owned(), flow);
    files.insert("README.md".to_owned(), readme);
    files.insert("map.png".to_owned(), String::new());
    files
}

impl Tour {
    fn new(folder: PathBuf, scale: f32, failure: Arc<Mutex<Option<String>>>) -> Self {
        let (link, far) = Link::pair();
        let shell = Shell::new(link, Path::new("/home/ana/.local/share/weft"), &SavedState::default(), None);
        let mut tour = Self {
            shell,
            far,
            files: files(),
            numbers: BTreeMap::new(),
            folder,
            scale,
            at: 0,
            frames: 0,
            is_pending: false,
            taken: Arc::default(),
            failure,
        };
        tour.begin();
        tour
    }

    /// Begins a scene in a new window.
    fn begin(&mut self) {
        let (link, far) = Link::pair();
        let home = Path::new("/home/ana/.local/share/weft");
        let saved = SavedState { zoom: self.scale, ..SavedState::default() };
        (self.shell, self.far) = (Shell::new(link, home, &saved, None), far);
        self.shell.drafts.folder = "/home/ana/".to_owned();
        self.shell.drafts.target = "/home/ana/river".to_owned();
        self.numbers.clear();
        self.frames = 0;
        let theme = THEMES[self.at % THEMES.len()];
        let settings = format!(
            "[editor]\ncaret_blink = false\n[people]\nname_seconds = 60\n[window]\ntheme = \"{theme}\"\n"
        );
        self.tell(FromLink::Connected { is_own: true });
        self.tell(FromLink::SettingsRead { settings, keys: String::new() });
        SCENES[self.at / THEMES.len()].1(self);
        self.answer();
    }

    fn tell(&mut self, news: FromLink) {
        self.shell.apply(news);
        self.answer();
    }

    /// What the other thread would do.
    fn answer(&mut self) {
        for _ in 0..100 {
            let Ok(request) = self.far.asked.try_recv() else { return };
            let news = match request {
                ToLink::ReadFolder(path) => FromLink::FolderRead { result: Ok(self.entries(&path)), path },
                ToLink::ListFiles => FromLink::Listed(self.files.keys().cloned().collect()),
                ToLink::OpenDocument { path, .. } => {
                    let number = self.numbers.len() as u64 + 1;
                    self.numbers.insert(path.clone(), number);
                    let text = self.files.get(&path).cloned();
                    let missing = || {
                        ApiError::usage(format!("{path} is no text that can be edited together"))
                            .hint("change it with its own program; the whole file is shared")
                    };
                    let result = text.map(|text| (number, text, 0)).ok_or_else(missing);
                    FromLink::Opened { path, result }
                }
                ToLink::Parse { path, job } => match job.run(&mut || false) {
                    Some(parsed) => FromLink::Parsed { path, parsed: Box::new(parsed) },
                    None => continue,
                },
                ToLink::Outline { of, tree, buffer } => {
                    FromLink::Outlined { items: tree.outline(buffer.rope()), of }
                }
                _ => continue,
            };
            self.shell.apply(news);
        }
    }

    fn entries(&self, folder: &str) -> Vec<Entry> {
        let above = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.files.keys().filter_map(|path| path.strip_prefix(&above));
        let mut entries: Vec<Entry> = below
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => Entry { name: name.to_owned(), is_folder: true },
                None => Entry { name: rest.to_owned(), is_folder: false },
            })
            .collect();
        entries.dedup();
        entries
    }

    // Scenes.

    fn joining(&mut self) {
        self.shell.drafts.first_page = crate::panels::FirstPage::Join;
        self.shell.drafts.ticket = TICKET.to_owned();
        self.tell(FromLink::JoinPreview(Ok(of(json!({
            "workspace": "w", "name": "River", "role": "editor", "inviter": "ben", "inviter_name": "Ben Okafor",
            "fingerprint": SIGNS, "folder": ROOT, "files": 148, "bytes": 2_400_000, "here": 0,
        })))));
    }

    fn linking(&mut self) {
        self.shell.drafts.first_page = crate::panels::FirstPage::LinkDevice;
        self.shell.drafts.ticket = TICKET.to_owned();
        self.shell.drafts.target = "/home/ana".to_owned();
        self.tell(FromLink::AcceptPreview(Ok(of(json!({
            "user": "me", "user_name": "Ana", "by": "laptop", "fingerprint": SIGNS,
            "workspaces": [
                { "workspace": "w", "name": "River", "folder": ROOT, "files": 148, "bytes": 2_400_000 },
                { "workspace": "v", "name": "Letters", "folder": "/home/ana/letters", "files": 12, "bytes": 90_000 },
            ],
        })))));
    }

    fn plain_folder(&mut self) {
        self.tell(FromLink::FolderFound(Ok(ROOT.into())));
        self.tell(FromLink::Status(Err(ApiError::not_found("/home/ana/river is in no workspace"))));
    }

    fn shared(&mut self) {
        self.tell(FromLink::FolderFound(Ok(ROOT.into())));
        let peer = |user: &str, name: &str, connected: bool, has_all: bool, missing: u64| {
            json!({ "user": user, "user_name": name, "device": format!("{user}-1"), "device_name": "laptop",
                "connected": connected, "path": if connected { json!("direct") } else { json!(null) },
                "has_all_mine": has_all, "missing": missing })
        };
        self.tell(FromLink::Status(Ok(of(json!({
            "workspace": "w", "name": "River", "folder": ROOT, "user": "me", "user_name": "Ana", "device": "d",
            "role": "owner", "digest": "1", "frontier": {}, "files": 148, "kept_by": [],
            "peers": [
                peer("ben", "Ben Okafor", true, true, 0),
                peer("carla", "Carla Ruiz", true, false, 12),
                peer("deniz", "Deniz Kaya", false, false, 31),
            ],
            "pending": [{ "path": "data/run.lock", "reason": "is a pipe, which is not shared" }],
        })))));
        let device = |user: &str, name: &str, file: Option<&str>| PresentDevice {
            device: format!("{user}-1"),
            device_name: Some("laptop".to_owned()),
            user: user.to_owned(),
            user_name: Some(name.to_owned()),
            is_own: false,
            file: file.map(str::to_owned),
        };
        let devices = vec![
            device("ben", "Ben Okafor", Some("src/flow.rs")),
            device("carla", "Carla Ruiz", Some("docs/guide.md")),
        ];
        self.tell(FromLink::Presence(Presence { workspace: "w".to_owned(), users: Vec::new(), devices }));
    }

    fn open(&mut self, path: &str) {
        if self.shell.state.folder.is_none() {
            self.shared();
        }
        self.shell.open_file(path, false, None);
        self.answer();
    }

    fn editing(&mut self) {
        self.open("src/flow.rs");
        let cursor = |user: &str, name: &str, anchor: u64, head: u64| RemoteCursor {
            user: user.to_owned(),
            user_name: Some(name.to_owned()),
            device: format!("{user}-1"),
            cursor: CursorPosition { head, anchor },
            others: Vec::new(),
        };
        let cursors = vec![cursor("ben", "Ben Okafor", 512, 512), cursor("carla", "Carla Ruiz", 905, 960)];
        self.tell(FromLink::Cursors(DocumentCursors { document: 1, revision: 0, cursors }));
    }

    fn splitting(&mut self) {
        self.editing();
        let layout = self.shell.state.folder.as_mut().map(|folder| &mut folder.layout);
        layout.map(|layout| layout.split(weft_editor::window::Axis::Row));
        self.open("README.md");
        self.shell.state.find.set_query(Query { text: "the".to_owned(), ..Query::default() });
        self.shell.state.find.open(true);
    }

    fn over(&mut self, path: &str, kind: OverlayKind, query: &str) {
        self.open(path);
        self.shell.state.overlay = Some(Overlay::new(kind, query));
        super::news::restart_ranking(&mut self.shell.state);
    }

    fn searching(&mut self) {
        self.editing();
        self.shell.state.shows_search = true;
        let query = FolderQuery { text: "gauge".to_owned(), ..FolderQuery::default() };
        self.shell.drafts.search = query.clone();
        let found = |path: &str, line: usize, text: &str| {
            let column = text.to_lowercase().find("gauge").unwrap_or(0);
            let range = column..column + 5;
            FolderMatch {
                path: path.to_owned(),
                line,
                column,
                text: text.to_owned(),
                range,
                ..FolderMatch::default()
            }
        };
        self.shell.state.search.query = query;
        let about = FolderMatch {
            why: "words, meaning".to_owned(),
            place: Some("Reading a station".to_owned()),
            ..found("docs/method.md", 4, "Each gauge is read every ten minutes.")
        };
        self.shell.state.search.matches = vec![
            found("src/flow.rs", 8, "/// A gauge and what it showed last."),
            FolderMatch { why: "type".to_owned(), ..found("src/flow.rs", 10, "pub struct Gauge {") },
            found("src/flow.rs", 20, "    pub fn add(&mut self, gauge: Gauge) {"),
            about,
        ];
        self.shell.state.search.selected = Some(FoundRow::Place(1));
    }

    fn replacing(&mut self) {
        self.searching();
        let query =
            FolderQuery { text: "gauge".to_owned(), kind: SearchKind::Text, ..FolderQuery::default() };
        self.shell.drafts.search = query.clone();
        self.shell.drafts.replacement = Some("station".to_owned());
        let preview = of(json!({
            "files": [
                { "path": "docs/method.md", "version": "1", "matches": 1, "has_more": false, "lines": [
                    { "line": 5, "old": "Each gauge is read every ten minutes.", "new": "Each station is read every ten minutes." },
                ] },
                { "path": "src/flow.rs", "version": "2", "matches": 2, "has_more": false, "lines": [
                    { "line": 9, "old": "/// A gauge and what it showed last.", "new": "/// A station and what it showed last." },
                    { "line": 21, "old": "    pub fn add(&mut self, gauge: Gauge) {", "new": "    pub fn add(&mut self, station: station) {" },
                ] },
            ],
            "has_more": false,
            "left_out": [{ "path": "report.pdf", "why": "a document is found and not replaced" }],
        }));
        let replacing = &mut self.shell.state.search.replacing;
        (replacing.query, replacing.preview) = (query, crate::remote::Remote::Ready(preview));
    }

    fn page(&mut self, page: Page) {
        self.editing();
        self.shell.show_page(Some(page));
        self.answer();
    }

    fn sharing(&mut self) {
        self.page(Page::Share);
        let expires = "2026-11-23T12:00:00Z";
        self.tell(FromLink::Share(Ok(of(json!({
            "ticket": TICKET, "role": "editor", "expires": expires, "uses": 1, "id": "1", "workspace": "w", "name": "River",
        })))));
        self.tell(FromLink::Invitations(Ok(of(json!({ "invitations": [{
            "id": "1", "role": "editor", "expires": expires, "uses_left": 1, "workspace": "w", "workspace_name": "River",
            "waiting": [{ "user": "eli", "fingerprint": SIGNS, "name": "Eli", "device_name": "desk" }],
        }] })))));
    }

    fn members(&mut self) {
        self.page(Page::Members);
        let device = |name: &str, is_this: bool, missing: u64| {
            json!({ "device": name, "name": name, "is_this": is_this, "last_contact": "2026-11-22T11:00:00Z",
                "has_all_mine": missing == 0, "missing": missing })
        };
        let list: MembersList = of(json!({ "members": [
            { "user": "me", "name": "Ana", "role": "owner", "is_me": true, "devices": [device("laptop", true, 0), device("phone", false, 0)] },
            { "user": "ben", "name": "Ben Okafor", "role": "editor", "is_me": false, "devices": [device("laptop", false, 0)] },
            { "user": "deniz", "name": "Deniz Kaya", "role": "viewer", "is_me": false, "devices": [device("office", false, 31)] },
        ] }));
        self.tell(FromLink::Members(Ok(list)));
    }

    fn devices(&mut self) {
        self.page(Page::Devices);
        self.tell(FromLink::Devices(Ok(of(json!({
            "user": "me", "user_name": "Ana", "user_key": "here-and-on-paper", "devices": [
                { "device": "d1", "name": "laptop", "is_this": true, "last_contact": null, "workspaces": ["River", "Letters"], "has_all_mine": true, "missing": 0 },
                { "device": "d2", "name": "phone", "is_this": false, "last_contact": "2026-11-22T11:00:00Z", "workspaces": ["River"], "has_all_mine": false, "missing": 4 },
            ],
        })))));
        let words = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful \
                     legal winner thank year wave sausage worth title";
        let words: Vec<&str> = words.split_whitespace().collect();
        self.tell(FromLink::RecoveryWords(Ok(of(json!({ "words": words, "keepers": [] })))));
    }

    fn history(&mut self) {
        self.page(Page::History);
        let version = |id: &str, user: &str, name: &str, inserted: u64, deleted: u64| {
            json!({ "version": id, "time": "2026-11-22T10:00:00Z", "user": user, "user_name": name, "device": "d",
                "origin": "human", "inserted": inserted, "deleted": deleted })
        };
        let path = "src/flow.rs".to_owned();
        self.tell(FromLink::History {
            path: path.clone(),
            result: Ok(of(json!({ "versions": [
                version("v4", "ben", "Ben Okafor", 41, 3),
                version("v3", "me", "Ana", 128, 0),
                version("v2", "carla", "Carla Ruiz", 12, 77),
                version("v1", "me", "Ana", 1_040, 0),
            ] }))),
        });
        self.shell.show_past(Some("v2".to_owned()));
        let old = self.files.get(&path).map(|text| text.replace("mean", "average")).unwrap_or_default();
        self.tell(FromLink::Past {
            path,
            at: "v2".to_owned(),
            result: Ok(of(json!({ "text": old, "heads": [] }))),
        });
    }

    fn preview(&mut self) {
        self.open("README.md");
        self.shell.toggle_preview();
    }

    fn picture(&mut self) {
        self.open("map.png");
        let side = 160;
        let point = |index: usize| {
            let (x, y) = (index % side, index / side);
            let is_river = (x as f32 * 0.07).sin() * 18.0 + 80.0 - y as f32;
            match is_river.abs() {
                near if near < 7.0 => egui::Color32::from_rgb(70, 140, 220),
                near if near < 20.0 => egui::Color32::from_rgb(120, 170, 100),
                _ if y < 20 => egui::Color32::TRANSPARENT,
                _ => egui::Color32::from_rgb(205, 200, 170),
            }
        };
        let points: Vec<egui::Color32> = (0..side * side).map(point).collect();
        let image = Arc::new(ColorImage::new([side, side], points));
        let picture = Picture { image, size: [640, 640], bytes: 48_213 };
        self.tell(FromLink::Picture { path: "map.png".to_owned(), result: Ok(picture) });
    }

    fn failing(&mut self) {
        self.shared();
        self.shell.open_file("data/run.bin", false, None);
        self.answer();
        self.shell.state.notice("Eli waits to be let in", Some("“Share…” shows the signs to compare"), false);
        self.shell.state.notice("The file was not made: a.rs is there already", None, true);
    }

    fn naming(&mut self) {
        self.editing();
        if let Some(folder) = &mut self.shell.state.folder {
            folder.naming = Some(Naming::File("src".to_owned()));
            folder.deleting = Some("docs/method.md".to_owned());
            folder.following = Some(crate::state::Following {
                device: "ben-1".to_owned(),
                seen: Some(("src/flow.rs".to_owned(), 512)),
            });
        }
        self.shell.drafts.name = "weir.rs".to_owned();
    }

    fn blame(&mut self) {
        self.editing();
        let people = [("me", "Ana"), ("ben", "Ben Okafor"), ("carla", "Carla Ruiz")];
        let text = self.files["src/flow.rs"].clone();
        let lines = text.lines().enumerate().map(|(line, text)| {
            let (user, name) = people[line / 5 % people.len()];
            json!({ "line": line + 1, "text": text, "user": user, "user_name": name, "device": "d", "origin": "human",
                "version": "v", "time": "2026-11-21T10:00:00Z" })
        });
        let lines: Vec<_> = lines.collect();
        let ctx = egui::Context::default();
        self.shell.run(&ctx, Command::App(AppCommand::ToggleBlame));
        let result = Ok(of(json!({ "lines": lines })));
        self.tell(FromLink::Blame { path: "src/flow.rs".to_owned(), result });
    }

    fn ghost(&mut self) {
        self.open("src/flow.rs");
        let folder = self.shell.state.folder.as_mut();
        if let Some((document, view)) = folder.and_then(crate::state::Folder::active_mut) {
            document.go_to(view, 23.into(), 5);
            document.type_text(view, "\n\n    pub fn highest");
            document.expect_ghost(view, 1);
            let text = "(&self) -> Option<&Gauge> {\n        self.gauges.values().max_by(|one, two| one.level.total_cmp(&two.level))\n    }";
            document.offer_ghost(1, text, "qwen2.5-coder-1.5b");
        }
        self.shell.keys.wants_editor_focus = true;
    }

    fn models(&mut self, chosen_for: &[&str]) {
        self.page(Page::Chat);
        let model = json!({ "id": "qwen2.5-coder-1.5b", "roles": chosen_for, "chosen_for": chosen_for,
            "bytes": 1_100_000_000, "sha256": "", "context_tokens": 32_768, "parameters": 1_500_000_000_u64, "source": "",
            "fits": true, "why": "", "is_loaded": true });
        let models = of(json!({ "models": if chosen_for.is_empty() { json!([]) } else { json!([model]) } }));
        let servers = of(json!({ "providers": [] }));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Models(Ok((models, servers))) });
    }

    /// The names of the templates, as they are offered at the start of the field.
    fn chat_templates(&mut self) {
        self.models(&["chat"]);
        let template =
            |name: &str, kind: &str| json!({ "name": name, "text": "", "kind": kind, "file": null });
        let list = of(json!({ "folder": "/home/ana", "templates": [
            template("document", "change"), template("explain", "words"), template("fix", "change"),
            template("generate", "change"), template("refactor", "change"), template("review", "words"),
            template("test", "change"),
        ] }));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Templates(Ok(list)) });
        self.shell.choose_template();
    }

    fn earlier(&mut self) {
        let head = |id: u64, title: &str, changed: &str, turns: u64| json!({ "id": id, "title": title, "changed": changed, "turns": turns });
        let list = of(json!({ "conversations": [
            head(3, "what does @src/flow.rs take for the flow of a gauge?", "2026-11-22T21:00:00Z", 4),
            head(2, "a test for the mean in @src/flow.rs, and say so in @README.md", "2026-11-22T09:00:00Z", 1),
            head(1, "/explain src/basin.rs:12-40", "2026-11-19T09:00:00Z", 2),
        ] }));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Conversations(Ok(list)) });
        self.shell.state.ai.keeping.deleting = Some(2);
    }

    fn earlier_conversations(&mut self) {
        self.models(&["chat"]);
        self.earlier();
    }

    fn models_known(&mut self, models: serde_json::Value, servers: serde_json::Value, is_local: bool) {
        self.page(Page::Models);
        let known = (of(json!({ "models": models })), of(json!({ "providers": servers })));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Models(Ok(known)) });
        let report = of(json!({ "cores": 8, "threads": 4, "memory_bytes": 16_600_000_000_u64,
            "memory_free_bytes": 9_200_000_000_u64, "backends": [], "models": [],
            "advice": "Models with up to about 12 billion parameters in 4 bits (Q4_K_M) fit now; on a processor those \
                with up to 3 billion answer quickly." }));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Hardware(Ok(Box::new(report))) });
        let policies = json!({ "branch_switch": "hold", "ai_local_only": is_local });
        self.tell(FromLink::Ai { number: 0, news: AiNews::Policies(Ok(of(policies))) });
    }

    fn models_page(&mut self) {
        let model = |id: &str, roles: &[&str], chosen: &[&str], bytes: u64, parameters: u64| {
            json!({ "id": id, "roles": roles, "chosen_for": chosen, "bytes": bytes, "sha256": "a5fd3b62230aa5ec".repeat(4),
                "context_tokens": 32_768, "parameters": parameters, "license": "apache-2.0", "source": format!("{id}.gguf"),
                "shared_in": [], "fits": true, "why": "fits: it needs 1.9 GB with 8,192 tokens, and 9.2 GB are free",
                "is_loaded": chosen.contains(&"chat") })
        };
        let coder = model(
            "qwen2.5-coder-1.5b",
            &["completion", "chat"],
            &["completion", "chat"],
            1_100_000_000,
            1_500_000_000,
        );
        let mut large = model("llama-3.3-70b", &["completion", "chat"], &[], 42_000_000_000, 70_000_000_000);
        large["fits"] = json!(false);
        large["why"] = json!("needs 44 GB, and 9.2 GB are free");
        let meaning = model("all-minilm-l6-v2", &["embedding"], &["embedding"], 25_300_000, 22_700_000);
        self.models_known(json!([coder, large, meaning]), json!([]), false);
    }

    fn models_page_without(&mut self) {
        self.models_known(json!([]), json!([]), false);
    }

    fn models_servers(&mut self) {
        let server = json!({ "id": "lab", "kind": "openai", "url": "http://10.0.0.7:11434/v1", "model": "qwen2.5-coder:32b",
            "has_key": true, "patience_seconds": 60, "chosen_for": ["chat"], "confirmed": ["River"] });
        self.models_known(json!([]), json!([server]), false);
        // The whole of a long page.
        self.shell.state.zoom = 0.6 * self.scale;
        self.shell.drafts.models.server = Some(crate::panels::ServerDraft::default());
        let holder = json!([{ "user_name": "Ben Okafor", "device_name": "desk" }]);
        let offer = json!({ "id": "qwen2.5-coder-7b", "sha256": "cd", "bytes": 4_700_000_000_u64, "roles": ["chat"],
            "license": "apache-2.0", "holders": holder, "is_here": false });
        let offered = of(json!({ "models": [offer], "devices_asked": 2 }));
        self.tell(FromLink::Ai { number: 0, news: AiNews::Offers(Ok(offered)) });
    }

    fn models_work(&mut self) {
        self.models_known(json!([]), json!([]), true);
        let url = "https://models.example.org/qwen2.5-coder-1.5b-q4_k_m.gguf".to_owned();
        let page = &mut self.shell.state.ai.page;
        page.begin(8, &ModelWork::Download { url, sha256: None });
        page.begin(9, &ModelWork::Verify("all-minilm-l6-v2".to_owned()));
        let progress =
            Progress { done: 431_000_000, total: Some(1_100_000_000), ..Progress::new(Stage::Receive) };
        self.tell(FromLink::Ai { number: 8, news: AiNews::Progress(progress) });
        let error = ApiError::failed("all-minilm-l6-v2: its file has another SHA-256 than when it came")
            .hint("remove it and take it in again");
        self.tell(FromLink::Ai { number: 9, news: AiNews::Done(Err(error)) });
        self.shell.drafts.models.place = "https://models.example.org/other.gguf".to_owned();
        self.shell.drafts.models.sha256 = "a5fd3b".to_owned();
    }

    fn chat_without_model(&mut self) {
        self.models(&[]);
    }

    /// Begins a turn.
    fn said(&mut self, task: Task, text: &str) -> u64 {
        self.shell.drafts.chat.task = task;
        let ask = AiAsk::Change { instruction: String::new(), selection: None, asking: Asking::default() };
        self.shell.state.ai.begin(text, task, ask)
    }

    fn chat(&mut self) {
        self.models(&["chat", "completion"]);
        let number = self.said(Task::Ask, "what does @src/flow.rs take for the flow of a gauge?");
        let text = "A power of its **level**: `12.4 * level^(5/3)`, after Manning's formula for a wide, shallow bed \
            (src/flow.rs:28-30).\n\n- a gauge that nobody has read gives `None`\n- the mean leaves such gauges out";
        let answer =
            of(json!({ "text": text, "model": "qwen2.5-coder-1.5b", "finish": "end", "prompt_tokens": 1,
            "reused_tokens": 0, "decoded_tokens": 1, "tokens": 1, "seconds": 0.1, "sources": ["src/flow.rs"],
            "left_out": null, "citations": [{ "path": "src/flow.rs", "line": 28, "to_line": 30 }] }));
        self.tell(FromLink::Ai { number, news: AiNews::Chat(Ok(Box::new(answer))) });
        let number = self.said(Task::Ask, "and where does 12.4 come from?");
        let more = AiNews::Text("The file does not say. It stands for the width, the slope and".to_owned());
        self.tell(FromLink::Ai { number, news: more });
        self.shell.drafts.chat.text = "@do".to_owned();
    }

    fn chat_to_server(&mut self) {
        self.models(&["chat"]);
        let number = self.said(Task::Ask, "what does @src/flow.rs do?");
        let message = "nothing of the workspace River was sent to lab before: 1842 bytes would go to http://10.0.0.7:11434/v1, with src/flow.rs";
        let error = ApiError::new(weft_node::api::ErrorKind::NotConfirmed, message);
        self.tell(FromLink::Ai { number, news: AiNews::Chat(Err(error)) });
    }

    fn proposal(&mut self) {
        self.models(&["chat"]);
        let number = self.said(Task::Change, "a test for the mean in @src/flow.rs, and say so in @README.md");
        let made = of(json!({ "proposal": 7, "model": "qwen2.5-coder-1.5b",
            "hunks": [
                { "path": "src/flow.rs", "line": 33, "old": "    pub fn mean(&self) -> Option<Flow> {\n",
                  "new": "    /// The mean of all gauges that were read.\n    pub fn mean(&self) -> Option<Flow> {\n" },
                { "path": "src/flow.rs", "line": 41, "old": "}\n",
                  "new": "}\n\n#[test]\nfn nobody_has_read() {\n    assert_eq!(Basin::default().mean(), None);\n}\n" },
                { "path": "README.md", "line": 3, "old": "", "new": "The mean is tested.\n",
                  "doubt": "the new text has what looks like a token of GitHub" },
            ],
            "checks": [
                { "path": "src/flow.rs", "check": "syntax", "passed": true, "note": "no new syntax errors" },
                { "path": "README.md", "check": "secrets", "passed": false, "note": "what looks like a key comes in" },
            ],
            "sources": ["src/flow.rs", "README.md"] }));
        self.tell(FromLink::Ai { number, news: AiNews::Proposal(Ok(Box::new(made))) });
        if let Some(proposal) = self.shell.state.ai.proposal(0) {
            proposal.hunks[0] = HunkState::Outdated;
        }
    }

    // Taking pictures.

    fn name(&self) -> String {
        let (scene, theme) = (SCENES[self.at / THEMES.len()].0, THEMES[self.at % THEMES.len()]);
        format!("{scene}-{theme}-{}x.png", self.scale)
    }

    fn keep(&self, picture: &ColorImage) -> Result<(), String> {
        let path = self.folder.join(self.name());
        let bytes: Vec<u8> = picture.pixels.iter().flat_map(|point| point.to_array()).collect();
        let (width, height) = (picture.size[0] as u32, picture.size[1] as u32);
        let saved = image::save_buffer(&path, &bytes, width, height, image::ExtendedColorType::Rgba8);
        saved.map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl eframe::App for Tour {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.shell.frame(ui);
        self.answer();
        let ctx = ui.ctx().clone();
        ctx.request_repaint();
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(picture) = taken {
            if let Err(why) = self.keep(&picture) {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                return ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            (self.at, self.is_pending) = (self.at + 1, false);
            if self.at == SCENES.len() * THEMES.len() {
                return ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            return self.begin();
        }
        self.frames += 1;
        if self.frames > FRAMES && !self.is_pending {
            self.is_pending = true;
            let place = Arc::clone(&self.taken);
            ctx.send_viewport_cmd(ViewportCommand::Screenshot(ScreenshotCallback::new(move |picture| {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
            })));
        }
    }
}

const SIGNS: &str = "🦊🌲🚲🎈🐟🔑 (fox tree bicycle balloon fish key)";
const TICKET: &str = "aeahft4vldy4qk2mzx7u3n5w6bhc2rjtq4s7k6p3ydlv5m2xgzqa6c4n3t7w5y2b4d6f3h5j7k2m4p6r3t5v7x2z4a6c3e5g7i2k4m6o3q5s7u2w4y6";
