//! A folder that takes steps one after the other and refuses impossible ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tree::{ContentValue, NodeKind, ShownChange, TreeView};

/// What a file has on this disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct File {
    content: Option<Arc<ContentValue>>,
    executable: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    entries: BTreeMap<String, Option<File>>,
}

impl Disk {
    /// Takes the steps; what files hold comes from the view, as on a real disk.
    pub(super) fn apply(&mut self, changes: &[ShownChange], view: &TreeView) {
        for change in changes {
            match change {
                ShownChange::Removed { path, kind, .. } => self.remove(path, *kind),
                ShownChange::Moved { from, to, kind } => self.rename(from, to, *kind),
                ShownChange::Added { path, kind } => {
                    self.check_free(path);
                    let file = (*kind == NodeKind::File).then(|| read(view, path));
                    self.entries.insert(path.clone(), file);
                }
                ShownChange::Content { path } | ShownChange::Executable { path } => {
                    let entry = self.entries.get_mut(path).expect("a file that is there");
                    assert!(entry.is_some(), "{path} is a folder");
                    *entry = Some(read(view, path));
                }
            }
        }
    }

    /// Compares the disk with what this platform can hold of the view.
    pub(super) fn check(&self, view: &TreeView) {
        let mut expected = BTreeMap::new();
        view.for_each(|path, node| {
            if node.problem.is_none() {
                let file = (node.kind == NodeKind::File)
                    .then(|| File { content: node.content.clone(), executable: node.executable });
                expected.insert(path.to_owned(), file);
            }
        });
        assert_eq!(self.entries, expected);
    }

    fn remove(&mut self, path: &str, kind: NodeKind) {
        let inside = format!("{path}/");
        assert!(!self.entries.keys().any(|other| other.starts_with(&inside)), "{path} is not empty");
        let entry = self.entries.remove(path);
        assert_eq!(entry.expect(path).is_none(), kind == NodeKind::Folder, "{path}");
    }

    fn rename(&mut self, from: &str, to: &str, kind: NodeKind) {
        let inside = format!("{from}/");
        assert!(!to.starts_with(&inside), "{from} to {to}");
        self.check_free(to);
        let entry = self.entries.remove(from).expect(from);
        assert_eq!(entry.is_none(), kind == NodeKind::Folder, "{from}");
        self.entries.insert(to.to_owned(), entry);
        let moved: Vec<_> = self.entries.keys().filter(|path| path.starts_with(&inside)).cloned().collect();
        for path in moved {
            let entry = self.entries.remove(&path).unwrap();
            self.entries.insert(format!("{to}/{}", &path[inside.len()..]), entry);
        }
    }

    fn check_free(&self, path: &str) {
        assert!(!self.entries.contains_key(path), "{path} is taken");
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert_eq!(self.entries.get(parent), Some(&None), "{parent} is no folder");
        }
    }
}

fn read(view: &TreeView, path: &str) -> File {
    let node = view.node_at(path).unwrap_or_else(|| panic!("{path} is not shown"));
    File { content: node.content, executable: node.executable }
}
