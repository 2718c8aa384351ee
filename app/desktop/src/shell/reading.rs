//! What is looked at and not edited: pictures, and Markdown as it is read.

use eframe::egui::{Context, TextureOptions};
use weft_editor::{
    EditKind,
    compare::{Hunk, compare},
    markdown,
};

use super::Shell;
use crate::{
    limits::PREVIEW_BYTES_MAX,
    link::{Picture, ToLink, is_picture},
    state::{Compared, Preview, ShownPicture},
    strings,
};

impl Shell {
    /// Asks for a file: a picture is read, everything else is opened for editing.
    pub(super) fn ask_for_file(&mut self, path: String) {
        self.timeline.asked(&path);
        let request = match is_picture(&path) {
            true => ToLink::ReadPicture(path),
            false => {
                let file = self.state.folder.as_ref().and_then(|folder| folder.files.get(&path));
                let seen = file.and_then(|file| file.local());
                ToLink::OpenDocument { path, replaces: None, seen }
            }
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

    /// Compares the moment that is looked at with the text as it is now, when either is another one than before.
    pub(super) fn compare_past(&mut self) {
        let pages = &mut self.state.pages;
        let Some((at, past)) = pages.past_at.as_ref().zip(pages.past.value()) else {
            pages.compared = Compared::default();
            return;
        };
        let Some(folder) = &self.state.folder else { return };
        let Some(path) = pages.history_path.as_deref().filter(|path| folder.active_path() == Some(*path))
        else {
            return;
        };
        let Some(document) = folder.files.get(path).and_then(|file| file.document()) else { return };
        let of = (at.clone(), document.version());
        if pages.compared.of.as_ref() != Some(&of) {
            let comparison = compare(&past.text, &document.buffer().rope().to_string());
            pages.compared = Compared { of: Some(of), comparison };
        }
    }

    /// Brings some lines of the moment that is looked at back, as an edit that can be undone.
    pub(super) fn restore_lines(&mut self, hunk: &Hunk) {
        let Some(folder) = &mut self.state.folder else { return };
        if !folder.may_edit() {
            return self.say_read_only();
        }
        let Some((document, view)) = folder.active_mut() else { return };
        let change = hunk.restore(document.buffer().rope());
        let is_done =
            change.is_some_and(|change| document.edit(view, &change, None, EditKind::Whole).is_ok());
        if !is_done {
            self.state.notice(strings::LINES_HAVE_CHANGED, None, true);
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
