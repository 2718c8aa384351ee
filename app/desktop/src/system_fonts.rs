//! Fonts of the system for characters that the bundled ones lack, and pictures for where the system has none.
//!
//! What enumerates them may fail where a system has none, or settings of fonts that lead nowhere. Then the bundled fonts
//! are what there is, and the window goes on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use eframe::egui::epaint::text::{
    FallbackRequest, FontData, FontInsert, FontPriority, FontProvider, InsertFontFamily,
};
use egui_system_font_provider::SystemFontProvider;

/// The fonts of the system, as long as they can be asked for.
pub(crate) struct SystemFonts<P = SystemFontProvider> {
    provider: P,
    has_failed: AtomicBool,
}

impl SystemFonts {
    /// Begins to enumerate them, on a thread of its own.
    pub(crate) fn new() -> Self {
        Self::of(SystemFontProvider::new())
    }
}

impl<P> SystemFonts<P> {
    fn of(provider: P) -> Self {
        Self { provider, has_failed: AtomicBool::new(false) }
    }
}

impl<P: FontProvider> FontProvider for SystemFonts<P> {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        if self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        // It panics when its thread has, and would for each character again.
        let found = catch_unwind(AssertUnwindSafe(|| self.provider.font_for(request)));
        found.unwrap_or_else(|_| {
            self.has_failed.store(true, Ordering::Relaxed);
            tracing::warn!(
                "the fonts of the system cannot be used; characters that the bundled ones lack are not shown"
            );
            None
        })
    }
}

/// Pictures (emoji) in one colour, for systems without such a font. Asked behind the system's, which are in colours. The six
/// signs that people compare must be seen everywhere.
pub(crate) struct BundledPictures;

impl FontProvider for BundledPictures {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let first = request.cluster.chars().next()?;
        has_picture(first).then(|| FontInsert {
            name: "pictures".to_owned(),
            data: FontData::from_static(include_bytes!("../fonts/NotoEmoji-Regular.ttf")),
            families: vec![InsertFontFamily {
                family: request.family.clone(),
                priority: FontPriority::Lowest,
            }],
        })
    }
}

/// Whether a character is in the blocks that pictures are taken from.
fn has_picture(char: char) -> bool {
    matches!(char as u32, 0x2190..=0x2bff | 0x3030 | 0x303d | 0x3297 | 0x3299 | 0x1f000..=0x1faff)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use eframe::egui::FontFamily;

    use super::*;

    struct Broken(AtomicUsize);

    impl FontProvider for Broken {
        fn font_for(&self, _request: &FallbackRequest<'_>) -> Option<FontInsert> {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("no fonts");
        }
    }

    #[test]
    fn every_sign_that_people_compare_has_a_picture_without_fonts_of_the_system() {
        let ctx = eframe::egui::Context::default();
        ctx.set_fonts(crate::tokens::fonts());
        ctx.add_font_provider(std::sync::Arc::new(BundledPictures));
        ctx.run_ui(eframe::egui::RawInput::default(), |_| {}).textures_delta.clear();
        let font = crate::tokens::strong(24.0);
        for (picture, word) in weft_sync::identity::SIGNS {
            for char in picture.chars().filter(|char| *char != '\u{fe0f}') {
                assert!(ctx.fonts_mut(|fonts| fonts.has_glyph(&font, char)), "{word}: {picture}");
            }
        }
        // What nobody has is a box, and no gap.
        let space = |text: &str| {
            ctx.fonts_mut(|fonts| {
                fonts.layout_no_wrap(text.to_owned(), font.clone(), eframe::egui::Color32::WHITE)
            })
            .mesh_bounds
        };
        assert!(space("\u{10ffff}").is_positive());
    }

    #[test]
    fn a_system_without_fonts_is_asked_once() {
        let fonts = SystemFonts::of(Broken(AtomicUsize::new(0)));
        let request = FallbackRequest { cluster: "日", family: &FontFamily::Monospace };
        assert!(fonts.font_for(&request).is_none());
        assert!(fonts.font_for(&request).is_none());
        assert_eq!(fonts.provider.0.load(Ordering::Relaxed), 1);
    }
}
