//! Finding and replacing in a text.

mod pattern;
mod replace;
mod session;
#[cfg(test)]
mod tests;

pub use self::pattern::{Pattern, Query, QueryError};
pub use self::replace::Template;
pub use self::session::Search;
