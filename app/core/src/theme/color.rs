//! Colours and how well they are told apart.

/// A colour: red, green, blue and opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// 255 hides what is behind.
    pub alpha: u8,
}

impl Color {
    /// Reads `#rgb`, `#rrggbb` or `#rrggbbaa`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        match digits.len() {
            3 => {
                let one = |at: usize| u8::from_str_radix(&digits[at..=at], 16).ok().map(|digit| digit * 17);
                Some(Self { red: one(0)?, green: one(1)?, blue: one(2)?, alpha: 255 })
            }
            6 => Some(Self { red: part(0)?, green: part(2)?, blue: part(4)?, alpha: 255 }),
            8 => Some(Self { red: part(0)?, green: part(2)?, blue: part(4)?, alpha: part(6)? }),
            _ => None,
        }
    }

    /// The colour that is seen when this one lies on another.
    #[must_use]
    pub fn on(self, below: Self) -> Self {
        let mix = |own: u8, other: u8| {
            let alpha = u32::from(self.alpha);
            ((u32::from(own) * alpha + u32::from(other) * (255 - alpha) + 127) / 255) as u8
        };
        Self {
            red: mix(self.red, below.red),
            green: mix(self.green, below.green),
            blue: mix(self.blue, below.blue),
            alpha: 255,
        }
    }

    fn luminance(self) -> f64 {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.red) + 0.7152 * part(self.green) + 0.0722 * part(self.blue)
    }
}

/// The contrast of two colours by WCAG, from 1 to 21.
pub fn contrast(one: Color, two: Color) -> f64 {
    let (one, two) = (one.luminance(), two.luminance());
    (one.max(two) + 0.05) / (one.min(two) + 0.05)
}
