//! Colours as data: dark, light, high contrast, and themes of the person's own.

mod color;
mod file;
#[cfg(test)]
mod tests;

pub use self::color::{Color, contrast};
pub use self::file::{ROLES, Style, Theme};
