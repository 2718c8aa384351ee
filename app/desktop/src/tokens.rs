//! Colours and sizes: the only place that knows numbers of either.

use eframe::egui::{
    self, Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow,
    Stroke, TextStyle, Vec2,
};
use weft_editor::{Highlight, Theme, theme::Color};

/// One step of the grid on which everything stands.
pub(crate) const STEP: f32 = 4.0;
/// Between things that belong together.
pub(crate) const GAP: f32 = 2.0 * STEP;
/// Around panels and pages.
pub(crate) const PADDING: f32 = 3.0 * STEP;
/// Between sections.
pub(crate) const SECTION_GAP: f32 = 5.0 * STEP;
/// Rounding of buttons and fields.
pub(crate) const RADIUS: u8 = 4;
/// Rounding of cards and overlays.
pub(crate) const CARD_RADIUS: u8 = 8;
/// A row of a list.
pub(crate) const ROW: f32 = 24.0;
/// A tab.
pub(crate) const TAB_HEIGHT: f32 = 34.0;
/// The bar at the top.
pub(crate) const TOP_BAR: f32 = 36.0;
/// The bar at the bottom.
pub(crate) const STATUS_BAR: f32 = 26.0;
/// One level of the tree.
pub(crate) const INDENT: f32 = 14.0;
/// An icon.
pub(crate) const ICON: f32 = 16.0;
/// The side bar.
pub(crate) const SIDE_BAR: f32 = 240.0;
/// The page at the right.
pub(crate) const SIDE_PAGE: f32 = 368.0;
/// What is left of a text between the panels at its sides.
pub(crate) const TEXT_LEAST: f32 = 260.0;
/// The panel at the bottom.
pub(crate) const BOTTOM_PANEL: f32 = 220.0;
/// Palette and quick open.
pub(crate) const OVERLAY_WIDTH: f32 = 600.0;
/// Rows of the palette that are seen at once.
pub(crate) const OVERLAY_ROWS: usize = 12;
/// Text of the window.
pub(crate) const TEXT_SIZE: f32 = 13.0;
/// Small text.
pub(crate) const SMALL_SIZE: f32 = 11.5;
/// Headings.
pub(crate) const HEADING_SIZE: f32 = 16.0;
/// Signs that two people compare.
pub(crate) const SIGN_SIZE: f32 = 22.0;
/// The heading of the first page.
pub(crate) const TITLE_SIZE: f32 = 26.0;
/// The scroll bar of an editor.
pub(crate) const SCROLL_BAR: f32 = 12.0;
/// The least length of its handle.
pub(crate) const SCROLL_HANDLE_MIN: f32 = 28.0;
/// A caret.
pub(crate) const CARET_WIDTH: f32 = 2.0;

/// The family of headings.
pub(crate) fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

fn italic_family() -> FontFamily {
    FontFamily::Name("text-italic".into())
}

fn bold_family() -> FontFamily {
    FontFamily::Name("text-bold".into())
}

/// A font of the window with more weight.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, strong_family())
}

/// A font of the window.
pub(crate) fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// What everything looks like.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    theme: &'static Theme,
    pub(crate) background: Color32,
    pub(crate) text: Color32,
    pub(crate) muted: Color32,
    pub(crate) faint: Color32,
    pub(crate) panel: Color32,
    pub(crate) raised: Color32,
    pub(crate) border: Color32,
    pub(crate) accent: Color32,
    pub(crate) accent_text: Color32,
    pub(crate) caret: Color32,
    pub(crate) selection: Color32,
    pub(crate) current_line: Color32,
    pub(crate) line_number: Color32,
    pub(crate) line_number_current: Color32,
    pub(crate) whitespace: Color32,
    pub(crate) indent_guide: Color32,
    pub(crate) bracket_match: Color32,
    pub(crate) find_match: Color32,
    pub(crate) find_match_current: Color32,
    pub(crate) error: Color32,
    pub(crate) warning: Color32,
    pub(crate) success: Color32,
    pub(crate) shadow: Color32,
    pub(crate) person_text: Color32,
    /// The size of the text that is edited.
    pub(crate) text_size: f32,
    /// The height of its rows, as a multiple.
    pub(crate) line_height: f32,
    /// Changes whenever anything of the above does.
    pub(crate) generation: u64,
}

fn color(color: Color) -> Color32 {
    Color32::from_rgba_unmultiplied(color.red, color.green, color.blue, color.alpha)
}

impl Tokens {
    /// Takes the colours of a theme.
    pub(crate) fn new(theme: &'static Theme, text_size: f32, line_height: f32, generation: u64) -> Self {
        let role = |name| color(theme.color(name));
        Self {
            background: role("background"),
            text: role("text"),
            muted: role("text_muted"),
            faint: role("text_faint"),
            panel: role("panel"),
            raised: role("panel_raised"),
            border: role("border"),
            accent: role("accent"),
            accent_text: role("accent_text"),
            caret: role("caret"),
            selection: role("selection"),
            current_line: role("current_line"),
            line_number: role("line_number"),
            line_number_current: role("line_number_current"),
            whitespace: role("whitespace"),
            indent_guide: role("indent_guide"),
            bracket_match: role("bracket_match"),
            find_match: role("find_match"),
            find_match_current: role("find_match_current"),
            error: role("error"),
            warning: role("warning"),
            success: role("success"),
            shadow: role("shadow"),
            person_text: role("person_text"),
            theme,
            text_size,
            line_height,
            generation,
        }
    }

    /// Whether the colours are for dark rooms.
    pub(crate) fn is_dark(&self) -> bool {
        self.theme.is_dark
    }

    /// The colour of a person: the same on every device, because it follows from the id.
    pub(crate) fn person(&self, user: &str) -> Color32 {
        // FNV-1a: ids that differ a little get numbers that differ a lot.
        let hash = user.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let number = (hash >> 40) as usize;
        color(self.theme.person(number))
    }

    /// The font and colour of a kind of text.
    pub(crate) fn style(&self, kind: Option<Highlight>) -> (FontId, Color32) {
        let Some(kind) = kind else { return (self.text_font(), self.text) };
        let style = self.theme.style(kind);
        let family = match (style.is_bold, style.is_italic) {
            (true, _) => bold_family(),
            (false, true) => italic_family(),
            (false, false) => FontFamily::Monospace,
        };
        (FontId::new(self.text_size, family), color(style.color))
    }

    /// The colour of text that a model proposes.
    pub(crate) fn ghost(&self) -> Color32 {
        self.faint
    }

    /// The font of the text that is edited.
    pub(crate) fn text_font(&self) -> FontId {
        FontId::new(self.text_size, FontFamily::Monospace)
    }

    /// Gives the whole window these colours and sizes.
    pub(crate) fn apply(&self, ctx: &Context) {
        let theme = if self.is_dark() { egui::Theme::Dark } else { egui::Theme::Light };
        ctx.set_theme(theme);
        ctx.all_styles_mut(|style| {
            style.spacing.item_spacing = Vec2::new(GAP, STEP);
            style.spacing.button_padding = Vec2::new(3.0 * STEP, 1.5 * STEP);
            style.spacing.interact_size.y = ROW;
            style.spacing.indent = INDENT;
            style.spacing.menu_margin = Margin::same(6);
            style.spacing.scroll.bar_width = 8.0;
            style.spacing.scroll.floating = true;
            style.text_styles = [
                (TextStyle::Small, font(SMALL_SIZE)),
                (TextStyle::Body, font(TEXT_SIZE)),
                (TextStyle::Button, font(TEXT_SIZE)),
                (TextStyle::Heading, strong(HEADING_SIZE)),
                (TextStyle::Monospace, FontId::new(TEXT_SIZE, FontFamily::Monospace)),
            ]
            .into();
            self.color(&mut style.visuals);
        });
    }

    fn color(&self, visuals: &mut egui::Visuals) {
        *visuals = if self.is_dark() { egui::Visuals::dark() } else { egui::Visuals::light() };
        visuals.panel_fill = self.panel;
        visuals.window_fill = self.raised;
        visuals.extreme_bg_color = self.background;
        visuals.faint_bg_color = self.current_line;
        visuals.window_stroke = Stroke::new(1.0, self.border);
        visuals.window_corner_radius = CornerRadius::same(CARD_RADIUS);
        visuals.menu_corner_radius = CornerRadius::same(CARD_RADIUS);
        let shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: self.shadow };
        visuals.window_shadow = shadow;
        visuals.popup_shadow = shadow;
        visuals.selection.bg_fill = self.selection;
        visuals.selection.stroke = Stroke::new(1.0, self.accent);
        visuals.hyperlink_color = self.accent;
        visuals.warn_fg_color = self.warning;
        visuals.error_fg_color = self.error;
        visuals.override_text_color = None;
        visuals.weak_text_color = Some(self.muted);
        let radius = CornerRadius::same(RADIUS);
        let widgets = &mut visuals.widgets;
        let states = [
            (&mut widgets.noninteractive, self.panel, self.text, Stroke::new(1.0, self.border)),
            (&mut widgets.inactive, self.raised, self.text, Stroke::new(1.0, self.border)),
            (&mut widgets.hovered, self.border, self.text, Stroke::new(1.0, self.border)),
            (&mut widgets.active, self.selection, self.text, Stroke::new(1.0, self.accent)),
            (&mut widgets.open, self.raised, self.text, Stroke::new(1.0, self.border)),
        ];
        for (state, fill, text, stroke) in states {
            state.bg_fill = fill;
            state.weak_bg_fill = fill;
            state.fg_stroke = Stroke::new(1.0, text);
            state.bg_stroke = stroke;
            state.corner_radius = radius;
            state.expansion = 0.0;
        }
    }
}

/// The fonts that come with the window; others are found on the system where these lack a character.
pub(crate) fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let own: [(&str, &'static [u8], FontFamily); 5] = [
        ("inter", include_bytes!("../fonts/Inter-Regular.otf"), FontFamily::Proportional),
        ("inter-strong", include_bytes!("../fonts/Inter-SemiBold.otf"), strong_family()),
        ("mono", include_bytes!("../fonts/JetBrainsMono-Regular.ttf"), FontFamily::Monospace),
        ("mono-italic", include_bytes!("../fonts/JetBrainsMono-Italic.ttf"), italic_family()),
        ("mono-bold", include_bytes!("../fonts/JetBrainsMono-Bold.ttf"), bold_family()),
    ];
    for (name, bytes, family) in own {
        fonts.font_data.insert(name.to_owned(), FontData::from_static(bytes).into());
        let fallback = match family {
            FontFamily::Proportional | FontFamily::Monospace => family.clone(),
            _ if name.starts_with("mono") => FontFamily::Monospace,
            _ => FontFamily::Proportional,
        };
        let mut names = vec![name.to_owned()];
        names.extend(fonts.families.get(&fallback).cloned().unwrap_or_default());
        names.dedup();
        fonts.families.insert(family, names);
    }
    fonts
}
