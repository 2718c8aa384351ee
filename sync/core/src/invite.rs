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
//! At any place the inviter may refuse instead, and says why. The inviter spends a use of the ticket before the newcomer
//! is let in; the device that it was spent on may come again, for what a lost connection kept from it.

mod book;
mod inviter;
mod messages;
mod newcomer;

#[cfg(test)]
mod tests;

pub use book::{Confirmation, Invitation, InvitationId, InvitationTerms, Invitations, InviteError};
pub use inviter::{Description, Inviter, InviterEffect, InviterInput, JoinRequest};
pub use messages::{Offer, Refusal};
pub use newcomer::{JoinError, Joined, Newcomer, NewcomerEffect, NewcomerInput};
