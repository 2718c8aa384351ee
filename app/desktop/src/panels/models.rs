//! Models: who is asked for what, what is here, what this device can carry, what members share, and servers.

mod servers;

use eframe::egui::{Button, ProgressBar, RichText, Ui};
use weft_node::api::{AiModel, AiModelOffer, Purpose, Role, Stage};

pub(crate) use self::servers::ServerDraft;
use super::Scene;
use crate::{
    action::{Action, AiAction},
    controls,
    icons::Icon,
    link::ModelWork,
    state::{Folder, Job, count_words, sentence, size_words},
    strings, tokens,
};

/// What can be asked of a model, with its name and what is said where nobody is asked.
const ROLES: [(Purpose, &str, &str); 3] = [
    (Purpose::Completion, strings::ROLE_COMPLETION, strings::NOBODY_FOR_COMPLETION),
    (Purpose::Chat, strings::ROLE_CHAT, strings::NOBODY_FOR_CHAT),
    (Purpose::Embedding, strings::ROLE_EMBEDDING, strings::NOBODY_FOR_EMBEDDING),
];
/// The width of the bar that shows how far work is.
const BAR_WIDTH: f32 = 240.0;
/// Digits and letters of a SHA-256.
const SHA256_CHARS: usize = 64;
/// How many of them are shown.
const SHA256_SHOWN: usize = 12;

/// What stands in the fields of the page.
#[derive(Debug, Default)]
pub(crate) struct ModelsDraft {
    /// Where a model is to come from.
    pub(crate) place: String,
    /// What its SHA-256 must be.
    pub(crate) sha256: String,
    /// The model or the server of which it is asked whether it is to be removed.
    pub(crate) removing: Option<String>,
    /// The server that is being described.
    pub(crate) server: Option<ServerDraft>,
}

pub(super) fn models_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let state = scene.state;
    for job in &state.ai.page.jobs {
        job_ui(ui, scene, job);
    }
    if let Some(error) = state.ai.models.error() {
        controls::failure(ui, scene.tokens, error);
        ui.add_space(tokens::GAP);
    }
    if state.ai.models.value().is_none() && state.ai.models.is_pending() {
        ui.spinner();
        return;
    }
    roles_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    here_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    get_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    offers_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    servers::servers_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    hardware_ui(ui, scene);
}

/// Small text of a card.
fn note(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    let font = tokens::font(tokens::SMALL_SIZE);
    ui.label(RichText::new(text).font(font).color(scene.tokens.muted));
}

/// Work that goes on, or that failed.
fn job_ui(ui: &mut Ui, scene: &mut Scene<'_>, job: &Job) {
    let dismiss = Action::Ai(AiAction::Dismiss(job.number));
    controls::card(ui, scene.tokens, |ui| {
        let title = RichText::new(&job.title).font(tokens::strong(tokens::TEXT_SIZE));
        ui.add(eframe::egui::Label::new(title).truncate()).on_hover_text(&job.title);
        if let Some(error) = &job.error {
            controls::failure(ui, scene.tokens, error);
            if ui.button(strings::DISMISS).clicked() {
                scene.actions.push(dismiss);
            }
            return;
        }
        ui.horizontal_wrapped(|ui| match &job.progress {
            Some(progress) if progress.total.is_some_and(|total| total > 0) => {
                let total = progress.total.unwrap_or(1);
                let share = progress.done as f32 / total as f32;
                ui.add(ProgressBar::new(share).desired_width(BAR_WIDTH).desired_height(6.0));
                let done = size_words(progress.done);
                note(ui, scene, &format!("{done} of {}", size_words(total)));
            }
            Some(progress) if progress.what == Stage::Receive && progress.done > 0 => {
                ui.spinner();
                note(ui, scene, &size_words(progress.done));
            }
            _ => drop(ui.spinner()),
        });
        if ui.button(strings::CANCEL).clicked() {
            scene.actions.push(dismiss);
        }
    });
    ui.add_space(tokens::GAP);
}

/// Who is asked for what.
fn roles_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    let ai = &scene.state.ai;
    controls::section_head(ui, tokens, strings::ROLES);
    for (role, name, nobody) in ROLES {
        ui.horizontal_wrapped(|ui| match ai.chosen_for(role) {
            Some(id) => {
                controls::icon(ui, Icon::Dot, tokens.success);
                let servers = ai.models.value().map(|(_, servers)| servers.providers.as_slice());
                let is_server = servers.is_some_and(|all| all.iter().any(|server| server.id == id));
                let more = if is_server { format!(" ({})", strings::IS_SERVER) } else { String::new() };
                ui.label(format!("{name}: {id}{more}"));
            }
            None => {
                controls::icon(ui, Icon::Warning, tokens.warning);
                ui.label(format!("{name}: {nobody}"));
            }
        });
    }
    local_only_ui(ui, scene);
}

/// Whether the workspace lets servers be asked.
fn local_only_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let page = &scene.state.ai.page;
    if let Some(error) = page.policies.error() {
        controls::failure(ui, scene.tokens, error);
    }
    let Some(policies) = page.policies.value() else { return };
    let role = scene.state.folder.as_ref().and_then(|folder| folder.workspace.value()).map(|it| it.role);
    let may_change = role.is_some_and(|role| role >= Role::Admin);
    ui.add_space(tokens::STEP);
    let mut is_on = policies.ai_local_only;
    let tick = |ui: &mut Ui| controls::checkbox(ui, scene.tokens, &mut is_on, strings::AI_LOCAL_ONLY);
    if ui.add_enabled_ui(may_change, tick).inner.changed() {
        scene.actions.push(Action::Ai(AiAction::Work(ModelWork::LocalOnly(is_on))));
    }
    controls::paragraph(ui, scene.tokens, strings::AI_LOCAL_ONLY_MORE);
    if !may_change {
        controls::paragraph(ui, scene.tokens, strings::AI_LOCAL_ONLY_ADMIN);
    }
}

fn here_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::section_head(ui, scene.tokens, strings::MODELS_HERE);
    let Some((models, _)) = scene.state.ai.models.value() else { return };
    if models.models.is_empty() {
        controls::paragraph(ui, scene.tokens, strings::NO_MODELS_HERE);
    }
    for model in &models.models {
        model_ui(ui, scene, model);
        ui.add_space(tokens::STEP);
    }
}

fn model_ui(ui: &mut Ui, scene: &mut Scene<'_>, model: &AiModel) {
    let tokens = scene.tokens;
    controls::card(ui, tokens, |ui| {
        ui.label(RichText::new(&model.id).font(tokens::strong(tokens::TEXT_SIZE)));
        note(ui, scene, &facts_of(model));
        let (icon, color) =
            if model.fits { (Icon::Dot, tokens.success) } else { (Icon::Warning, tokens.warning) };
        ui.horizontal_wrapped(|ui| {
            controls::icon(ui, icon, color);
            note(ui, scene, &sentence(&model.why));
        });
        if !model.roles.is_empty() && model.fits {
            ui.horizontal_wrapped(|ui| {
                note(ui, scene, strings::ASK_FOR);
                for (role, name, _) in ROLES.into_iter().filter(|(role, ..)| model.roles.contains(role)) {
                    choose_ui(ui, scene, &model.id, role, name, model.chosen_for.contains(&role));
                }
            });
        }
        let sha256: String = model.sha256.chars().take(SHA256_SHOWN).collect();
        ui.horizontal_wrapped(|ui| {
            note(ui, scene, &format!("SHA-256 {sha256}…"));
            if ui.small_button(strings::COPY).clicked() {
                scene.actions.push(Action::CopyText(model.sha256.clone()));
            }
        });
        note(ui, scene, &format!("From {}", model.source));
        model_buttons_ui(ui, scene, model);
    });
}

/// A role that a model or a server can be chosen for.
fn choose_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: &str, role: Purpose, name: &str, is_chosen: bool) {
    let response = ui.selectable_label(is_chosen, name);
    let label = format!("Ask {id} for {}", name.to_lowercase());
    response.widget_info(|| {
        eframe::egui::WidgetInfo::selected(eframe::egui::Role::Button, true, is_chosen, label.clone())
    });
    if response.clicked() && !is_chosen {
        scene.actions.push(Action::Ai(AiAction::Work(ModelWork::Choose { id: id.to_owned(), role })));
    }
}

fn facts_of(model: &AiModel) -> String {
    let mut facts = vec![size_words(model.bytes)];
    if model.parameters > 0 {
        facts.push(format!("{} parameters", count_words(model.parameters)));
    }
    if model.context_tokens > 0 {
        facts.push(format!("reads {} tokens", grouped(model.context_tokens)));
    }
    facts.extend(model.license.clone());
    if model.is_loaded {
        facts.push(strings::IN_MEMORY.to_owned());
    }
    facts.join(", ")
}

/// A number with a comma after each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let is_start = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
    let parts = digits
        .char_indices()
        .map(|(index, digit)| if is_start(index) { format!(",{digit}") } else { digit.to_string() });
    parts.collect()
}

fn model_buttons_ui(ui: &mut Ui, scene: &mut Scene<'_>, model: &AiModel) {
    if scene.drafts.models.removing.as_deref() == Some(&model.id) {
        let work = ModelWork::Remove(model.id.clone());
        return removing_ui(ui, scene, strings::REMOVE_MODEL_MORE, work);
    }
    let workspace = scene.state.folder.as_ref().and_then(|folder| folder.workspace.value());
    let name = workspace.map(|status| status.name.clone());
    ui.horizontal_wrapped(|ui| {
        if ui.button(strings::VERIFY).on_hover_text(strings::VERIFY_MORE).clicked() {
            scene.actions.push(Action::Ai(AiAction::Work(ModelWork::Verify(model.id.clone()))));
        }
        if let Some(name) = name {
            let stop = model.shared_in.contains(&name);
            let label = if stop { strings::SHARE_MODEL_STOP } else { strings::SHARE_MODEL };
            if ui.button(label).on_hover_text(strings::OFFERS_MORE).clicked() {
                let work = ModelWork::Share { id: model.id.clone(), stop };
                scene.actions.push(Action::Ai(AiAction::Work(work)));
            }
        }
        if ui.button(strings::REMOVE).clicked() {
            scene.drafts.models.removing = Some(model.id.clone());
        }
    });
    if !model.shared_in.is_empty() {
        note(ui, scene, &format!("Shared in {}", model.shared_in.join(", ")));
    }
}

/// Asks once more before something is removed.
fn removing_ui(ui: &mut Ui, scene: &mut Scene<'_>, more: &str, work: ModelWork) {
    controls::paragraph(ui, scene.tokens, more);
    ui.horizontal_wrapped(|ui| {
        if ui.button(RichText::new(strings::REMOVE_NOW).color(scene.tokens.error)).clicked() {
            scene.drafts.models.removing = None;
            scene.actions.push(Action::Ai(AiAction::Work(work)));
        }
        if ui.button(strings::CANCEL).clicked() {
            scene.drafts.models.removing = None;
        }
    });
}

fn get_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    let draft = &mut scene.drafts.models;
    controls::section_head(ui, tokens, strings::GET_A_MODEL);
    controls::field(ui, tokens, strings::MODEL_PLACE, strings::MODEL_PLACE_HINT, &mut draft.place);
    let place = draft.place.trim().to_owned();
    let is_address = place.starts_with("https://") || place.starts_with("http://");
    let mut sha256 = None;
    if is_address {
        ui.add_space(tokens::STEP);
        controls::field(ui, tokens, strings::MODEL_SHA256, strings::MODEL_SHA256_HINT, &mut draft.sha256);
        sha256 = Some(draft.sha256.trim().to_lowercase()).filter(|sum| !sum.is_empty());
    }
    let is_sum = |sum: &String| sum.len() == SHA256_CHARS && sum.chars().all(|it| it.is_ascii_hexdigit());
    let is_right = sha256.as_ref().is_none_or(is_sum);
    if !is_right {
        ui.label(RichText::new(strings::MODEL_SHA256_WRONG).color(tokens.warning));
    }
    ui.add_space(tokens::STEP);
    let button = Button::new(strings::GET_MODEL);
    if ui.add_enabled(!place.is_empty() && is_right, button).clicked() {
        let work = match is_address {
            true => ModelWork::Download { url: place, sha256 },
            false => ModelWork::Import(place.into()),
        };
        scene.actions.push(Action::Ai(AiAction::Work(work)));
    }
}

/// What members share here.
fn offers_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let workspace = scene.state.folder.as_ref().and_then(|folder: &Folder| folder.workspace.value());
    if workspace.is_none() {
        return;
    }
    let offers = &scene.state.ai.page.offers;
    controls::section_head(ui, scene.tokens, strings::OFFERS);
    controls::paragraph(ui, scene.tokens, strings::OFFERS_MORE);
    ui.add_space(tokens::STEP);
    if let Some(error) = offers.error() {
        controls::failure(ui, scene.tokens, error);
    }
    if let Some(offered) = offers.value() {
        if offered.models.is_empty() {
            controls::paragraph(ui, scene.tokens, strings::NO_OFFERS);
        }
        for offer in &offered.models {
            offer_ui(ui, scene, offer);
            ui.add_space(tokens::STEP);
        }
    }
    if offers.is_pending() {
        ui.spinner();
    } else if ui.button(strings::LOOK_FOR_OFFERS).clicked() {
        scene.actions.push(Action::Ai(AiAction::LookForOffers));
    }
}

fn offer_ui(ui: &mut Ui, scene: &mut Scene<'_>, offer: &AiModelOffer) {
    controls::card(ui, scene.tokens, |ui| {
        ui.label(RichText::new(&offer.id).font(tokens::strong(tokens::TEXT_SIZE)));
        let holders = offer.holders.iter().map(|it| format!("{} ({})", it.user_name, it.device_name));
        let mut facts = vec![size_words(offer.bytes)];
        facts.extend(offer.license.clone());
        facts.push(format!("from {}", holders.collect::<Vec<_>>().join(", ")));
        note(ui, scene, &facts.join(", "));
        if offer.is_here {
            note(ui, scene, &sentence(strings::IS_HERE));
        } else if ui.button(strings::FETCH).clicked() {
            // By its checksum: two may have one name.
            scene.actions.push(Action::Ai(AiAction::Work(ModelWork::Get(offer.sha256.clone()))));
        }
    });
}

fn hardware_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::section_head(ui, scene.tokens, strings::HARDWARE);
    let hardware = &scene.state.ai.page.hardware;
    if let Some(error) = hardware.error() {
        controls::failure(ui, scene.tokens, error);
    }
    let Some(report) = hardware.value() else {
        if hardware.is_pending() {
            ui.spinner();
        }
        return;
    };
    let cores = format!("{} cores, of which models use {}", report.cores, report.threads);
    let memory = match (report.memory_free_bytes, report.memory_bytes) {
        (Some(free), Some(all)) => format!("; {} of {} memory are free", size_words(free), size_words(all)),
        _ => String::new(),
    };
    ui.label(format!("{cores}{memory}"));
    let backends = match report.backends.as_slice() {
        [] => "Models run on the processor.".to_owned(),
        some => format!("Models run on the processor and on {}.", some.join(", ")),
    };
    controls::paragraph(ui, scene.tokens, &backends);
    for card in &report.devices {
        let (free, all) = (size_words(card.memory_free_bytes), size_words(card.memory_bytes));
        let words = format!("{}, through {}: {free} of {all} are free", card.name, card.backend);
        controls::paragraph(ui, scene.tokens, &words);
    }
    controls::paragraph(ui, scene.tokens, &report.advice);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, words) in
            [(0, "0"), (512, "512"), (4_096, "4,096"), (32_768, "32,768"), (1_048_576, "1,048,576")]
        {
            assert_eq!(grouped(number), words);
        }
    }
}
