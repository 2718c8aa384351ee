//! From answers to what people read. Pure functions: an answer and a [`Look`] in, text out.
//!
//! Everything that another person may have written goes through [`plain`] or [`verbatim`], so that a name cannot move the
//! cursor, change colours or turn the reading direction.

mod ai;
mod audit;
mod backup;
mod devices;
mod escape;
mod files;
mod keep;
mod look;
mod people;
mod qr;
mod running;
mod search;
mod table;
mod units;
mod void;
mod workspace;

pub(crate) use self::{
    ai::{
        ai_accepted, ai_answer, ai_hardware, ai_local_only, ai_model_added, ai_model_shared, ai_models,
        ai_models_offered, ai_proposal, ai_provider_added, ai_provider_removed, ai_provider_tested,
        ai_providers, ai_removed, ai_templates, ai_verified,
    },
    audit::{audit, checked_trail},
    backup::{backed_up, backup_checked, restored_backup},
    devices::{
        accept_preview, accepted, own_devices, recovery_checked, recovery_kept, recovery_unlocked,
        recovery_words,
    },
    escape::{escape_json, plain, verbatim},
    files::{blame, edited, history, log, restored},
    keep::{kept, verified},
    look::{Look, Tone},
    people::{invitations, members, newcomer, revoke_question, revoked, shared},
    qr::qr_code,
    running::{doctor, failure, log_line, node_line, node_ready, peers, sentence},
    search::{found, index, replace_question, replaced, to_replace},
    units::{age, bytes, count, seconds, short_id},
    void::{admitted, void_exported},
    workspace::{digest, initialised, joined, left, policies, preview, resumed, status, waited},
};

#[cfg(test)]
mod tests;
