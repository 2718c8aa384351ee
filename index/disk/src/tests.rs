//! The index beside ripgrep, and beside what it should know.

mod damage;
mod documents;
mod fixture;
mod meaning;
mod names;
mod oracle;
mod updates;
