//! Finds the program under test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::repository;

/// Why there is no program to test.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The build failed.
    #[error("cargo could not build weft:\n{output}")]
    Build {
        /// What cargo said.
        output: String,
    },
    /// It was built, or named by `WEFT_BIN`, and is not there.
    #[error("there is no program at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
}

/// The `weft` program: what `WEFT_BIN` names, else a fresh build beside this test's own program.
///
/// # Errors
/// When it cannot be built or found.
pub fn program_path() -> Result<&'static Path, ProgramError> {
    static PATH: OnceLock<Result<PathBuf, ProgramError>> = OnceLock::new();
    PATH.get_or_init(find).as_deref().map_err(Clone::clone)
}

fn find() -> Result<PathBuf, ProgramError> {
    let path = match env::var_os("WEFT_BIN") {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    if path.is_file() { Ok(path) } else { Err(ProgramError::Missing { path }) }
}

fn build() -> Result<PathBuf, ProgramError> {
    let failed = |output: String| ProgramError::Build { output };
    let own = env::current_exe().map_err(|error| failed(error.to_string()))?;
    // …/target/debug/deps/test-1234 and …/target/release/weft-demo lie beside or below the program.
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let folder = folder.ok_or_else(|| failed("this program has no folder".to_owned()))?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository()).args(["build", "--quiet", "--package", "weft", "--bin", "weft"]);
    if let Some(target) = folder.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(folder.join(format!("weft{}", env::consts::EXE_SUFFIX)))
}
