//! Servers that make text: which there are, and how one is asked.
//!
//! There is none until the person adds one. What is known of a server, its key above all, lies sealed in the store.

mod http;
mod record;

pub(crate) use self::{
    http::{Clients, HttpProvider},
    record::{
        ApiSecret, ProviderRecord, ProvidersError, all, checked_url, find, is_id, is_secret, put, remove,
    },
};
