//! What the tree is read from and written to: a flat map of registers.

use crate::{OpId, TreeDocument, Value};

/// Gives the registers of a tree document.
pub trait Registers {
    /// Calls `visit` for every value of a register that nothing has succeeded, in any order.
    fn for_each_value(&self, key: &str, visit: &mut dyn FnMut(&OpId, &Value));

    /// Calls `visit` for the key of every register that has a value, in any order.
    fn for_each_key(&self, visit: &mut dyn FnMut(&str));
}

impl Registers for TreeDocument {
    fn for_each_value(&self, key: &str, visit: &mut dyn FnMut(&OpId, &Value)) {
        for (id, value) in self.values(key) {
            visit(&id, value);
        }
    }

    fn for_each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.keys().for_each(visit);
    }
}
