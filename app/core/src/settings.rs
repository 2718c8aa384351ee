//! What a person can set, from a TOML file: a schema, values that are always valid, and what is wrong in the file.

mod file;
mod schema;
#[cfg(test)]
mod tests;

pub use self::file::Settings;
pub use self::schema::{Kind, SCHEMA, Setting, Value, setting};
