//! What is looked at and not edited: pictures, and Markdown as it is read.

use eframe::egui::{Context, TextureOptions};
use weft_editor::markdown;

use super::Shell;
use crate::{
    limits::PREVIEW_BYTES_MAX,
    link::{Picture, ToLink, is_picture},
    state::{Preview, ShownPicture},
    strings,
};

impl Shell {
    /// Asks for a file: a picture is read, everything else is opened for editing.
    pub(super) fn ask_for_file(&mut self, path: String) {
        let request = match is_picture(&path) {
            true => ToLink::ReadPicture(path),
            false => ToLink::OpenDocument { path, replaces: None },
        };
        self.ask(request);
    }

    pub(super) fn picture_read(&mut self, path: &str, result: Result<Picture, String>) {
        let Some(folder) = &mut self.state.folder else { return };
        match result {
            Ok(picture) if folder.files.get(path).is_some() => {
                folder.files.pictured(path);
                folder.pictures.insert(path.to_owned(), ShownPicture { picture, texture: None });
            }
            Ok(_) => {}
            Err(why) => folder.files.failed(path, &why, Some(strings::OTHER_PROGRAM)),
        }
    }

    /// Shows beside the text how it reads, or no longer.
    pub(super) fn toggle_preview(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some((document, _)) = folder.active() else { return };
        if document.language().name != "Markdown" {
            self.state.notice(strings::ONLY_MARKDOWN, None, false);
            return;
        }
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        if folder.previews.remove(&path).is_none() {
            folder.previews.insert(path, Preview::default());
        }
    }

    /// Hands pictures to the graphics card, and reads texts again that have changed.
    pub(super) fn prepare_reading(&mut self, ctx: &Context) {
        let Some(folder) = &mut self.state.folder else { return };
        for (path, shown) in folder.pictures.iter_mut().filter(|(_, shown)| shown.texture.is_none()) {
            let image = std::sync::Arc::clone(&shown.picture.image);
            shown.texture = Some(ctx.load_texture(path, image, TextureOptions::LINEAR));
        }
        let groups = folder.layout.order();
        for (path, preview) in &mut folder.previews {
            let Some(file) = folder.files.get(path) else { continue };
            let Some(document) = file.document() else { continue };
            if preview.version != Some(document.version()) {
                let rope = document.buffer().rope();
                preview.version = Some(document.version());
                preview.is_too_long = rope.len_bytes() > PREVIEW_BYTES_MAX;
                let text = if preview.is_too_long { String::new() } else { rope.to_string() };
                preview.blocks = markdown::read(&text);
            }
            let view = groups.iter().find_map(|group| document.view(file.view(*group)?));
            if let Some(view) = view {
                preview.top = document.buffer().rope().char_to_byte(view.scroll().at.0);
            }
        }
    }
}
