//! Programs of the system that a test needs.

use std::{env, fmt::Display, io};

/// What `./dev test` says when it has seen to it that the tools are there: `required`.
const VARIABLE: &str = "WEFT_TOOLS";

/// What came of running a program, when it is there; when it is not, the test fails where the tools are
/// required, and else says that it is skipped.
///
/// # Panics
/// When the program is missing and `WEFT_TOOLS=required` is set, or it is there and cannot be run.
#[track_caller]
pub fn tool<T>(program: &str, package: &str, run: io::Result<T>) -> Option<T> {
    match run {
        Ok(done) => Some(done),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            missing(format_args!("`{program}` is missing (apt-get install {package})"));
            None
        }
        Err(error) => panic!("`{program}` cannot be run: {error}"),
    }
}

/// The test goes no further because of what is missing here: it fails where tools are required, and else it is skipped.
///
/// # Panics
/// Where `WEFT_TOOLS=required` is set.
#[track_caller]
pub fn missing(what: impl Display) {
    assert!(env::var_os(VARIABLE).is_none_or(|value| value != "required"), "{what}, and {VARIABLE}=required");
    skipped(what);
}

/// Says that a test is skipped for a reason that no package mends.
#[expect(clippy::print_stdout, reason = "whoever reads the tests' output must see what was not tried")]
pub fn skipped(reason: impl Display) {
    println!("skipped: {reason}");
}
