//! Who has sent garbage, and which strangers have been listened to lately.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::{EndpointId, Timestamp};
use crate::limits::{
    BAN_MILLIS, STRANGERS_PER_MINUTE_MAX, STRIKE_ENDPOINTS_MAX, STRIKES_MAX, STRIKES_MILLIS,
};

#[derive(Debug, Default)]
pub(super) struct Strikes {
    offences: BTreeMap<EndpointId, VecDeque<Timestamp>>,
    banned: BTreeMap<EndpointId, Timestamp>,
    strangers: VecDeque<Timestamp>,
}

impl Strikes {
    /// Notes an offence. Says whether the endpoint is to be shut out.
    pub(super) fn strike(&mut self, endpoint: EndpointId, now: Timestamp) -> bool {
        let over = |offences: &VecDeque<Timestamp>| {
            offences.back().is_none_or(|last| now.millis_since(*last) > STRIKES_MILLIS)
        };
        if self.offences.len() >= STRIKE_ENDPOINTS_MAX {
            self.offences.retain(|_, offences| !over(offences));
        }
        let offences = self.offences.entry(endpoint).or_default();
        while offences.front().is_some_and(|first| now.millis_since(*first) > STRIKES_MILLIS) {
            offences.pop_front();
        }
        offences.push_back(now);
        if offences.len() < STRIKES_MAX && self.offences.len() <= STRIKE_ENDPOINTS_MAX {
            return false;
        }
        self.offences.remove(&endpoint);
        self.banned.retain(|_, until| *until > now);
        if self.banned.len() < STRIKE_ENDPOINTS_MAX {
            self.banned.insert(endpoint, now.plus_millis(BAN_MILLIS));
        }
        true
    }

    pub(super) fn is_banned(&self, endpoint: &EndpointId, now: Timestamp) -> bool {
        self.banned.get(endpoint).is_some_and(|until| *until > now)
    }

    /// Whether another stranger may be listened to in this minute; counts it.
    pub(super) fn admit_stranger(&mut self, now: Timestamp) -> bool {
        while self.strangers.front().is_some_and(|first| now.millis_since(*first) >= 60_000) {
            self.strangers.pop_front();
        }
        let admitted = self.strangers.len() < STRANGERS_PER_MINUTE_MAX;
        if admitted {
            self.strangers.push_back(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(index: u64) -> EndpointId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&index.to_be_bytes());
        EndpointId::from_bytes(id)
    }

    #[test]
    fn twenty_offences_in_ten_minutes_shut_an_endpoint_out_for_an_hour() {
        let mut strikes = Strikes::default();
        for at in 0..STRIKES_MAX as u64 - 1 {
            assert!(!strikes.strike(endpoint(1), Timestamp(at)));
        }
        assert!(!strikes.is_banned(&endpoint(1), Timestamp(20)));
        assert!(strikes.strike(endpoint(1), Timestamp(20)));
        assert!(strikes.is_banned(&endpoint(1), Timestamp(BAN_MILLIS + 19)));
        assert!(!strikes.is_banned(&endpoint(1), Timestamp(BAN_MILLIS + 20)));
        assert!(!strikes.is_banned(&endpoint(2), Timestamp(20)));
    }

    #[test]
    fn old_offences_are_forgotten() {
        let mut strikes = Strikes::default();
        for at in 0..100 {
            assert!(!strikes.strike(endpoint(1), Timestamp(at * STRIKES_MILLIS / 10)));
        }
    }

    #[test]
    fn an_offence_counts_for_ten_minutes() {
        for (last, is_banned) in [(STRIKES_MILLIS, true), (STRIKES_MILLIS + 1, false)] {
            let mut strikes = Strikes::default();
            for _ in 1..STRIKES_MAX {
                assert!(!strikes.strike(endpoint(1), Timestamp(0)));
            }
            assert_eq!(strikes.strike(endpoint(1), Timestamp(last)), is_banned, "after {last}");
        }
    }

    #[test]
    fn when_as_many_endpoints_as_are_remembered_have_offended_the_next_is_shut_out_at_once() {
        let mut strikes = Strikes::default();
        for index in 0..STRIKE_ENDPOINTS_MAX as u64 {
            assert!(!strikes.strike(endpoint(index), Timestamp(0)));
        }
        assert!(strikes.strike(endpoint(u64::MAX), Timestamp(STRIKES_MILLIS)));
        assert!(!strikes.strike(endpoint(0), Timestamp(STRIKES_MILLIS)), "one that is remembered goes on");
        // By then the others are forgotten.
        assert!(!strikes.strike(endpoint(u64::MAX - 1), Timestamp(STRIKES_MILLIS + 1)));
    }

    #[test]
    fn many_endpoints_do_not_fill_the_memory() {
        let mut strikes = Strikes::default();
        for index in 0..2 * STRIKE_ENDPOINTS_MAX as u64 {
            strikes.strike(endpoint(index), Timestamp(index));
        }
        assert!(strikes.offences.len() <= STRIKE_ENDPOINTS_MAX + 1);
        assert!(strikes.banned.len() <= STRIKE_ENDPOINTS_MAX);
    }

    #[test]
    fn ten_strangers_a_minute() {
        let mut strikes = Strikes::default();
        for _ in 0..STRANGERS_PER_MINUTE_MAX {
            assert!(strikes.admit_stranger(Timestamp(5)));
        }
        assert!(!strikes.admit_stranger(Timestamp(60_004)));
        assert!(strikes.admit_stranger(Timestamp(60_005)));
    }
}
