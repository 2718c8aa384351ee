//! Moments as people read them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in milliseconds since 1970, for display only; RFC 3339 on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(i64);

impl WallTime {
    /// Wraps milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The calendar's moment; one that no calendar holds (another device may claim any) becomes the nearest.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        let nearest = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(nearest)
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.timestamp())
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let timestamp: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_survive_the_wire_and_absurd_ones_do_not_panic() {
        for millis in [0, 1_763_720_000_123, -1] {
            let time = WallTime::from_millis(millis);
            let text = serde_json::to_string(&time).expect("a moment as JSON");
            assert_eq!(serde_json::from_str::<WallTime>(&text).expect("a moment from JSON"), time);
        }
        for millis in [i64::MIN, i64::MAX] {
            assert!(serde_json::to_string(&WallTime::from_millis(millis)).is_ok());
        }
    }
}
