//! Buttons, rows and the like, of which every panel is made.

use eframe::egui::{
    Align, Align2, Color32, CornerRadius, Frame, Layout, Margin, Rect, Response, RichText, Role, Sense,
    Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, pos2, text::LayoutJob, text::TextFormat, vec2,
};
use weft_node::api::ApiError;

use crate::{
    icons::{self, Icon},
    state::{initials, sentence},
    tokens::{self, Tokens},
};

/// The one button of a page that begins what the page is for.
pub(crate) fn primary_button(ui: &mut Ui, tokens: &Tokens, label: &str) -> Response {
    let text = RichText::new(label).font(tokens::strong(tokens::TEXT_SIZE)).color(tokens.accent_text);
    let button = eframe::egui::Button::new(text).fill(tokens.accent).stroke(Stroke::NONE);
    ui.add(button)
}

/// A button that is only an icon; `label` is its name, and shown when the pointer rests on it.
pub(crate) fn icon_button(ui: &mut Ui, tokens: &Tokens, icon: Icon, label: &str, is_on: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(tokens::ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, label));
    let fill = match (is_on, response.hovered() || response.has_focus()) {
        (true, _) => tokens.selection,
        (false, true) => tokens.border,
        (false, false) => Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, CornerRadius::same(tokens::RADIUS), fill);
    let color = if is_on || response.hovered() { tokens.text } else { tokens.muted };
    icons::paint(ui.painter(), icon, Rect::from_center_size(rect.center(), Vec2::splat(tokens::ICON)), color);
    response.on_hover_text(label)
}

/// An icon beside text.
pub(crate) fn icon(ui: &mut Ui, icon: Icon, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(tokens::ICON), Sense::hover());
    icons::paint(ui.painter(), icon, rect, color);
}

/// The head of a section of a panel.
pub(crate) fn section_head(ui: &mut Ui, tokens: &Tokens, label: &str) {
    ui.label(RichText::new(label).font(tokens::strong(tokens::SMALL_SIZE)).color(tokens.muted));
}

/// A paragraph of an empty panel or below a heading.
pub(crate) fn paragraph(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).color(tokens.muted));
}

/// The head of a page with a button that closes it. Tells whether it was pressed.
pub(crate) fn page_head(ui: &mut Ui, tokens: &Tokens, title: &str) -> bool {
    let mut is_closed = false;
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).font(tokens::strong(tokens::HEADING_SIZE)).color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let label = format!("{} {}", crate::strings::CLOSE, title.to_lowercase());
            is_closed = icon_button(ui, tokens, Icon::Close, &label, false).clicked();
        });
    });
    ui.add_space(tokens::GAP);
    is_closed
}

/// A box that stands out from its panel.
pub(crate) fn card<T>(ui: &mut Ui, tokens: &Tokens, contents: impl FnOnce(&mut Ui) -> T) -> T {
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(CornerRadius::same(tokens::CARD_RADIUS))
        .inner_margin(Margin::same(tokens::PADDING as i8));
    frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
        .inner
}

/// What failed, what the data is now and what to do.
pub(crate) fn failure(ui: &mut Ui, tokens: &Tokens, error: &ApiError) {
    ui.horizontal_wrapped(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(tokens::ICON), Sense::hover());
        icons::paint(ui.painter(), Icon::Warning, rect, tokens.error);
        ui.label(RichText::new(sentence(&error.message)).color(tokens.error));
    });
    for line in [&error.data_state, &error.hint].into_iter().flatten() {
        ui.label(RichText::new(sentence(line)).color(tokens.muted));
    }
}

/// A field with a name above it.
pub(crate) fn field(ui: &mut Ui, tokens: &Tokens, name: &str, hint: &str, text: &mut String) -> Response {
    let label = ui.label(RichText::new(name).font(tokens::font(tokens::SMALL_SIZE)).color(tokens.muted));
    let edit = TextEdit::singleline(text)
        .hint_text(RichText::new(hint).color(tokens.faint))
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 5));
    ui.add(edit).labelled_by(label.id)
}

/// A field without a name above it; `name` is for screen readers.
pub(crate) fn bare_field(
    ui: &mut Ui,
    tokens: &Tokens,
    name: &str,
    text: &mut String,
    width: f32,
) -> Response {
    let edit = TextEdit::singleline(text)
        .hint_text(RichText::new(name).color(tokens.faint))
        .desired_width(width)
        .margin(Margin::symmetric(8, 4));
    let response = ui.add(edit);
    let value = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, value.clone(), value.clone(), name);
        info.label = Some(name.to_owned());
        info
    });
    response
}

/// A box to tick. Its border is as strong as text: without it nobody sees that there is something to tick.
pub(crate) fn checkbox(
    ui: &mut Ui,
    tokens: &Tokens,
    is_on: &mut bool,
    text: impl Into<eframe::egui::WidgetText>,
) -> Response {
    let before = ui.visuals().widgets.clone();
    let widgets = &mut ui.visuals_mut().widgets;
    for state in [&mut widgets.inactive, &mut widgets.hovered] {
        state.bg_stroke = Stroke::new(1.0, tokens.muted);
    }
    let response = ui.add(eframe::egui::Checkbox::new(is_on, text.into()));
    ui.visuals_mut().widgets = before;
    response
}

/// The six signs that two people compare: pictures, and their words below.
pub(crate) fn signs(ui: &mut Ui, fingerprint: &str) {
    let (pictures, words) = fingerprint.split_once('(').unwrap_or((fingerprint, ""));
    let label = ui.label(RichText::new(pictures.trim()).font(tokens::strong(tokens::SIGN_SIZE)));
    label.widget_info(|| WidgetInfo::labeled(Role::Label, true, fingerprint));
    if !words.is_empty() {
        ui.label(RichText::new(words.trim_end_matches(')')).font(tokens::strong(tokens::TEXT_SIZE)));
    }
}

/// A disc with the initials of a person.
pub(crate) fn avatar(ui: &mut Ui, tokens: &Tokens, user: &str, name: &str, is_here: bool) -> Response {
    let size = 22.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    let color = tokens.person(user);
    let painter = ui.painter();
    if is_here {
        painter.circle_filled(rect.center(), size / 2.0, color);
    } else {
        painter.circle_stroke(rect.center(), size / 2.0 - 1.0, Stroke::new(1.5, color));
    }
    let text_color = if is_here { tokens.person_text } else { tokens.muted };
    let font = tokens::strong(9.5);
    painter.text(rect.center(), Align2::CENTER_CENTER, initials(name), font, text_color);
    let words = if is_here { name.to_owned() } else { format!("{name}, not connected") };
    response.on_hover_text(words)
}

/// A small disc with the initials of a person, with a ring when they are followed.
pub(crate) fn person_button(ui: &mut Ui, tokens: &Tokens, user: &str, name: &str, is_on: bool) -> Response {
    let size = 18.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size + 4.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, format!("Follow {name}")));
    let color = tokens.person(user);
    let painter = ui.painter();
    painter.circle_filled(rect.center(), size / 2.0, color);
    if is_on || response.hovered() || response.has_focus() {
        let color = if is_on { tokens.accent } else { tokens.muted };
        painter.circle_stroke(rect.center(), size / 2.0 + 1.5, Stroke::new(1.5, color));
    }
    let font = tokens::strong(8.5);
    painter.text(rect.center(), Align2::CENTER_CENTER, initials(name), font, tokens.person_text);
    response
}

/// A row of a list: selected, hovered or neither. Gives the rectangle to draw into.
pub(crate) fn row(ui: &mut Ui, tokens: &Tokens, label: &str, is_selected: bool) -> (Rect, Response) {
    let size = vec2(ui.available_width(), tokens::ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, label));
    let fill = match (is_selected, response.hovered()) {
        (true, _) => tokens.selection,
        (false, true) => tokens.raised,
        (false, false) => Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, CornerRadius::same(tokens::RADIUS), fill);
    (rect, response)
}

/// Text with some characters in the colour of the accent: those that were meant by a query.
pub(crate) fn marked(tokens: &Tokens, text: &str, positions: &[usize], color: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (index, char) in text.chars().enumerate() {
        let is_meant = positions.binary_search(&index).is_ok();
        let (font, color) = if is_meant {
            (tokens::strong(tokens::TEXT_SIZE), tokens.accent)
        } else {
            (tokens::font(tokens::TEXT_SIZE), color)
        };
        job.append(&char.to_string(), 0.0, TextFormat::simple(font, color));
    }
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job
}

/// Draws one line of text that ends with an ellipsis where there is no room. Gives its width.
pub(crate) fn line(ui: &Ui, rect: Rect, text: &str, font: eframe::egui::FontId, color: Color32) -> f32 {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap.max_width = rect.width().max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let top = rect.center().y - galley.size().y / 2.0;
    let width = galley.size().x;
    ui.painter().galley(pos2(rect.left(), top), galley, color);
    width
}

/// A line below or beside something.
pub(crate) fn edge(ui: &Ui, rect: Rect, tokens: &Tokens, is_below: bool) {
    let stroke = Stroke::new(1.0, tokens.border);
    let painter = ui.painter();
    if is_below {
        painter.hline(rect.x_range(), rect.bottom() - 0.5, stroke);
    } else {
        painter.hline(rect.x_range(), rect.top() + 0.5, stroke);
    }
}

/// A QR code of a text; `None` when it is too long for one.
pub(crate) fn qr_code(ui: &mut Ui, text: &str, name: &str) -> Option<Response> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L).ok()?;
    let modules = code.width();
    let cell = (220.0 / modules as f32).floor().max(2.0);
    let quiet = 4.0 * cell;
    let size = modules as f32 * cell + 2.0 * quiet;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    let painter = ui.painter();
    // Cameras want black on white, whatever the theme.
    painter.rect(rect, 4.0, Color32::WHITE, Stroke::NONE, StrokeKind::Inside);
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            let place = vec2((index % modules) as f32, (index / modules) as f32) * cell + Vec2::splat(quiet);
            painter.rect_filled(
                Rect::from_min_size(rect.min + place, Vec2::splat(cell)),
                0.0,
                Color32::BLACK,
            );
        }
    }
    Some(response)
}
