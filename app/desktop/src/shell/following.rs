//! Who is here, and going where somebody goes.

use weft_editor::Reveal;
use weft_node::api::{DocumentCursors, Presence};

use super::Shell;
use crate::{limits::EARLY_CURSORS_MAX, state::Following, strings};

impl Shell {
    /// Takes who is here.
    pub(super) fn presence(&mut self, presence: Presence) {
        if let Some(folder) = &mut self.state.folder {
            let own = folder.workspace.value().map(|status| status.workspace.as_str());
            // Another folder may have been watched before.
            if own.is_some_and(|own| own != presence.workspace) {
                return;
            }
            folder.present = presence.devices;
        }
        self.refresh_pages();
    }

    /// Takes where others are in a document.
    pub(super) fn cursors(&mut self, cursors: DocumentCursors) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) = folder.files.path_of(cursors.document).map(str::to_owned) else {
            // The news that it is open is on its way.
            if folder.early_cursors.len() < EARLY_CURSORS_MAX {
                folder.early_cursors.insert(cursors.document, cursors);
            }
            return;
        };
        let names: std::collections::BTreeMap<String, String> = folder
            .workspace
            .value()
            .into_iter()
            .flat_map(|status| &status.peers)
            .filter_map(|peer| Some((peer.user.clone(), peer.user_name.clone()?)))
            .collect();
        let Some(document) = folder.files.get_mut(&path).and_then(|file| file.document_mut()) else { return };
        let list = cursors.cursors.into_iter().map(|remote| {
            let name = remote.user_name.or_else(|| names.get(&remote.user).cloned()).unwrap_or_default();
            let at = |place: u64| weft_editor::CharIndex(usize::try_from(place).unwrap_or(usize::MAX));
            let id = if remote.device.is_empty() { remote.user.clone() } else { remote.device };
            let (anchor, head) = (at(remote.cursor.anchor), at(remote.cursor.head));
            let others = remote.others.iter().map(|one| (at(one.anchor), at(one.head))).collect();
            weft_editor::Whereabouts { id, user: remote.user, name, anchor, head, others }
        });
        // Those of a later revision wait for it; those of an older one are replaced in a moment.
        let _is_taken = document.set_people(cursors.revision, list);
    }

    /// Takes cursors that came before the news that their document is open.
    pub(super) fn take_early_cursors(&mut self, number: u64) {
        let Some(folder) = &mut self.state.folder else { return };
        let early = folder.early_cursors.remove(&number);
        // Numbers grow: what is older is not waited for any more.
        folder.early_cursors.retain(|other, _| *other > number);
        if let Some(cursors) = early {
            self.cursors(cursors);
        }
    }

    /// Begins to follow a device's person, or ends it.
    pub(super) fn set_following(&mut self, device: Option<String>) {
        let Some(folder) = &mut self.state.folder else { return };
        let is_same = folder.following.as_ref().map(|following| &following.device) == device.as_ref();
        folder.following = device.filter(|_| !is_same).map(|device| Following { device, seen: None });
    }

    /// Follows whoever is here, one after the other, and then nobody.
    pub(super) fn follow_next(&mut self) {
        let Some(folder) = &self.state.folder else { return };
        let followed = folder.following.as_ref().map(|following| following.device.as_str());
        let at = followed.and_then(|device| folder.present.iter().position(|one| one.device == device));
        let next = folder.present.get(at.map_or(0, |at| at + 1)).map(|one| one.device.clone());
        if next.is_none() && followed.is_none() {
            self.state.notice(strings::NOBODY_TO_FOLLOW, None, false);
        }
        self.set_following(next);
    }

    /// Whoever acts in the text goes their own way.
    pub(super) fn stop_following(&mut self) {
        if let Some(folder) = &mut self.state.folder {
            folder.following = None;
        }
    }

    /// Shows the file and the place where the followed person is, when that is another one than before.
    pub(super) fn follow(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(following) = folder.following.clone() else { return };
        let Some(device) = folder.present.iter().find(|one| one.device == following.device) else {
            // They have left.
            folder.following = None;
            return;
        };
        let Some(file) = device.file.clone() else { return };
        if folder.active_path() != Some(file.as_str()) {
            let has_gone_there = following.seen.as_ref().is_none_or(|(seen, _)| *seen != file);
            if has_gone_there {
                if let Some(followed) = &mut folder.following {
                    followed.seen = Some((file.clone(), usize::MAX));
                }
                self.open_file(&file, true, None);
            }
            return;
        }
        let Some((document, _)) = folder.active() else { return };
        let person = document.people().iter().find(|person| person.id == following.device);
        let Some(head) = person.map(|person| person.selection.head) else { return };
        let seen = (file, head.0);
        if following.seen.as_ref() == Some(&seen) {
            return;
        }
        if let Some(followed) = &mut folder.following {
            followed.seen = Some(seen);
        }
        self.reveal_place(head, Reveal::Centre);
    }
}
