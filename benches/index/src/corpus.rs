//! The sources of the crates that this program is built from, as cargo has unpacked them.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use weft_bench_report::Report;

/// Files to be indexed.
pub(crate) struct Corpus {
    /// The folder that all paths begin in.
    pub(crate) root: PathBuf,
    /// The crates, as folders in it.
    pub(crate) crates: Vec<String>,
    /// The files, as paths in it.
    pub(crate) files: Vec<String>,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

impl Corpus {
    /// Takes crates by name until there are so many lines.
    pub(crate) fn gather(lines: u64, report: &mut Report) -> Self {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home =
            home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).expect("a home folder");
        let registries =
            fs::read_dir(home.join("registry/src")).expect("unpacked crates: build something first");
        let root = registries.flatten().next().expect("a registry").path();
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).expect("a folder").flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        let mut corpus = Self { crates: Vec::new(), files: Vec::new(), bytes: 0, lines: 0, root };
        for name in names(&corpus.root) {
            // Names of calls of one system, several millions of lines of them: nobody's source code looks like that.
            if name.starts_with("windows") || name.starts_with("winapi") || name.starts_with("linux-raw-sys")
            {
                continue;
            }
            corpus.take(&name);
            if corpus.lines >= lines {
                break;
            }
        }
        report.section("the sources of crates, as cargo has unpacked them");
        report.text("files", &corpus.files.len().to_string());
        report.text("lines", &corpus.lines.to_string());
        report.text("megabytes", &(corpus.bytes / 1_000_000).to_string());
        corpus
    }

    fn take(&mut self, name: &str) {
        let walk = WalkBuilder::new(self.root.join(name)).standard_filters(false).build();
        for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
            let path = entry.path().strip_prefix(&self.root).expect("a path in it");
            let (Some(path), Ok(bytes)) = (path.to_str(), fs::read(entry.path())) else { continue };
            if bytes.len() as u64 > weft_index::limits::FILE_BYTES_MAX {
                continue;
            }
            self.bytes += bytes.len() as u64;
            self.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.files.push(path.to_owned());
        }
        self.crates.push(name.to_owned());
    }

    /// A file's bytes.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(path)).unwrap_or_default()
    }

    /// Appends a file's bytes.
    pub(crate) fn read_into(&self, path: &str, into: &mut Vec<u8>) -> bool {
        use std::io::Read as _;
        fs::File::open(self.root.join(path)).and_then(|mut file| file.read_to_end(into)).is_ok()
    }
}
