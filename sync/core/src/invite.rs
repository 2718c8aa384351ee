//! Invitations: how somebody with a ticket is let in, over one stream between two devices.
//!
//! The newcomer opens the stream. Both prove that they know the ticket's secret, each bound to both transport keys,
//! so that nobody in between can pass proofs on. Then, in order:
//!
//! | newcomer ([`Newcomer`])              | inviter ([`Inviter`])                                      |
//! |--------------------------------------|------------------------------------------------------------|
//! | hello: invitation, nonce             |                                                            |
//! |                                      | challenge: nonce, proof                                    |
//! | proof                                |                                                            |
//! |                                      | offer: name of the workspace, role, size                   |
//! | request: user, chain, names          |                                                            |
//! |                                      | waiting, while a person compares the six signs             |
//! |                                      | welcome: Genesis and the control lane, with the newcomer in |
//!
//! A device that is to be linked to a person ([`NewDevice`]) comes with a ticket that names no workspace. From the fourth
//! step on it goes so:
//!
//! | new device                           | a device of the person                                     |
//! |--------------------------------------|------------------------------------------------------------|
//! |                                      | link offer: the person, their workspaces                   |
//! | link request: claim, names           |                                                            |
//! |                                      | waiting, while the person compares the six signs           |
//! |                                      | linked: its certificate chain                              |
//! |                                      | each workspace: Genesis and the control lane, with it in   |
//!
//! And who has only the words of a person asks any device that holds their workspaces ([`Recovery`]): the first frame is the
//! chain that the user key signed for the new device, the answer is each workspace as above.
//!
//! At any place the inviter may refuse instead, and says why. The inviter spends a use of the ticket before the newcomer
//! is let in; the device that it was spent on may come again, for what a lost connection kept from it.

mod book;
mod inviter;
mod messages;
mod new_device;
mod newcomer;

#[cfg(test)]
mod tests;

pub use book::{Confirmation, Invitation, InvitationId, InvitationTerms, Invitations, InviteError};
pub use inviter::{
    Description, Inviter, InviterEffect, InviterInput, JoinRequest, LinkRequest, LinkedWorkspace,
};
pub use messages::{LinkOffer, Offer, OfferedWorkspace, Refusal};
pub use new_device::{Linked, NewDevice, NewDeviceEffect, NewDeviceInput, Recovery};
pub use newcomer::{JoinError, Joined, Newcomer, NewcomerEffect, NewcomerInput};
