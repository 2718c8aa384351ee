//! Fonts of the system for characters that the bundled ones lack.
//!
//! What enumerates them may fail where a system has none, or settings of fonts that lead nowhere. Then the bundled fonts
//! are what there is, and the window goes on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use eframe::egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};
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
    fn a_system_without_fonts_is_asked_once() {
        let fonts = SystemFonts::of(Broken(AtomicUsize::new(0)));
        let request = FallbackRequest { cluster: "日", family: &FontFamily::Monospace };
        assert!(fonts.font_for(&request).is_none());
        assert!(fonts.font_for(&request).is_none());
        assert_eq!(fonts.provider.0.load(Ordering::Relaxed), 1);
    }
}
