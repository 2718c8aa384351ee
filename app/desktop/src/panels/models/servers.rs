//! Servers that may be asked besides the models on this device.

use eframe::egui::{Button, RichText, TextEdit, Ui};
use weft_node::api::{AiProvider, ApiKey, ProviderKind, Purpose};

use super::{ROLES, Scene, choose_ui, note, removing_ui};
use crate::{
    action::{Action, AiAction},
    controls,
    link::ModelWork,
    strings, tokens,
};

/// A server that is being described.
#[derive(Debug)]
pub(crate) struct ServerDraft {
    id: String,
    kind: ProviderKind,
    url: String,
    model: String,
    key: ApiKey,
}

impl Default for ServerDraft {
    fn default() -> Self {
        let (id, url, model, key) = (String::new(), String::new(), String::new(), ApiKey(String::new()));
        Self { id, kind: ProviderKind::OpenAi, url, model, key }
    }
}

impl ServerDraft {
    fn work(&self) -> ModelWork {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        ModelWork::AddServer {
            id: self.id.trim().to_owned(),
            kind: self.kind,
            url: filled(&self.url),
            model: self.model.trim().to_owned(),
            key: filled(&self.key.0).map(ApiKey),
        }
    }
}

pub(super) fn servers_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::section_head(ui, scene.tokens, strings::SERVERS);
    controls::paragraph(ui, scene.tokens, strings::SERVERS_MORE);
    if scene.state.ai.page.is_local_only() {
        ui.label(RichText::new(strings::SERVERS_REFUSED).color(scene.tokens.warning));
    }
    ui.add_space(tokens::STEP);
    let servers = scene.state.ai.models.value().map(|(_, servers)| servers.providers.as_slice());
    for server in servers.unwrap_or_default() {
        server_ui(ui, scene, server);
        ui.add_space(tokens::STEP);
    }
    match scene.drafts.models.server.take() {
        Some(draft) => draft_ui(ui, scene, draft),
        None => {
            if ui.button(strings::ADD_SERVER).clicked() {
                scene.drafts.models.server = Some(ServerDraft::default());
            }
        }
    }
}

fn kind_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi => strings::SERVER_OPENAI,
        ProviderKind::Anthropic => strings::SERVER_ANTHROPIC,
    }
}

fn server_ui(ui: &mut Ui, scene: &mut Scene<'_>, server: &AiProvider) {
    controls::card(ui, scene.tokens, |ui| {
        ui.label(RichText::new(&server.id).font(tokens::strong(tokens::TEXT_SIZE)));
        let key = if server.has_key { "with a key" } else { "without a key" };
        let facts = format!("{}, {}, {}, {key}", kind_name(server.kind), server.model, server.url);
        note(ui, scene, &facts);
        let agreed: Vec<&str> =
            server.confirmed.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let agreed = match agreed.as_slice() {
            [] => "You are asked before anything of a workspace is sent.".to_owned(),
            some => format!("You have agreed for {}.", some.join(", ")),
        };
        note(ui, scene, &agreed);
        ui.horizontal_wrapped(|ui| {
            note(ui, scene, strings::ASK_FOR);
            for (role, name, _) in ROLES.into_iter().filter(|(role, ..)| *role != Purpose::Embedding) {
                choose_ui(ui, scene, &server.id, role, name, server.chosen_for.contains(&role));
            }
        });
        if scene.drafts.models.removing.as_deref() == Some(&server.id) {
            let work = ModelWork::RemoveServer(server.id.clone());
            return removing_ui(ui, scene, strings::REMOVE_SERVER_MORE, work);
        }
        ui.horizontal_wrapped(|ui| {
            if ui.button(strings::TEST_SERVER).clicked() {
                scene.actions.push(Action::Ai(AiAction::Work(ModelWork::TestServer(server.id.clone()))));
            }
            if ui.button(strings::REMOVE).clicked() {
                scene.drafts.models.removing = Some(server.id.clone());
            }
        });
    });
}

/// The fields of a new server.
fn draft_ui(ui: &mut Ui, scene: &mut Scene<'_>, mut draft: ServerDraft) {
    let tokens = scene.tokens;
    let mut is_over = false;
    controls::card(ui, tokens, |ui| {
        controls::field(ui, tokens, strings::SERVER_NAME, strings::SERVER_NAME_HINT, &mut draft.id);
        ui.add_space(tokens::STEP);
        ui.horizontal_wrapped(|ui| {
            for kind in [ProviderKind::OpenAi, ProviderKind::Anthropic] {
                ui.radio_value(&mut draft.kind, kind, kind_name(kind));
            }
        });
        ui.add_space(tokens::STEP);
        controls::field(ui, tokens, strings::SERVER_URL, strings::SERVER_URL_HINT, &mut draft.url);
        ui.add_space(tokens::STEP);
        controls::field(ui, tokens, strings::SERVER_MODEL, strings::SERVER_MODEL_HINT, &mut draft.model);
        ui.add_space(tokens::STEP);
        let small = tokens::font(tokens::SMALL_SIZE);
        let label = ui.label(RichText::new(strings::SERVER_KEY).font(small).color(tokens.muted));
        let key = TextEdit::singleline(&mut draft.key.0)
            .password(true)
            .desired_width(f32::INFINITY)
            .margin(eframe::egui::Margin::symmetric(8, 5));
        ui.add(key).labelled_by(label.id);
        ui.add_space(tokens::STEP);
        ui.horizontal_wrapped(|ui| {
            let is_whole = !draft.id.trim().is_empty() && !draft.model.trim().is_empty();
            if ui.add_enabled(is_whole, Button::new(strings::ADD_SERVER_NOW)).clicked() {
                scene.actions.push(Action::Ai(AiAction::Work(draft.work())));
                is_over = true;
            }
            is_over |= ui.button(strings::CANCEL).clicked();
        });
    });
    scene.drafts.models.server = Some(draft).filter(|_| !is_over);
}
