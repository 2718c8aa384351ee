//! What the tree is read from and written to: a flat map of registers.

use crate::OpId;

/// A value of a register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Bytes of a form that the key decides.
    Bytes(Vec<u8>),
    /// Text.
    Str(String),
    /// A number.
    Uint(u64),
    /// A yes or no.
    Bool(bool),
}

/// Sets or deletes one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEdit {
    /// Name of the register.
    pub key: String,
    /// What it holds from now on; `None` deletes it.
    pub value: Option<Value>,
}

/// Gives the registers of a tree document.
pub trait Registers {
    /// Calls `visit` for every value of a register that nothing has succeeded, in any order.
    fn for_each_value(&self, key: &str, visit: &mut dyn FnMut(&OpId, &Value));

    /// Calls `visit` for the key of every register that has a value, in any order.
    fn for_each_key(&self, visit: &mut dyn FnMut(&str));
}
