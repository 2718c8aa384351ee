//! Small models that make sense, in the person's cache.

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// A model that tests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealModel {
    /// Its file's name in the cache.
    pub file: &'static str,
    /// The SHA-256 of its file.
    pub sha256: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

/// Gemma 3 270M, base: writes text.
pub const GEMMA: RealModel = RealModel {
    file: "gemma-3-270m-q4_k_m.gguf",
    sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    purpose: "completion",
};
/// SmolLM2-135M-Instruct: answers.
pub const SMOLLM: RealModel = RealModel {
    file: "smollm2-135m-instruct-q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    purpose: "chat",
};
/// all-MiniLM-L6-v2: embeds.
pub const MINILM: RealModel = RealModel {
    file: "all-minilm-l6-v2-q8_0.gguf",
    sha256: "12bd7116721b29337f5ff0bef25aac318374addcb7e60b14bf7b339396b7240d",
    purpose: "embeddings",
};
/// All of them.
pub const ALL: [RealModel; 3] = [GEMMA, SMOLLM, MINILM];

/// Where they lie: outside of the repository, so that a fresh clone finds them.
#[must_use]
pub fn folder() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home =
        || env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(PathBuf::from).unwrap_or_default();
    cache.unwrap_or_else(|| home().join(".cache")).join("weft").join("models")
}

impl RealModel {
    /// Where this one lies, or would.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(self.file)
    }

    /// The file for a test; without it the test says that it is skipped.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "whoever reads the tests' output must see what was not tried")]
    pub fn or_skip(&self, test: &str) -> Option<PathBuf> {
        let path = self.path();
        if path.is_file() {
            return Some(path);
        }
        eprintln!(
            "SKIPPED {test}: there is no model {} ({}); ./dev model fetches it",
            path.display(),
            self.purpose
        );
        None
    }
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut bytes = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            return Ok(data_encoding::HEXLOWER.encode(&hash.finalize()));
        }
        hash.update(&bytes[..read]);
    }
}
