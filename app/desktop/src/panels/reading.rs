//! What is looked at and not edited: pictures, and Markdown beside its text.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Frame, Grid, Margin, Panel, Rect, RichText,
    ScrollArea, Sense, Stroke, Ui, Vec2, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};
use weft_editor::markdown::{Block, Item, Placed, Span};

use super::Scene;
use crate::{
    action::Action,
    controls, strings,
    tokens::{self, Tokens},
};

/// Points after which a cell of a table wraps.
const CELL_WIDTH_MAX: f32 = 320.0;
/// The side of a square of the pattern behind what can be seen through.
const SQUARE: f32 = 8.0;

/// A picture in its own size, or as large as there is room, with its size below.
pub(super) fn picture_ui(ui: &mut Ui, scene: &Scene<'_>, path: &str) {
    let Some(shown) = scene.state.folder.as_ref().and_then(|folder| folder.pictures.get(path)) else {
        return;
    };
    let Some(texture) = &shown.texture else { return };
    let room = ui.max_rect().shrink2(vec2(tokens::SECTION_GAP, 2.0 * tokens::SECTION_GAP));
    let size = Vec2::new(shown.picture.size[0] as f32, shown.picture.size[1] as f32);
    let points = size / ui.ctx().pixels_per_point();
    let scale = (room.width() / points.x).min(room.height() / points.y).min(1.0);
    let rect = Rect::from_center_size(room.center(), points * scale);
    squares(ui, scene.tokens, rect);
    let response = ui.interact(rect, ui.scope_id().with("picture"), Sense::hover());
    let name = path.rsplit('/').next().unwrap_or(path);
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Image, true, format!("Picture {name}"))
    });
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), rect, whole, Color32::WHITE);
    let kilobytes = shown.picture.bytes as f64 / 1_000.0;
    let words = format!("{} × {}, {kilobytes:.1} kB", shown.picture.size[0], shown.picture.size[1]);
    let place = pos2(rect.center().x, rect.bottom() + tokens::PADDING);
    let font = tokens::font(tokens::SMALL_SIZE);
    ui.painter().text(place, Align2::CENTER_TOP, words, font, scene.tokens.muted);
}

/// A pattern by which it is seen what a picture lets through.
fn squares(ui: &Ui, tokens: &Tokens, rect: Rect) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, 0.0, tokens.panel);
    let (columns, rows) = ((rect.width() / SQUARE).ceil() as usize, (rect.height() / SQUARE).ceil() as usize);
    for row in 0..rows {
        for column in (row % 2..columns).step_by(2) {
            let corner = rect.min + vec2(column as f32, row as f32) * SQUARE;
            painter.rect_filled(Rect::from_min_size(corner, Vec2::splat(SQUARE)), 0.0, tokens.raised);
        }
    }
}

/// The text as it is read, to the right of it, where it is wanted.
pub(super) fn preview_ui(ui: &mut Ui, scene: &mut Scene<'_>, path: &str) {
    let Some(folder) = &scene.state.folder else { return };
    let Some(preview) = folder.previews.get(path) else { return };
    let half = ui.available_width() / 2.0;
    let tokens = scene.tokens;
    let frame = Frame::new().fill(tokens.background).inner_margin(Margin::symmetric(20, 12));
    let panel = Panel::right(ui.scope_id().with("preview")).exact_size(half).resizable(false).frame(frame);
    let before = scene.drafts.preview_tops.insert(path.to_owned(), preview.top);
    let has_moved = before != Some(preview.top);
    panel.show(ui, |ui| {
        if preview.is_too_long {
            return controls::paragraph(ui, tokens, strings::TOO_LONG_TO_PREVIEW);
        }
        ScrollArea::vertical().id_salt("preview").auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = tokens::GAP;
            // The block in which the upper edge of the text lies.
            let at = preview.blocks.partition_point(|placed| placed.at <= preview.top).saturating_sub(1);
            for (index, placed) in preview.blocks.iter().enumerate() {
                let top = ui.cursor().min;
                block_ui(ui, scene, &placed.block);
                if has_moved && index == at {
                    let rect = Rect::from_min_size(top, vec2(1.0, 1.0));
                    ui.scroll_to_rect(rect, Some(eframe::egui::Align::TOP));
                }
            }
            ui.add_space(ui.clip_rect().height() / 2.0);
        });
    });
}

/// Blocks one below the other.
pub(super) fn blocks_ui(ui: &mut Ui, scene: &mut Scene<'_>, blocks: &[Placed]) {
    blocks.iter().for_each(|placed| block_ui(ui, scene, &placed.block));
}

fn block_ui(ui: &mut Ui, scene: &mut Scene<'_>, block: &Block) {
    let tokens = scene.tokens;
    match block {
        Block::Heading { level, text } => {
            let size = [24.0, 20.0, 17.0, 15.0, 14.0, 13.0][usize::from(level.clamp(&1, &6) - 1)];
            ui.add_space(tokens::STEP);
            text_ui(ui, scene, text, (size, true), None);
            if *level <= 2 {
                rule(ui, tokens);
            }
        }
        Block::Paragraph(text) => text_ui(ui, scene, text, (14.0, false), None),
        Block::Code { text, .. } => code_ui(ui, tokens, text),
        Block::Quote(blocks) => quote_ui(ui, scene, blocks),
        Block::List { start, items } => {
            for (index, item) in items.iter().enumerate() {
                let mark = match (item.is_done, start) {
                    (Some(true), _) => "[x]".to_owned(),
                    (Some(false), _) => "[  ]".to_owned(),
                    (None, Some(start)) => format!("{}.", start.saturating_add(index as u64)),
                    (None, None) => "•".to_owned(),
                };
                item_ui(ui, scene, item, &mark);
            }
        }
        Block::Table { head, rows } => table_ui(ui, scene, head, rows),
        Block::Rule => rule(ui, tokens),
    }
}

fn rule(ui: &mut Ui, tokens: &Tokens) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, tokens.border));
}

fn code_ui(ui: &mut Ui, tokens: &Tokens, text: &str) {
    let frame = Frame::new()
        .fill(tokens.panel)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(CornerRadius::same(tokens::RADIUS))
        .inner_margin(Margin::same(tokens::PADDING as i8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let font = FontId::new(tokens::TEXT_SIZE, FontFamily::Monospace);
        ui.add(eframe::egui::Label::new(RichText::new(text).font(font).color(tokens.text)).wrap());
    });
}

fn quote_ui(ui: &mut Ui, scene: &mut Scene<'_>, blocks: &[Block]) {
    let color = scene.tokens.accent;
    let inner = ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING);
        ui.vertical(|ui| blocks.iter().for_each(|block| block_ui(ui, scene, block)));
    });
    let rect = inner.response.rect;
    let bar = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
    ui.painter().rect_filled(bar, 1.0, color);
}

fn item_ui(ui: &mut Ui, scene: &mut Scene<'_>, item: &Item, mark: &str) {
    ui.horizontal_top(|ui| {
        ui.add_space(tokens::PADDING);
        let mark = RichText::new(mark).font(tokens::font(14.0)).color(scene.tokens.muted);
        ui.label(mark);
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            item.blocks.iter().for_each(|block| block_ui(ui, scene, block));
        });
    });
}

fn table_ui(ui: &mut Ui, scene: &mut Scene<'_>, head: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) {
    let id = ui.next_auto_id();
    ScrollArea::horizontal().id_salt(id).show(ui, |ui| {
        Grid::new(id).striped(true).spacing(vec2(tokens::SECTION_GAP, tokens::STEP)).show(ui, |ui| {
            for cell in head {
                text_ui(ui, scene, cell, (14.0, true), Some(CELL_WIDTH_MAX));
            }
            ui.end_row();
            for row in rows {
                for cell in row {
                    text_ui(ui, scene, cell, (14.0, false), Some(CELL_WIDTH_MAX));
                }
                ui.end_row();
            }
        });
    });
}

/// Text of several styles. Links lead to files of the folder, or to the browser; pictures are only named.
/// It wraps where the page ends, or after `width` points: a column of a table has no width before it has text.
fn text_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    spans: &[Span],
    (size, is_strong): (f32, bool),
    width: Option<f32>,
) {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width.unwrap_or_else(|| ui.available_width());
    let mut ends = Vec::new();
    for span in spans {
        let text = match &span.picture {
            Some(_) if span.text.is_empty() => "[picture]".to_owned(),
            Some(_) => format!("[{}]", span.text),
            None => span.text.clone(),
        };
        job.append(&text, 0.0, format(scene.tokens, span, size, is_strong));
        ends.push(job.text.chars().count());
    }
    let is_link = spans.iter().any(|span| span.link.is_some());
    let sense = if is_link { Sense::click() } else { Sense::hover() };
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let (rect, response) = ui.allocate_exact_size(galley.size(), sense);
    let words = galley.text().to_owned();
    response
        .widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Label, true, words.clone()));
    let under = response.hover_pos().map(|pointer| {
        let at: usize = galley.cursor_from_pos(pointer - rect.min).index.into();
        ends.partition_point(|end| *end <= at)
    });
    ui.painter().galley(rect.min, galley, scene.tokens.text);
    let Some(span) = under.and_then(|index| spans.get(index)) else { return };
    if let Some(link) = &span.link {
        ui.ctx().set_cursor_icon(eframe::egui::CursorIcon::PointingHand);
        if response.clicked() {
            open_link(ui, scene, link);
        }
        response.on_hover_text(link);
    } else if let Some(picture) = &span.picture {
        response.on_hover_text(format!("{picture}\n{}", strings::NOT_LOADED));
    }
}

fn format(tokens: &Tokens, span: &Span, size: f32, is_strong: bool) -> TextFormat {
    let font = match (span.is_code, is_strong || span.is_bold) {
        (true, _) => FontId::new(size - 1.0, FontFamily::Monospace),
        (false, true) => tokens::strong(size),
        (false, false) => tokens::font(size),
    };
    let color = match (&span.link, &span.picture) {
        (Some(_), _) => tokens.accent,
        (None, Some(_)) => tokens.muted,
        (None, None) => tokens.text,
    };
    let line = Stroke::new(1.0, color);
    TextFormat {
        background: if span.is_code { tokens.panel } else { Color32::TRANSPARENT },
        italics: span.is_italic,
        strikethrough: if span.is_struck { line } else { Stroke::NONE },
        underline: if span.link.is_some() { line } else { Stroke::NONE },
        ..TextFormat::simple(font, color)
    }
}

/// Opens a file of the folder here, a page of the web in the browser, and nothing else.
fn open_link(ui: &Ui, scene: &mut Scene<'_>, link: &str) {
    if link.starts_with("https://") || link.starts_with("http://") {
        ui.ctx().open_url(eframe::egui::OpenUrl::new_tab(link));
        return;
    }
    let Some(folder) = &scene.state.folder else { return };
    let path = link.split('#').next().unwrap_or_default();
    let here = folder.active_path().and_then(|path| path.rsplit_once('/')).map_or("", |(above, _)| above);
    if let Some(path) = inside(here, path) {
        scene.actions.push(Action::OpenFile { path, is_preview: true, place: None });
    }
}

/// A path from the root of the folder; nothing, when it leads out of it.
fn inside(here: &str, path: &str) -> Option<String> {
    if path.is_empty() || path.contains(':') || path.contains('\\') {
        return None;
    }
    let start = if path.starts_with('/') { "" } else { here };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn links_lead_to_files_of_the_folder_and_not_out_of_it() {
        for (here, link, path) in [
            ("docs", "guide.md", Some("docs/guide.md")),
            ("docs", "../README.md", Some("README.md")),
            ("", "./a/b.md", Some("a/b.md")),
            ("docs", "/a.md", Some("a.md")),
            ("docs", "../../etc/passwd", None),
            ("", "file:///etc/passwd", None),
            ("", "javascript:alert(1)", None),
            ("", "", None),
        ] {
            assert_eq!(inside(here, link).as_deref(), path, "{link}");
        }
    }
}
