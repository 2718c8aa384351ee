//! What a text defines, and where names stand in it, from its syntax tree.
//!
//! The tree is walked once with a table of node kinds for each language. Queries of tree-sitter were measured beside it:
//! their cursor takes longer than the walk, and those that the grammars bring lack constants, fields and types.

mod extract;
mod kinds;
mod table;

use std::sync::Arc;

pub use self::extract::{SymbolReader, named_at};
pub use self::table::{SymbolHit, SymbolTable};

/// What is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SymbolKind {
    /// A class, structure, enumeration or other type.
    Type,
    /// An interface or trait.
    Interface,
    /// A function.
    Function,
    /// A function of a type.
    Method,
    /// A module or namespace.
    Module,
    /// A macro.
    Macro,
    /// A constant or global variable.
    Constant,
    /// A field or property of a type.
    Field,
    /// One of the values of an enumeration.
    Variant,
    /// A section of a document.
    Section,
}

impl SymbolKind {
    /// Every kind, by its number.
    pub const ALL: [Self; 10] = [
        Self::Type,
        Self::Interface,
        Self::Function,
        Self::Method,
        Self::Module,
        Self::Macro,
        Self::Constant,
        Self::Field,
        Self::Variant,
        Self::Section,
    ];

    /// The kind of a number; `None` when there is none.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// A word for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Interface => "interface",
            Self::Function => "function",
            Self::Method => "method",
            Self::Module => "module",
            Self::Macro => "macro",
            Self::Constant => "constant",
            Self::Field => "field",
            Self::Variant => "variant",
            Self::Section => "section",
        }
    }
}

/// Something that a text defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: SymbolKind,
    /// The line of its name, from 1.
    pub line: u32,
    /// Where in the line its name begins, in bytes from 0.
    pub column: u32,
    /// The last line of all of it.
    pub last_line: u32,
    /// How deep it lies in other symbols.
    pub depth: u16,
}
