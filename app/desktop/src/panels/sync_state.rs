//! Who has what, per device, and what waits.

use eframe::egui::{RichText, Ui};
use weft_node::api::{Conduct, PeerStatus};

use super::Scene;
use crate::{
    controls,
    state::{NodeState, sentence, sync_words},
    strings, tokens,
};

/// How many waiting paths are listed.
const PATHS_MAX: usize = 50;

pub(super) fn sync_state_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    let Some(folder) = &scene.state.folder else { return };
    if let Some(error) = folder.workspace.error() {
        controls::failure(ui, tokens, error);
    }
    let Some(status) = folder.workspace.value() else { return };
    ui.label(RichText::new(sync_words(status).0).font(tokens::strong(14.0)));
    if let Some(reason) = &status.state_reason {
        controls::paragraph(ui, tokens, &sentence(reason));
    }
    if matches!(scene.state.node, NodeState::Ready { is_own: true }) {
        let line = "The node runs in this window: others receive your edits while it is open. `weft node --detach` keeps one running.";
        controls::paragraph(ui, tokens, line);
    }
    ui.add_space(tokens::PADDING);
    if status.peers.is_empty() {
        controls::paragraph(ui, tokens, strings::ALONE);
    }
    for peer in &status.peers {
        controls::card(ui, tokens, |ui| peer_ui(ui, scene, peer));
        ui.add_space(tokens::STEP);
    }
    if !status.pending.is_empty() {
        ui.add_space(tokens::PADDING);
        controls::section_head(ui, tokens, "Not as they should be");
        for pending in status.pending.iter().take(PATHS_MAX) {
            ui.label(&pending.path);
            controls::paragraph(ui, tokens, &sentence(&pending.reason));
        }
        if status.pending.len() > PATHS_MAX {
            controls::paragraph(ui, tokens, &format!("and {} more", status.pending.len() - PATHS_MAX));
        }
    }
}

fn peer_ui(ui: &mut Ui, scene: &Scene<'_>, peer: &PeerStatus) {
    let name = peer.user_name.as_deref().unwrap_or("Somebody");
    let device = peer.device_name.as_deref().unwrap_or("a device");
    ui.horizontal(|ui| {
        controls::avatar(ui, scene.tokens, &peer.user, name, peer.connected);
        ui.label(RichText::new(format!("{name}, {device}")).font(tokens::strong(tokens::TEXT_SIZE)));
    });
    let has = if peer.has_all_mine {
        "Has all your edits".to_owned()
    } else {
        format!("Lacks {} of your edits", peer.missing.max(1))
    };
    let way = match (&peer.path, peer.connected) {
        (Some(path), true) => format!("connected through {path}"),
        (_, true) => "connected".to_owned(),
        (_, false) => "not connected".to_owned(),
    };
    controls::paragraph(ui, scene.tokens, &format!("{has}; {way}"));
    if peer.behind > 0 {
        controls::paragraph(
            ui,
            scene.tokens,
            &format!("Has {} edits that are still to come here", peer.behind),
        );
    }
    let conduct = match peer.conduct {
        Conduct::Fair => return,
        Conduct::Slowed => "It sends more than is taken in, and is made to wait.",
        Conduct::ShutOut => "It has broken the protocol, and is not listened to for an hour.",
    };
    ui.label(RichText::new(conduct).color(scene.tokens.warning));
}
