//! What `./dev model` needs beside a package client: `convert FOLDER OUT` makes the model file of a BERT, `verify` checks
//! what lies in the cache and names on each line what is missing.
#![expect(clippy::print_stdout, reason = "its answers")]

use std::{env, fs, path::Path, process::ExitCode};

use weft_test_models::{
    bert,
    real::{ALL, sha256},
};

fn main() -> Result<ExitCode, bert::Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["convert", folder, out] => fs::write(out, bert::convert(Path::new(folder))?)?,
        ["verify"] => {
            for model in ALL {
                let path = model.path();
                let is_right = path.is_file() && sha256(&path)? == model.sha256;
                println!("{} {}", if is_right { "ok" } else { "missing" }, model.file);
            }
        }
        _ => return Ok(ExitCode::from(2)),
    }
    Ok(ExitCode::SUCCESS)
}
