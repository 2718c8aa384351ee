//! Which folders are workspaces. Nothing about that lies in the folders themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weft_store::{ReadError, Space, Storage, Table, Write};
use weft_sync::ids::WorkspaceId;

const RECORD_KEY: &[u8] = b"record";
const VERSION: u8 = 1;

/// What this device remembers of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkspaceRecord {
    /// The workspace.
    pub(crate) id: WorkspaceId,
    /// Its folder on this device; empty where it is kept and not read.
    pub(crate) root: PathBuf,
    /// What people call it.
    pub(crate) name: String,
    /// Whether its files were all on disk once; until then joining goes on.
    pub(crate) is_complete: bool,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct StoredRecord {
    version: u8,
    root: Vec<u8>,
    name: String,
    is_complete: bool,
}

/// All workspaces of this device.
#[derive(Debug, Default, Clone)]
pub(crate) struct Registry {
    workspaces: BTreeMap<WorkspaceId, WorkspaceRecord>,
}

/// How a folder relates to the workspaces that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// It is this workspace's folder.
    Same(WorkspaceRecord),
    /// It lies inside this workspace.
    Inside(WorkspaceRecord),
    /// This workspace lies inside it.
    Around(WorkspaceRecord),
}

impl WorkspaceRecord {
    /// A workspace that is kept and cannot be read: it has no folder, and no name that is known here.
    pub(crate) fn kept(id: WorkspaceId) -> Self {
        Self { id, root: PathBuf::new(), name: String::new(), is_complete: true }
    }

    /// Whether it is kept only.
    #[must_use]
    pub(crate) fn is_kept(&self) -> bool {
        self.root.as_os_str().is_empty()
    }
}

impl Registry {
    /// Reads the registry.
    ///
    /// # Errors
    /// When the store fails. A record of a newer version is left out.
    pub(crate) fn load(store: &dyn Storage) -> Result<Self, ReadError> {
        let mut workspaces = BTreeMap::new();
        for id in store.workspaces()? {
            let bytes = store.record(Space::workspace(id, Table::Workspace), RECORD_KEY)?;
            if let Some(record) = bytes.and_then(|bytes| decode(id, &bytes)) {
                workspaces.insert(id, record);
            }
        }
        Ok(Self { workspaces })
    }

    /// Every workspace.
    pub(crate) fn all(&self) -> impl Iterator<Item = &WorkspaceRecord> {
        self.workspaces.values()
    }

    /// Every workspace that has a folder here.
    pub(crate) fn mirrored(&self) -> impl Iterator<Item = &WorkspaceRecord> {
        self.all().filter(|record| !record.is_kept())
    }

    /// One workspace.
    #[must_use]
    pub(crate) fn get(&self, id: &WorkspaceId) -> Option<&WorkspaceRecord> {
        self.workspaces.get(id)
    }

    /// Remembers a workspace; returns the write that makes it last.
    pub(crate) fn put(&mut self, record: WorkspaceRecord) -> Write {
        let stored = StoredRecord {
            version: VERSION,
            root: path_bytes(&record.root),
            name: record.name.clone(),
            is_complete: record.is_complete,
        };
        let value = postcard::to_allocvec(&stored).expect("a record without unknown lengths");
        let space = Space::workspace(record.id, Table::Workspace);
        self.workspaces.insert(record.id, record);
        Write::Record { space, key: RECORD_KEY.to_vec(), value: Some(value) }
    }

    /// Forgets a workspace; its stored entries go with [`Write::DropWorkspace`].
    pub(crate) fn remove(&mut self, id: &WorkspaceId) {
        self.workspaces.remove(id);
    }

    /// The workspace that a path lies in, and the rest of the path.
    #[must_use]
    pub(crate) fn find(&self, path: &Path) -> Option<(&WorkspaceRecord, PathBuf)> {
        let inside = self.mirrored().filter_map(|record| {
            let rest = path.strip_prefix(&record.root).ok()?;
            Some((record, rest.to_owned()))
        });
        // Workspaces are never nested, but a record of a moved disk could be: the innermost wins.
        inside.max_by_key(|(record, _)| record.root.as_os_str().len())
    }

    /// The workspace that a new one at `folder` would collide with.
    #[must_use]
    pub(crate) fn overlap(&self, folder: &Path) -> Option<Overlap> {
        self.mirrored().find_map(|record| {
            if record.root == folder {
                Some(Overlap::Same(record.clone()))
            } else if folder.starts_with(&record.root) {
                Some(Overlap::Inside(record.clone()))
            } else if record.root.starts_with(folder) {
                Some(Overlap::Around(record.clone()))
            } else {
                None
            }
        })
    }
}

pub(crate) fn decode(id: WorkspaceId, bytes: &[u8]) -> Option<WorkspaceRecord> {
    let stored: StoredRecord = postcard::from_bytes(bytes).ok()?;
    (stored.version == VERSION).then(|| WorkspaceRecord {
        id,
        root: bytes_path(stored.root),
        name: stored.name,
        is_complete: stored.is_complete,
    })
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn bytes_path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
fn bytes_path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_store::MemoryStore;

    fn record(n: u8, root: &str) -> WorkspaceRecord {
        WorkspaceRecord {
            id: WorkspaceId::from_bytes([n; 32]),
            root: root.into(),
            name: format!("workspace {n}"),
            is_complete: true,
        }
    }

    #[test]
    fn records_come_back() {
        let store = MemoryStore::new(weft_store::Instance([7; 16]));
        let mut registry = Registry::default();
        let writes = vec![registry.put(record(1, "/a/b")), registry.put(record(2, "/c"))];
        store.commit(&writes).unwrap();
        let loaded = Registry::load(&store).unwrap();
        assert!(loaded.all().eq(registry.all()));
        assert_eq!(loaded.all().count(), 2);
    }

    #[test]
    fn a_path_belongs_to_the_folder_around_it() {
        let mut registry = Registry::default();
        registry.put(record(1, "/a/b"));
        let (found, rest) = registry.find(Path::new("/a/b/src/main.rs")).expect("inside");
        assert_eq!((found.name.as_str(), rest.as_path()), ("workspace 1", Path::new("src/main.rs")));
        assert!(registry.find(Path::new("/a/bc")).is_none());
    }

    #[test]
    fn nested_workspaces_are_noticed() {
        let mut registry = Registry::default();
        registry.put(record(1, "/a/b"));
        assert!(matches!(registry.overlap(Path::new("/a/b")), Some(Overlap::Same(_))));
        assert!(matches!(registry.overlap(Path::new("/a/b/c")), Some(Overlap::Inside(_))));
        assert!(matches!(registry.overlap(Path::new("/a")), Some(Overlap::Around(_))));
        assert!(registry.overlap(Path::new("/x")).is_none());
    }
}
