//! Pictures of every page of the window, in the dark and the light theme: `weft-screenshots FOLDER [SCALE]`.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("target/screenshots"), PathBuf::from);
    let scale = arguments.next().and_then(|scale| scale.parse().ok()).unwrap_or(1.0);
    let made = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
    let taken = made
        .and_then(|()| weft_desktop::tour::screenshots(&folder, scale).map_err(|error| error.to_string()));
    match taken {
        Ok(()) => {
            // Whoever closed the output does not want to read it.
            let _ = writeln!(std::io::stdout(), "{}", folder.display());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "error: {why}");
            ExitCode::FAILURE
        }
    }
}
