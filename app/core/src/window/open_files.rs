//! The files that have tabs, with their documents and the views of each group on them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::GroupId;
use crate::document::Document;
use crate::view::ViewId;

/// What is known of a file that has a tab.
#[derive(Debug, Clone)]
pub enum FileState {
    /// It was asked for.
    Loading,
    /// It can be edited.
    Ready(Box<Document>),
    /// It is a picture, which the window shows.
    Picture,
    /// It could not be opened.
    Failed {
        /// What failed.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// Why a file is not written together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalReason {
    /// It is larger than texts that are written together.
    TooLarge,
    /// From this byte on it is no UTF-8; what is none is shown as a replacement character.
    NotUtf8 {
        /// The first byte that is none, from 0.
        byte: usize,
    },
    /// The workspace does not share it.
    NotShared,
    /// The workspace has not read its folder yet, so nobody knows whether it shares the file.
    NotRead,
}

impl LocalReason {
    /// Whether the file can only be looked at. Else the person writes in it alone, and the window saves it.
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::NotUtf8 { .. } | Self::NotRead)
    }
}

/// A file that the window reads and writes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalFile {
    /// Why.
    pub reason: LocalReason,
    /// Its size in bytes and when it was changed, as it was read or saved.
    pub stamp: (u64, SystemTime),
}

/// A file that has a tab.
#[derive(Debug, Clone)]
pub struct OpenFile {
    state: FileState,
    /// Set while the window reads and writes it itself.
    local: Option<LocalFile>,
    /// The number that the node gave the document, while the node has it open.
    number: Option<u64>,
    views: BTreeMap<GroupId, ViewId>,
}

impl OpenFile {
    /// What is known.
    pub fn state(&self) -> &FileState {
        &self.state
    }

    /// The document, when it is there.
    pub fn document(&self) -> Option<&Document> {
        if let FileState::Ready(document) = &self.state { Some(document) } else { None }
    }

    /// The document, when it is there.
    pub fn document_mut(&mut self) -> Option<&mut Document> {
        if let FileState::Ready(document) = &mut self.state { Some(document) } else { None }
    }

    /// The number that the node gave the document.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Set when the window reads and writes the file itself.
    pub fn local(&self) -> Option<LocalFile> {
        self.local
    }

    /// The view of a group.
    pub fn view(&self, group: GroupId) -> Option<ViewId> {
        self.views.get(&group).copied()
    }

    /// The document with the view of a group.
    pub fn of_group(&mut self, group: GroupId) -> Option<(&mut Document, ViewId)> {
        let view = self.view(group)?;
        Some((self.document_mut()?, view))
    }
}

/// The files that have tabs, by their paths.
#[derive(Debug, Clone, Default)]
pub struct OpenFiles {
    files: BTreeMap<String, OpenFile>,
}

impl OpenFiles {
    /// Notes that a file is wanted. Tells whether it must be asked for.
    pub fn want(&mut self, path: &str) -> bool {
        let is_new = match self.files.get(path) {
            Some(file) => matches!(file.state, FileState::Failed { .. }),
            None => true,
        };
        if is_new {
            let views = self.files.remove(path).map(|file| file.views).unwrap_or_default();
            let file = OpenFile { state: FileState::Loading, local: None, number: None, views };
            self.files.insert(path.to_owned(), file);
        }
        is_new
    }

    /// Notes that everything is asked for anew: the node was started again, or its news got lost. Gives the paths.
    pub fn want_again(&mut self) -> Vec<String> {
        for file in self.files.values_mut() {
            file.number = None;
        }
        self.files.keys().cloned().collect()
    }

    /// The files that the node does not have open although somebody wrote in them: they had gone.
    pub fn lost(&self) -> Vec<String> {
        let lost = self.files.iter().filter(|(_, file)| file.number.is_none() && file.document().is_some());
        lost.map(|(path, _)| path.clone()).collect()
    }

    /// Notes that one file is asked for anew. Gives the number that it had.
    pub fn reopen(&mut self, path: &str) -> Option<u64> {
        let file = self.files.get_mut(path)?;
        file.number.take()
    }

    /// The node has opened a file. Gives the document, or `None` when nobody wants it any more.
    pub fn opened(&mut self, path: &str, number: u64, text: &str, revision: u64) -> Option<&mut Document> {
        let file = self.files.get_mut(path)?;
        file.number = Some(number);
        let is_local = file.local.take().is_some();
        if is_local && !file.document().is_some_and(Document::is_behind) {
            file.state = FileState::Loading;
        }
        match &mut file.state {
            // What was typed and not sent stays, however often the file is opened.
            FileState::Ready(document) => document.reopened(text, revision),
            state => {
                *state = FileState::Ready(Box::new(Document::new(text, revision)));
                file.views.clear();
            }
        }
        file.document_mut()
    }

    /// A file was read that is not written together with others. What was written in it and not saved stays, and where
    /// it was read before each view stays where it was. One that the node has stays as it is. Gives the document, or
    /// `None` when nothing has become of it.
    pub fn looked_at(&mut self, path: &str, document: Document, local: LocalFile) -> Option<&mut Document> {
        let file = self.files.get_mut(path)?;
        let mut document = Box::new(document);
        match &file.state {
            FileState::Ready(before) if file.local.is_some() && before.is_behind() => {
                file.local = Some(local);
                let text = document.buffer().rope().to_string();
                let before = file.document_mut()?;
                before.reopened(&text, 0);
                return Some(before);
            }
            FileState::Ready(before) if file.local.is_some() => {
                document.set_language(before.language());
                document.set_settings(before.settings());
                for view in file.views.values_mut() {
                    let selections = before.view(*view).map(|view| view.selections().clone());
                    let top = before.top_row(*view);
                    *view = document.add_view();
                    document.select(*view, &selections.unwrap_or_default());
                    document.scroll_to_row(*view, top);
                }
            }
            FileState::Ready(_) => return None,
            _ => file.views.clear(),
        }
        file.local = Some(local);
        file.state = FileState::Ready(document);
        file.document_mut()
    }

    /// A file that is not written together with others was saved as it was at the time, or not. Gives the document, or
    /// `None` when the node has it by now, which is given what was written.
    pub fn saved(&mut self, path: &str, saved: Option<LocalFile>) -> Option<&mut Document> {
        let file = self.files.get_mut(path).filter(|file| file.local.is_some())?;
        if saved.is_some() {
            file.local = saved;
        }
        let document = file.document_mut()?;
        match saved {
            Some(_) => document.acknowledged(0),
            None => document.refused(),
        }
        Some(document)
    }

    /// A picture was read.
    pub fn pictured(&mut self, path: &str) {
        if let Some(file) = self.files.get_mut(path)
            && file.document().is_none()
        {
            file.state = FileState::Picture;
        }
    }

    /// A file could not be opened. One that is there already stays as it is, so that nothing that was typed goes.
    pub fn failed(&mut self, path: &str, message: &str, hint: Option<&str>) {
        if let Some(file) = self.files.get_mut(path)
            && file.document().is_none()
        {
            file.state = FileState::Failed { message: message.to_owned(), hint: hint.map(str::to_owned) };
        }
    }

    /// Makes the view of a group on a file, unless there is one.
    pub fn ensure_view(&mut self, path: &str, group: GroupId) -> Option<ViewId> {
        let file = self.files.get_mut(path)?;
        if let Some(view) = file.view(group) {
            return Some(view);
        }
        let view = file.document_mut()?.add_view();
        file.views.insert(group, view);
        Some(view)
    }

    /// Lets go of files and views that no tab shows. `is_shown` tells whether a group has a tab of a path. Gives the
    /// numbers of documents that the node may close.
    pub fn keep(
        &mut self,
        is_shown: impl Fn(GroupId, &str) -> bool,
        has_tab: impl Fn(&str) -> bool,
    ) -> Vec<u64> {
        let mut closed = Vec::new();
        self.files.retain(|path, file| {
            let gone: Vec<GroupId> =
                file.views.keys().copied().filter(|group| !is_shown(*group, path)).collect();
            for group in gone {
                if let (Some(view), Some(document)) = (file.views.remove(&group), file.document_mut()) {
                    document.remove_view(view);
                }
            }
            // What the node lacks is sent first.
            let is_kept = has_tab(path) || file.document().is_some_and(Document::is_behind);
            if !is_kept {
                closed.extend(file.number);
            }
            is_kept
        });
        closed
    }

    /// A file or folder has another path now. What was typed stays; what waits for an answer is known by its number.
    pub fn renamed(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let moved: Vec<String> =
            self.files.keys().filter(|path| *path == from || path.starts_with(&below)).cloned().collect();
        for path in moved {
            if let Some(mut file) = self.files.remove(&path) {
                if let Some(document) = file.document_mut() {
                    // A tree that is being made comes for the old path.
                    document.drop_syntax();
                }
                self.files.insert(format!("{to}{}", &path[from.len()..]), file);
            }
        }
    }

    /// A file.
    pub fn get(&self, path: &str) -> Option<&OpenFile> {
        self.files.get(path)
    }

    /// A file.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut OpenFile> {
        self.files.get_mut(path)
    }

    /// All files with their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OpenFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// All files with their paths.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut OpenFile)> {
        self.files.iter_mut().map(|(path, file)| (path.as_str(), file))
    }

    /// The path of the document that has a number.
    pub fn path_of(&self, number: u64) -> Option<&str> {
        self.iter().find(|(_, file)| file.number == Some(number)).map(|(path, _)| path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(0);

    #[test]
    fn a_file_is_asked_for_once_and_again_after_it_failed() {
        let mut files = OpenFiles::default();
        assert!(files.want("a"));
        assert!(!files.want("a"));
        files.failed("a", "no", Some("try"));
        assert!(matches!(files.get("a").unwrap().state(), FileState::Failed { .. }));
        assert!(files.want("a"));
        assert!(files.opened("a", 4, "text", 0).is_some());
        assert!(!files.want("a"));
        assert_eq!(files.path_of(4), Some("a"));
        assert!(files.opened("b", 5, "", 0).is_none());
    }

    #[test]
    fn what_was_typed_survives_that_the_node_begins_anew() {
        let mut files = OpenFiles::default();
        files.want("a");
        files.opened("a", 1, "text", 0);
        let view = files.ensure_view("a", GROUP).unwrap();
        assert_eq!(files.ensure_view("a", GROUP), Some(view));
        files.get_mut("a").unwrap().document_mut().unwrap().type_text(view, "my ");
        assert_eq!(files.want_again(), ["a"]);
        files.failed("a", "not yet", None);
        files.opened("a", 7, "text!", 0);
        let file = files.get("a").unwrap();
        assert_eq!(file.document().unwrap().buffer().rope().to_string(), "my text!");
        assert_eq!((file.number(), file.view(GROUP)), (Some(7), Some(view)));
        files.opened("a", 8, "text?", 0);
        let file = files.get("a").unwrap();
        assert_eq!(file.document().unwrap().buffer().rope().to_string(), "my text?", "opened twice");
        assert_eq!((file.number(), file.view(GROUP)), (Some(8), Some(view)));
    }

    fn stamp(bytes: u64) -> LocalFile {
        LocalFile { reason: LocalReason::NotShared, stamp: (bytes, SystemTime::UNIX_EPOCH) }
    }

    #[test]
    fn what_is_only_looked_at_is_shown_anew_and_gives_way_to_the_node() {
        let mut files = OpenFiles::default();
        files.want("a");
        files.looked_at("a", Document::new(&"line\n".repeat(100), 0), stamp(1)).unwrap();
        let view = files.ensure_view("a", GROUP).unwrap();
        let document = files.get_mut("a").unwrap().document_mut().unwrap();
        document.scroll_to_row(view, 30.0);
        files.looked_at("a", Document::new(&"other\n".repeat(100), 0), stamp(2)).unwrap();
        let file = files.get("a").unwrap();
        let view = file.view(GROUP).unwrap();
        assert!((file.document().unwrap().top_row(view) - 30.0).abs() < 1e-9);
        assert_eq!((file.local(), file.number()), (Some(stamp(2)), None));
        // The node has it now.
        files.opened("a", 3, "text", 0);
        let file = files.get("a").unwrap();
        assert_eq!(file.document().unwrap().buffer().rope().to_string(), "text");
        assert_eq!((file.local(), file.number()), (None, Some(3)));
        // What somebody may have written in is not replaced by what lies on the disk.
        assert!(files.looked_at("a", Document::new("disk", 0), stamp(3)).is_none());
        assert_eq!(files.get("a").unwrap().local(), None);
    }

    #[test]
    fn what_is_written_alone_stays_until_it_is_saved() {
        let mut files = OpenFiles::default();
        files.want("a");
        files.looked_at("a", Document::new("one\ntwo\n", 0), stamp(8)).unwrap();
        let view = files.ensure_view("a", GROUP).unwrap();
        let text =
            |files: &OpenFiles| files.get("a").unwrap().document().unwrap().buffer().rope().to_string();
        files.get_mut("a").unwrap().document_mut().unwrap().type_text(view, "my ");
        // Another program saves the file before the window does.
        files.looked_at("a", Document::new("one\ntwo\nthree\n", 0), stamp(14)).unwrap();
        assert_eq!(text(&files), "my one\ntwo\nthree\n");
        assert_eq!(files.get("a").unwrap().view(GROUP), Some(view));
        let document = files.get_mut("a").unwrap().document_mut().unwrap();
        assert!(document.outgoing().is_some());
        files.saved("a", None).unwrap();
        let document = files.get_mut("a").unwrap().document_mut().unwrap();
        assert!(document.outgoing().is_some(), "it was not saved, so it is again");
        document.type_text(view, "own ");
        files.saved("a", Some(stamp(17))).unwrap();
        let file = files.get("a").unwrap();
        assert_eq!(file.local(), Some(stamp(17)));
        assert!(file.document().unwrap().is_behind(), "typed after that");
        // It is shared from now on: the node is given what was typed last.
        files.opened("a", 5, "my one\ntwo\nthree\n", 0).unwrap();
        assert_eq!(text(&files), "my own one\ntwo\nthree\n");
        assert!(files.saved("a", Some(stamp(17))).is_none());
        let outgoing = files.get_mut("a").unwrap().document_mut().unwrap().outgoing().unwrap();
        assert_eq!(outgoing.edits[0].insert, "own ");
    }

    #[test]
    fn a_renamed_file_keeps_what_was_typed() {
        let mut files = OpenFiles::default();
        for path in ["src/a", "srcb"] {
            files.want(path);
            files.opened(path, 1, "text", 0);
        }
        let view = files.ensure_view("src/a", GROUP).unwrap();
        files.get_mut("src/a").unwrap().document_mut().unwrap().type_text(view, "my ");
        files.renamed("src", "lib");
        let paths: Vec<&str> = files.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["lib/a", "srcb"]);
        let file = files.get("lib/a").unwrap();
        assert_eq!(file.document().unwrap().buffer().rope().to_string(), "my text");
        assert_eq!(file.view(GROUP), Some(view));
    }

    #[test]
    fn a_closed_file_goes_when_the_node_has_all_of_it() {
        let mut files = OpenFiles::default();
        files.want("a");
        files.opened("a", 1, "text", 0);
        let view = files.ensure_view("a", GROUP).unwrap();
        files.get_mut("a").unwrap().document_mut().unwrap().type_text(view, "my ");
        assert_eq!(files.keep(|_, _| false, |_| false), [0; 0]);
        let document = files.get_mut("a").unwrap().document_mut().unwrap();
        assert!(document.outgoing().is_some());
        document.acknowledged(1);
        assert_eq!(files.keep(|_, _| false, |_| false), [1]);
        assert!(files.get("a").is_none());
    }
}
