//! Folders to measure with.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

const WORDS: [&str; 16] = [
    "let",
    "state",
    "self",
    "match",
    "entry",
    "index",
    "result",
    "return",
    "value",
    "(&mut",
    "->",
    "{",
    "}",
    "=",
    "node.path()",
    "if",
];

/// The folder on the disk that is measured in which all others lie.
///
/// They go away together, at the very end: a file system that has just removed thousands of files is slow to make new
/// ones (ext4 does not give their inodes away for a while), and what is measured next would pay for it.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("weft-bench-");
        let folder = match env::var_os("WEFT_BENCH_DIR") {
            Some(place) => builder.tempdir_in(place),
            None => builder.tempdir(),
        };
        Ok(Self(folder?))
    }

    /// An empty folder.
    pub(crate) fn scratch(&self) -> io::Result<PathBuf> {
        let mut builder = tempfile::Builder::new();
        Ok(builder.prefix("part-").tempdir_in(self.0.path())?.keep())
    }
}

/// Makes `files` files that look like sources, each of about `bytes` bytes, in folders of fifty. The same every time.
pub(crate) fn fill(root: &Path, files: usize, bytes: usize) -> io::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(files as u64);
    for number in 0..files {
        let folder = root.join(format!("part{:03}", number / 50));
        if number % 50 == 0 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("file{number:05}.rs")), text(&mut rng, number, bytes))?;
    }
    Ok(())
}

fn text(rng: &mut ChaCha8Rng, number: usize, bytes: usize) -> String {
    let mut text = format!("// File {number}.\n");
    while text.len() < bytes {
        for _ in 0..rng.random_range(3..12) {
            text.push_str(WORDS[rng.random_range(0..WORDS.len())]);
            text.push(' ');
        }
        text.push_str(&format!("{:x}\n", rng.random::<u32>()));
    }
    text
}

/// How many files lie below, and their bytes.
pub(crate) fn size(root: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok((files, bytes))
}
