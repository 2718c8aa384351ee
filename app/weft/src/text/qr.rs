//! A ticket as a picture that a camera reads.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

use super::Look;

/// Draws `text`; `None` when it does not fit into the terminal.
pub(crate) fn qr_code(text: &str, look: &Look) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let has_room = look.has_room(code.width() + 8);
    if !has_room {
        return None;
    }
    // The light squares are what is drawn: white on black is right on the usual dark terminal, also without colours.
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    let mut lines = String::new();
    for line in picture.lines() {
        if look.has_color {
            lines.push_str(&format!("\u{1b}[97;40m{line}\u{1b}[0m\n"));
        } else {
            lines.push_str(&format!("{line}\n"));
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_drawn_when_there_is_room() {
        let look = Look { width: Some(120), ..Look::for_tests() };
        let ticket = "weft1".repeat(40);
        let picture = qr_code(&ticket, &look).expect("a picture");
        let widths: std::collections::BTreeSet<usize> =
            picture.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 1, "a square has lines of one length");
        let first = picture.lines().next().unwrap_or_default();
        assert!(first.chars().all(|letter| letter == '█'), "the quiet zone is light: {first:?}");
        let narrow = Look { width: Some(40), ..look };
        assert_eq!(qr_code(&ticket, &narrow), None);
    }
}
