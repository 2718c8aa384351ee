//! Files that are not written together with others: the window saves them itself.

use std::{collections::BTreeMap, path::Path, time::Duration};

use eframe::egui::Context;
use weft_editor::window::{LocalFile, LocalReason};

use super::Shell;
use crate::{
    limits::{LOCAL_SAVE_LATEST, LOCAL_SAVE_PAUSE, LOCAL_SAVE_REST},
    link::{LocalSave, NotSaved, SavedLocally, ToLink},
};

/// How long a file is left alone that could not be saved, in seconds.
const PAUSE_AFTER_FAILURE: f64 = 5.0;

/// What is known of such files.
#[derive(Debug, Default)]
pub(super) struct LocalFiles {
    unsaved: BTreeMap<String, Unsaved>,
    /// Until when a file is not saved again.
    rests: BTreeMap<String, f64>,
    /// Those of which it was told that they are shown.
    watched: Vec<(String, LocalFile)>,
}

#[derive(Debug)]
struct Unsaved {
    /// The version of the text.
    version: u64,
    /// When the first edit was seen that is not saved.
    since: f64,
    /// When the last one was.
    last: f64,
}

impl Shell {
    /// Saves what nobody has written in for a moment, and tells which files are to be looked after.
    pub(super) fn exchange_local(&mut self, ctx: &Context) {
        if let Some(wait) = self.save_local(false) {
            ctx.request_repaint_after(Duration::from_secs_f64(wait.max(0.01)));
        }
        self.watch_local();
    }

    /// Saves files that have what is not on the disk, at once or when it is time. Tells in how many seconds the next one
    /// is due.
    pub(super) fn save_local(&mut self, at_once: bool) -> Option<f64> {
        let now = self.state.now;
        let own_folder = self.state.settings_file.parent();
        let folder = self.state.folder.as_mut()?;
        let mut next: Option<f64> = None;
        let known = &mut self.local;
        known.rests.retain(|_, until| *until > now);
        known.unsaved.retain(|path, _| folder.files.get(path).is_some_and(|file| file.local().is_some()));
        for (path, file) in folder.files.iter_mut() {
            // What is shown of a file that is no UTF-8 is not what is in it.
            let Some(over) = file.local().filter(|local| !local.reason.is_read_only()) else { continue };
            let Some(document) = file.document_mut().filter(|document| document.has_unsent()) else {
                known.unsaved.remove(path);
                continue;
            };
            let version = document.version();
            let unsaved = known.unsaved.entry(path.to_owned());
            let unsaved = unsaved.or_insert(Unsaved { version, since: now, last: now });
            if unsaved.version != version {
                (unsaved.version, unsaved.last) = (version, now);
            }
            let quiet = (unsaved.last + LOCAL_SAVE_PAUSE).min(unsaved.since + LOCAL_SAVE_LATEST);
            let due = quiet.max(known.rests.get(path).copied().unwrap_or(0.0));
            if !at_once && due > now {
                next = Some(next.map_or(due - now, |next| next.min(due - now)));
                continue;
            }
            // While an answer is awaited nothing is given out.
            if document.outgoing().is_none() {
                continue;
            }
            let text = document.buffer().clone();
            let root = folder.root.clone();
            let own_folder = own_folder.filter(|_| Path::new(path).is_absolute());
            let within = own_folder.unwrap_or(&root).to_owned();
            let wanted = LocalSave { root, within, path: path.to_owned(), text, over };
            if self.link.ask(ToLink::SaveLocally(Box::new(wanted))).is_err() {
                document.refused();
                next = Some(next.map_or(LOCAL_SAVE_PAUSE, |next| next.min(LOCAL_SAVE_PAUSE)));
            } else {
                known.unsaved.remove(path);
            }
        }
        next
    }

    /// Sends and saves everything that was typed, before another folder is shown.
    pub(super) fn save_everything(&mut self) {
        self.send_edits();
        self.save_local(true);
    }

    /// A file was saved, or not.
    pub(super) fn saved_locally(&mut self, saved: SavedLocally) {
        let now = self.state.now;
        let Some(folder) = self.state.folder.as_mut().filter(|folder| folder.root == saved.root) else {
            return;
        };
        let path = saved.path;
        let local = saved.result.as_ref().ok().copied();
        let Some(document) = folder.files.saved(&path, local) else { return };
        let is_behind = document.has_unsent();
        self.local.rests.insert(path.clone(), now + LOCAL_SAVE_REST * saved.took.as_secs_f64());
        match saved.result {
            Ok(_) => {
                tracing::debug!(path, is_behind, "saved");
                // A tab that was closed meanwhile has waited for this.
                self.want_shown();
            }
            // What is on the disk and what was typed are put together.
            Err(NotSaved::Changed) => self.ask_for_file(path),
            Err(why) => {
                self.local.rests.insert(path.clone(), now + PAUSE_AFTER_FAILURE);
                let hint = match why {
                    NotSaved::Protected => {
                        "allow writing in the file; what you typed is in this window and is saved then"
                    }
                    _ => "what you typed is in this window; it is tried again",
                };
                self.state.notice(&format!("{path} cannot be saved: {why}"), Some(hint), true);
            }
        }
    }

    /// Asks again for files of which it is not clear whether they are shared.
    pub(super) fn look_at_local(&mut self) {
        let Some(folder) = &self.state.folder else { return };
        let unclear = folder.files.iter().filter(|(_, file)| {
            let reason = file.local().map(|local| local.reason);
            matches!(reason, Some(LocalReason::NotRead | LocalReason::NotShared))
        });
        let unclear: Vec<String> = unclear.map(|(path, _)| path.to_owned()).collect();
        for path in unclear {
            self.ask_for_file(path);
        }
    }

    /// Whether something was typed in a file that is not written together with others, and is not on the disk.
    pub(super) fn has_unsaved(&self) -> bool {
        self.state.folder.as_ref().is_some_and(|folder| {
            let mut files = folder.files.iter();
            files.any(|(_, file)| {
                file.local().is_some() && file.document().is_some_and(weft_editor::Document::is_behind)
            })
        })
    }

    fn watch_local(&mut self) {
        let Some(folder) = &self.state.folder else { return };
        let files = folder.files.iter().filter(|(_, file)| file.document().is_some());
        let watched: Vec<(String, LocalFile)> =
            files.filter_map(|(path, file)| Some((path.to_owned(), file.local()?))).collect();
        if watched != self.local.watched && self.link.ask(ToLink::WatchLocally(watched.clone())).is_ok() {
            self.local.watched = watched;
        }
    }
}
