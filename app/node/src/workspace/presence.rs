//! What people who look at texts ask of a workspace: who reads it, and where a place is.

use weft_crdt::{Anchor, CharIndex, DocumentId, Side};
use weft_sync::acl::Class;
use weft_sync::ids::EndpointId;
use weft_sync::membership::{LiveDevice, Standing};

use super::engine::Engine;
use super::people::People as _;
use crate::presence::Cursor;

impl Engine {
    /// Other devices that are in and can read; none when this device itself is not one of them.
    pub(crate) fn other_readers(&self) -> Vec<LiveDevice> {
        if self.replica().own_class().is_none_or(|class| class < Class::Viewer) {
            return Vec::new();
        }
        let own = self.replica().device();
        let members = self.replica().membership();
        let devices = members.map(|members| members.live_devices()).unwrap_or_default().into_iter();
        devices.filter(|device| device.device != own && device.class >= Class::Viewer).collect()
    }

    /// Whether a device is one of them.
    pub(crate) fn is_other_reader(&self, endpoint: &EndpointId) -> bool {
        let is_reader = |class: Class| class >= Class::Viewer;
        let Some(members) = self.replica().membership() else { return false };
        let standing = members.standing_of(endpoint);
        self.replica().own_class().is_some_and(is_reader)
            && matches!(standing, Standing::Live(device) if is_reader(device.class))
    }

    /// A cursor of a text that stays with what is around it.
    pub(crate) fn cursor_at(&self, document: DocumentId, anchor: usize, head: usize) -> Option<Cursor> {
        // A selection holds on to what is in it, a caret to what was typed last.
        let (of_anchor, of_head) = match anchor.cmp(&head) {
            std::cmp::Ordering::Less => (Side::Before, Side::After),
            std::cmp::Ordering::Equal => (Side::After, Side::After),
            std::cmp::Ordering::Greater => (Side::After, Side::Before),
        };
        let cursor = self.with_text(document, |text| Cursor {
            anchor: text.anchor(CharIndex(anchor), of_anchor),
            head: text.anchor(CharIndex(head), of_head),
        });
        cursor.ok()
    }

    /// Where a cursor is in a text: the end that stays and the end that moves; nothing, while what it is at has not come.
    pub(crate) fn place_of(&self, document: DocumentId, cursor: &Cursor) -> Option<(u64, u64)> {
        let place = |at: &Anchor| self.with_text(document, |text| text.position(at)).ok().flatten();
        Some((place(&cursor.anchor)?.0 as u64, place(&cursor.head)?.0 as u64))
    }

    /// The file that shows a text.
    pub(crate) fn path_of_document(&self, document: DocumentId) -> Option<String> {
        self.view.nodes_of_document(document).find_map(|node| self.path_of(node))
    }
}
