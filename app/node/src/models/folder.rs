//! The collection: `models/SHA256.gguf` with `models/SHA256.json` in the data folder.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use weft_ai::gguf::{self, GgufError, GgufSummary};

use crate::api::Purpose;

/// The longest record that is read.
const RECORD_BYTES_MAX: u64 = 64 * 1024;
/// Models in the collection.
const MODELS_MAX: usize = 512;
/// Letters of a name.
const ID_CHARS_MAX: usize = 64;
const COPY_BYTES: usize = 1 << 20;

/// Why the collection is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ModelsError {
    /// The file system says no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// The file is no model.
    #[error("{0}")]
    NotAModel(#[from] GgufError),
    /// Another checksum was promised.
    #[error("the file's SHA-256 is {found}, and {wanted} was expected")]
    WrongChecksum {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// There is no such model.
    #[error("there is no model {0:?}")]
    NotFound(String),
    /// Another model has the name.
    #[error("another model is called {0:?}")]
    Taken(String),
    /// A name is not one.
    #[error("{0:?} is no name for a model: letters, digits, dots, dashes and underscores")]
    BadName(String),
    /// The file has changed.
    #[error("the file of the model {0:?} has changed since it was taken in")]
    Changed(String),
    /// The collection is full.
    #[error("there are {MODELS_MAX} models already")]
    Full,
    /// It cannot be downloaded.
    #[error("{0}")]
    Download(String),
    /// The disk is too full for it.
    #[error("the disk has {free} bytes left and {needed} more are needed, with 256 MB that stay free")]
    NoRoom {
        /// What it needs.
        needed: u64,
        /// What there is.
        free: u64,
    },
}

/// What a model leaves free of a disk: what the person writes goes there too.
const ROOM_LEFT_BYTES: u64 = 256 * 1024 * 1024;

/// Whether so many bytes more have their place beside a file, before the first of them is written.
pub(crate) fn has_room(beside: &Path, needed: u64) -> Result<(), ModelsError> {
    // Where the system does not say, writing tells.
    let Some(free) = beside.parent().and_then(|folder| fs4::available_space(folder).ok()) else {
        return Ok(());
    };
    if free.saturating_sub(ROOM_LEFT_BYTES) < needed {
        return Err(ModelsError::NoRoom { needed, free });
    }
    Ok(())
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> ModelsError {
    move |source| ModelsError::Io { what: what.into(), source }
}

/// What is written down about a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRecord {
    pub(crate) id: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) source: String,
    /// When the file was written last, in milliseconds.
    pub(crate) written: i64,
    /// What it is asked for when no model is named.
    #[serde(default)]
    pub(crate) chosen_for: Vec<Purpose>,
    /// The workspaces whose members may fetch it from here.
    #[serde(default)]
    pub(crate) shared_in: Vec<String>,
}

/// The collection of models of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct ModelFolder {
    folder: PathBuf,
}

impl ModelFolder {
    pub(crate) fn new(home: &Path) -> Self {
        Self { folder: home.join("models") }
    }

    /// The file of a model.
    pub(crate) fn file(&self, record: &ModelRecord) -> PathBuf {
        self.folder.join(format!("{}.gguf", record.sha256))
    }

    /// Where a download grows.
    pub(crate) fn partial(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.part"))
    }

    fn record_file(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.json"))
    }

    /// All models, by name. A record that cannot be read is passed over: its model can be imported again.
    pub(crate) fn list(&self) -> Vec<ModelRecord> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        let records = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let read = |path: PathBuf| -> Option<ModelRecord> {
            let mut text = Vec::new();
            File::open(&path).ok()?.take(RECORD_BYTES_MAX).read_to_end(&mut text).ok()?;
            let record: ModelRecord = serde_json::from_slice(&text).ok()?;
            let is_own = path.file_stem().and_then(|stem| stem.to_str()) == Some(record.sha256.as_str());
            (is_own && is_checksum(&record.sha256) && is_id(&record.id)).then_some(record)
        };
        let mut records: Vec<ModelRecord> = records.take(MODELS_MAX).filter_map(read).collect();
        records.sort_by(|a, b| a.id.cmp(&b.id));
        records
    }

    /// The model of a name, or of the beginning of a checksum.
    pub(crate) fn find(&self, id: &str) -> Result<ModelRecord, ModelsError> {
        let records = self.list();
        let found = records.iter().find(|record| record.id == id);
        let by_checksum = || {
            let mut found = records.iter().filter(|record| id.len() >= 8 && record.sha256.starts_with(id));
            found.next().filter(|_| found.next().is_none())
        };
        found.or_else(by_checksum).cloned().ok_or_else(|| ModelsError::NotFound(id.to_owned()))
    }

    /// What a model's file says about itself.
    pub(crate) fn summary(&self, record: &ModelRecord) -> Result<GgufSummary, ModelsError> {
        let path = self.file(record);
        let file = File::open(&path).map_err(io_error("the model's file cannot be read"))?;
        let facts = file.metadata().map_err(io_error("the model's file cannot be read"))?;
        if facts.len() != record.bytes || written(&facts) != record.written {
            return Err(ModelsError::Changed(record.id.clone()));
        }
        Ok(gguf::read(BufReader::new(file), record.bytes)?)
    }

    /// Copies a file into the collection.
    pub(crate) fn import(
        &self,
        file: &Path,
        id: Option<&str>,
        progress: &dyn Fn(u64, u64),
    ) -> Result<ModelRecord, ModelsError> {
        let shown = file.display();
        let source = File::open(file).map_err(io_error(format!("{shown} cannot be read")))?;
        let facts = source.metadata().map_err(io_error(format!("{shown} cannot be read")))?;
        if !facts.is_file() {
            return Err(GgufError::NotGguf.into());
        }
        // Before anything is copied.
        gguf::read(BufReader::new(&source), facts.len())?;
        let id = self.free_id(id, file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model"))?;
        fs::create_dir_all(&self.folder).map_err(io_error("the folder for models cannot be made"))?;
        let partial = self.partial(&format!("import-{id}"));
        has_room(&partial, facts.len())?;
        let mut source = File::open(file).map_err(io_error(format!("{shown} cannot be read")))?;
        let copied = copy(&mut source, &partial, facts.len(), progress);
        let taken = copied.and_then(|sha256| self.take(&partial, &sha256, id, shown.to_string()));
        if taken.is_err() {
            // Best effort: what is left is overwritten by the next import.
            let _left = fs::remove_file(&partial);
        }
        taken
    }

    /// Moves a complete file with this checksum into the collection.
    pub(crate) fn take(
        &self,
        partial: &Path,
        sha256: &str,
        id: String,
        source: String,
    ) -> Result<ModelRecord, ModelsError> {
        let file = File::open(partial).map_err(io_error("the model's file cannot be read"))?;
        let bytes = file.metadata().map_err(io_error("the model's file cannot be read"))?.len();
        let summary = gguf::read(BufReader::new(&file), bytes)?;
        let mut record = ModelRecord {
            id,
            sha256: sha256.to_owned(),
            bytes,
            source,
            written: 0,
            chosen_for: Vec::new(),
            shared_in: Vec::new(),
        };
        let target = self.file(&record);
        let mut facts = file.metadata().map_err(io_error("the model's file cannot be read"))?.permissions();
        facts.set_readonly(true);
        fs::set_permissions(partial, facts)
            .map_err(io_error("the model's file cannot be closed for writing"))?;
        fs::rename(partial, &target).map_err(io_error("the model's file cannot be moved"))?;
        let facts = fs::metadata(&target).map_err(io_error("the model's file cannot be read"))?;
        record.written = written(&facts);
        // The first one that can do something is asked for it.
        let others = self.list();
        let is_free = |role: &Purpose| !others.iter().any(|other| other.chosen_for.contains(role));
        record.chosen_for = roles(&summary).into_iter().filter(is_free).collect();
        if let Some(before) = others.into_iter().find(|other| other.sha256 == record.sha256) {
            (record.chosen_for, record.shared_in) = (before.chosen_for, before.shared_in);
        }
        self.write(&record)?;
        Ok(record)
    }

    /// Computes the checksum of a complete file and moves it into the collection; a wrong one is deleted, as going on from
    /// there would not make it right.
    pub(crate) fn take_checked(
        &self,
        partial: &Path,
        wanted: Option<String>,
        id: String,
        source: String,
    ) -> Result<ModelRecord, ModelsError> {
        let mut file = File::open(partial).map_err(io_error("the model's file cannot be read"))?;
        let bytes = file.metadata().map_err(io_error("the model's file cannot be read"))?.len();
        let found = hashed(&mut file, bytes, &|_, _| {}, |_| Ok(()))
            .map_err(io_error("the model's file cannot be read"))?;
        let taken = match wanted.filter(|wanted| *wanted != found) {
            Some(wanted) => Err(ModelsError::WrongChecksum { found, wanted }),
            None => self.take(partial, &found, id, source),
        };
        if taken.is_err() {
            // Best effort: the next one begins anew.
            let _left = fs::remove_file(partial);
        }
        taken
    }

    /// Lets the members of a workspace fetch a model, or no more.
    pub(crate) fn share(&self, record: &ModelRecord, ws: &str, on: bool) -> Result<ModelRecord, ModelsError> {
        let mut record = record.clone();
        record.shared_in.retain(|other| other != ws);
        record.shared_in.extend(on.then(|| ws.to_owned()));
        self.write(&record)?;
        Ok(record)
    }

    fn write(&self, record: &ModelRecord) -> Result<(), ModelsError> {
        let path = self.record_file(&record.sha256);
        let text = serde_json::to_vec_pretty(record).map_err(|error| ModelsError::Io {
            what: "the record of the model cannot be written".into(),
            source: error.into(),
        })?;
        let partial = path.with_extension("json.part");
        let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, &path));
        written.map_err(io_error("the record of the model cannot be written"))
    }

    /// Asks for a model when none is named.
    pub(crate) fn choose(&self, id: &str, role: Purpose) -> Result<(), ModelsError> {
        let chosen = self.find(id)?;
        for mut record in self.list() {
            let had = record.chosen_for.contains(&role);
            let has = record.sha256 == chosen.sha256;
            if had != has {
                record.chosen_for.retain(|other| *other != role);
                record.chosen_for.extend(has.then_some(role));
                self.write(&record)?;
            }
        }
        Ok(())
    }

    /// Deletes a model.
    pub(crate) fn remove(&self, id: &str) -> Result<ModelRecord, ModelsError> {
        let record = self.find(id)?;
        fs::remove_file(self.record_file(&record.sha256)).map_err(io_error("the model cannot be removed"))?;
        match fs::remove_file(self.file(&record)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("the model's file cannot be removed")(error))
            }
            _ => Ok(record),
        }
    }

    /// Computes the checksum of a model's file again; `None` when it is right, else what is wrong.
    pub(crate) fn verify(&self, record: &ModelRecord, progress: &dyn Fn(u64, u64)) -> Option<String> {
        let mut file = match File::open(self.file(record)) {
            Ok(file) => file,
            Err(error) => return Some(format!("its file cannot be read: {error}")),
        };
        match hashed(&mut file, record.bytes, progress, |_| Ok(())) {
            Err(error) => Some(format!("its file cannot be read: {error}")),
            Ok(found) if found != record.sha256 => {
                Some("its file is damaged: import or download it again".to_owned())
            }
            Ok(_) => None,
        }
    }

    /// A name that no other model has.
    pub(crate) fn free_id(&self, wanted: Option<&str>, stem: &str) -> Result<String, ModelsError> {
        let records = self.list();
        if records.len() >= MODELS_MAX {
            return Err(ModelsError::Full);
        }
        let is_taken = |id: &str| records.iter().any(|record| record.id == id);
        if let Some(wanted) = wanted {
            if !is_id(wanted) {
                return Err(ModelsError::BadName(wanted.to_owned()));
            }
            return if is_taken(wanted) {
                Err(ModelsError::Taken(wanted.to_owned()))
            } else {
                Ok(wanted.to_owned())
            };
        }
        let letters =
            stem.chars().map(|letter| if is_id_letter(letter) { letter.to_ascii_lowercase() } else { '-' });
        let id: String = letters.take(ID_CHARS_MAX - 4).collect();
        let id = if is_id(&id) { id } else { "model".to_owned() };
        let numbered = (2..).map(|number| format!("{id}-{number}"));
        let mut candidates = std::iter::once(id.clone()).chain(numbered);
        Ok(candidates.find(|candidate| !is_taken(candidate)).unwrap_or(id))
    }
}

/// What a model is good for.
pub(crate) fn roles(summary: &GgufSummary) -> Vec<Purpose> {
    if summary.is_embedding() { vec![Purpose::Embedding] } else { vec![Purpose::Completion, Purpose::Chat] }
}

pub(crate) fn is_checksum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_id_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_CHARS_MAX && !id.starts_with(['.', '-']) && id.chars().all(is_id_letter)
}

fn written(facts: &fs::Metadata) -> i64 {
    let since =
        facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn copy(from: &mut File, to: &Path, bytes: u64, progress: &dyn Fn(u64, u64)) -> Result<String, ModelsError> {
    // Writable once more when an import broke off.
    let _absent = fs::remove_file(to);
    let mut target = File::create(to).map_err(io_error("the model cannot be copied"))?;
    let sha256 = hashed(from, bytes, progress, |block| target.write_all(block))
        .and_then(|sha256| target.sync_all().map(|()| sha256));
    sha256.map_err(io_error("the model cannot be copied"))
}

/// Reads everything, hands it on, and gives the SHA-256.
pub(crate) fn hashed(
    reader: &mut impl Read,
    bytes: u64,
    progress: &dyn Fn(u64, u64),
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<String> {
    let (mut hash, mut block, mut done) = (Sha256::new(), vec![0; COPY_BYTES], 0);
    loop {
        let read = reader.read(&mut block)?;
        if read == 0 {
            return Ok(HEXLOWER.encode(&hash.finalize()));
        }
        hash.update(&block[..read]);
        take(&block[..read])?;
        done += read as u64;
        progress(done.min(bytes), bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_has_no_room_for_is_refused_before_its_first_byte() {
        let folder = tempfile::tempdir().expect("a folder");
        let partial = folder.path().join("a.part");
        assert!(has_room(&partial, 0).is_ok());
        let error = has_room(&partial, 1 << 60).expect_err("an exabyte");
        assert!(matches!(error, ModelsError::NoRoom { needed, .. } if needed == 1 << 60), "{error}");
        assert!(error.to_string().contains("more are needed"), "{error}");
        // A folder that is not there yet is made later, and writing tells.
        assert!(has_room(&folder.path().join("none").join("a.part"), 1 << 60).is_ok());
    }
}
