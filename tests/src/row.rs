//! Two people do something to the same files, in each of the ways in which their acts can meet.

use std::{fmt, time::Duration};

use crate::{
    files::{Files, Snapshot},
    pair::{Pair, Person},
    waiting::eventually,
};

/// How long a node may take to see a save, where the other one stands still meanwhile.
const SEEN_TIME_MAX: Duration = Duration::from_secs(2);

/// How two acts meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// Both nodes run, and both people act at once: neither sees anything of the other one's act before his own.
    Online,
    /// Ben's node is stopped while both act.
    Offline,
    /// Ana's node stands still while both act: Ben's act arrives when her own is not seen yet.
    AnaStalls,
    /// The same the other way round.
    BenStalls,
}

impl Meeting {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Online, Self::Offline, Self::AnaStalls, Self::BenStalls];

    fn folder(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::AnaStalls => "Ana stalls",
            Self::BenStalls => "Ben stalls",
        }
    }

    fn run(self, pair: &mut Pair, ana: impl FnOnce(&Files), ben: impl FnOnce(&Files)) {
        let (ana_files, ben_files) = (inside(&pair.ana, self), inside(&pair.ben, self));
        let act = || {
            ana(&ana_files);
            ben(&ben_files);
        };
        let Pair { ana, ben, .. } = pair;
        match self {
            Self::Online => ana.frozen(|_| ben.frozen(|_| act())),
            Self::Offline => {
                ben.stop();
                act();
                ben.start();
            }
            Self::AnaStalls => ana.frozen(|_| until_seen(ben, act)),
            Self::BenStalls => ben.frozen(|_| until_seen(ana, act)),
        }
    }
}

/// Acts, and waits until this person's node has taken it; what changes nothing cannot be waited for long.
fn until_seen(person: &Person, act: impl FnOnce()) {
    let before = person.digest();
    act();
    let _seen = eventually(SEEN_TIME_MAX, || (person.digest() != before).then_some(()));
}

fn inside(person: &Person, meeting: Meeting) -> Files {
    Files { root: person.files.path(meeting.folder()) }
}

/// What two people begin with.
#[derive(Debug, Default)]
pub struct Row {
    files: Vec<(String, Vec<u8>)>,
    meetings: Vec<Meeting>,
}

impl Row {
    /// Both have these texts.
    #[must_use]
    pub fn with(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Self { files: files.collect(), meetings: Meeting::ALL.into() }
    }

    /// Both have this file too.
    #[must_use]
    pub fn and(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Lets both act at once, in each way of meeting, and looks at what both have then.
    ///
    /// # Panics
    /// When the two do not agree in the end, or `expect` panics.
    pub fn run(self, ana: impl Fn(&Files), ben: impl Fn(&Files), expect: impl Fn(&Outcome)) {
        let mut files: Vec<(String, &[u8])> = Vec::new();
        for meeting in &self.meetings {
            let paths = self.files.iter();
            files.extend(paths.map(|(path, content)| (format!("{}/{path}", meeting.folder()), &content[..])));
            // The folder is there before anything is in it.
            files.push((format!("{}/.keep", meeting.folder()), b""));
        }
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, content)| (path.as_str(), *content)).collect();
        let mut pair = Pair::with_files(&files);
        for meeting in &self.meetings {
            meeting.run(&mut pair, &ana, &ben);
            pair.settle();
            expect(&Outcome::of(&pair, *meeting));
        }
        // Nothing comes later.
        for meeting in &self.meetings {
            expect(&Outcome::of(&pair, *meeting));
        }
    }
}

/// What both have after they acted.
pub struct Outcome {
    /// How their acts met.
    pub meeting: Meeting,
    /// What lies in both folders; a slash ends the paths of folders.
    pub files: Snapshot,
}

impl Outcome {
    fn of(pair: &Pair, meeting: Meeting) -> Self {
        let prefix = format!("{}/", meeting.folder());
        let files = pair.both().into_iter().filter_map(|(path, content)| {
            let path = path.strip_prefix(&prefix).filter(|path| !path.is_empty() && *path != ".keep")?;
            Some((path.to_owned(), content))
        });
        Self { meeting, files: files.collect() }
    }

    /// Nothing but these paths is there; a slash ends those of folders.
    ///
    /// # Panics
    /// When there are others.
    #[track_caller]
    pub fn has_only(&self, paths: &[&str]) -> &Self {
        let found: Vec<&str> = self.files.keys().map(String::as_str).collect();
        let mut wanted = paths.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{self:#?}");
        self
    }

    /// A file holds exactly this.
    ///
    /// # Panics
    /// When it holds something else or is not there.
    #[track_caller]
    pub fn holds(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let found = self.files.get(path).map(Vec::as_slice);
        assert!(
            found == Some(content.as_ref()),
            "{path} should hold {:?}: {self:#?}",
            text(content.as_ref())
        );
        self
    }

    /// A file holds each of these once.
    ///
    /// # Panics
    /// When one is missing or there twice.
    #[track_caller]
    pub fn has_each(&self, path: &str, parts: &[&str]) -> &Self {
        let whole = self.text(path);
        for part in parts {
            assert_eq!(whole.matches(part).count(), 1, "{part:?} in {path}: {self:#?}");
        }
        self
    }

    /// These contents are there, each in one file, whatever the names.
    ///
    /// # Panics
    /// When one is missing or there twice.
    #[track_caller]
    pub fn keeps(&self, contents: &[&[u8]]) -> &Self {
        for content in contents {
            let count = self.files.values().filter(|found| found == content).count();
            assert_eq!(count, 1, "{:?}: {self:#?}", text(content));
        }
        self
    }

    /// The text of a file.
    ///
    /// # Panics
    /// When it is not there.
    #[track_caller]
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        let content = self.files.get(path).unwrap_or_else(|| panic!("no {path}: {self:#?}"));
        text(content)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:?}:", self.meeting)?;
        for (path, content) in &self.files {
            let begin = String::from_utf8_lossy(&content[..content.len().min(400)]);
            writeln!(out, "  {path}: {} bytes {begin:?}", content.len())?;
        }
        Ok(())
    }
}

fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}
