//! What is wanted of a model, in the person's words and in those of templates.
//!
//! A template is the file `prompts/NAME.txt` of the data folder, or the one of that name that Weft brings.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use weft_ai::templates::{self, TemplateKind};

use super::super::Shared;
use crate::api::{AiTemplate, AiTemplateKind, AiTemplateList, ApiError};

/// Templates of the person's that are listed.
const TEMPLATES_MAX: usize = 256;

fn folder(shared: &Shared) -> PathBuf {
    shared.home.path().join("prompts")
}

/// The text of a file of the person's; `None` where there is none.
fn own(file: &Path) -> Result<Option<String>, ApiError> {
    let failed = |error| ApiError::failed(format!("{} cannot be read: {error}", file.display()));
    match fs::File::open(file) {
        Ok(opened) => {
            let mut text = String::new();
            opened.take(templates::TEMPLATE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
            Ok(Some(text))
        }
        Err(_) => Ok(None),
    }
}

/// Says what is wanted of a change.
pub(super) fn wanted(shared: &Shared, template: Option<&str>, instruction: &str) -> Result<String, ApiError> {
    filled(shared, template, instruction, templates::built_in)
}

/// Says what is wanted of an answer in words.
pub(super) fn asked(shared: &Shared, template: Option<&str>, question: &str) -> Result<String, ApiError> {
    filled(shared, template, question, templates::built_in_for_questions)
}

fn filled(
    shared: &Shared,
    template: Option<&str>,
    instruction: &str,
    built_in: impl Fn(&str) -> Option<&'static str>,
) -> Result<String, ApiError> {
    let Some(name) = template else { return Ok(instruction.to_owned()) };
    let unknown = || {
        let known: Vec<&str> = templates::TEMPLATES.iter().map(|template| template.name).collect();
        ApiError::not_found(format!("there is no template {name:?}"))
            .hint(format!("there are {}, and files prompts/NAME.txt in the data folder", known.join(", ")))
    };
    if !templates::is_name(name) {
        return Err(unknown());
    }
    let text = match own(&folder(shared).join(format!("{name}.txt")))? {
        Some(text) => templates::kind_of(&text).1.to_owned(),
        None => built_in(name).ok_or_else(unknown)?.to_owned(),
    };
    Ok(templates::filled(&text, instruction))
}

fn shown_kind(kind: TemplateKind) -> AiTemplateKind {
    match kind {
        TemplateKind::Words => AiTemplateKind::Words,
        TemplateKind::Change => AiTemplateKind::Change,
    }
}

/// Lists all templates.
pub(in crate::node) fn templates(shared: &Shared) -> AiTemplateList {
    let folder = folder(shared);
    let built_in = templates::TEMPLATES.iter();
    let mut listed: BTreeMap<String, AiTemplate> = built_in
        .map(|template| {
            let name = template.name.to_owned();
            let kind = shown_kind(template.kind);
            (name.clone(), AiTemplate { name, text: template.text.to_owned(), kind, file: None })
        })
        .collect();
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten().take(TEMPLATES_MAX) {
        let file = entry.path();
        let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".txt"));
        let Some(name) = name.filter(|name| templates::is_name(name)).map(str::to_owned) else { continue };
        if let Ok(Some(text)) = own(&file) {
            let (said, rest) = templates::kind_of(&text);
            let of_name = listed.get(&name).map_or(AiTemplateKind::Change, |template| template.kind);
            let kind = said.map_or(of_name, shown_kind);
            let text = rest.to_owned();
            listed.insert(name.clone(), AiTemplate { name, text, kind, file: Some(file) });
        }
    }
    AiTemplateList { templates: listed.into_values().collect(), folder }
}
