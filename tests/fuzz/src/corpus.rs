//! Inputs in the repository: `tests/fuzz/corpus/TARGET/`, a file for each.

use std::{env, fs, path::PathBuf};

/// The longest input that goes into the repository by itself.
const FILE_BYTES_MAX: usize = 2_048;
/// The most files of one target that go into the repository by themselves.
const FILES_MAX: usize = 24;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// All inputs of a target, in the order of their names.
pub(crate) fn read(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder(target)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    files.into_iter().filter_map(|file| fs::read(file).ok()).collect()
}

/// Adds inputs to the folder when that was asked for: with `WEFT_FUZZ_KEEP`, as many as there is room for.
pub(crate) fn write(target: &str, inputs: &[Vec<u8>]) {
    if env::var_os("WEFT_FUZZ_KEEP").is_none() {
        return;
    }
    let folder = folder(target);
    fs::create_dir_all(&folder).expect("a folder for the corpus");
    let room = FILES_MAX.saturating_sub(read(target).len());
    for input in inputs.iter().filter(|input| input.len() <= FILE_BYTES_MAX).take(room) {
        let name = &blake3::hash(input).to_hex()[..12];
        fs::write(folder.join(name), input).expect("a file of the corpus");
    }
}
