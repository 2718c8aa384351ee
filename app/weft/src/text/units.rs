//! Numbers, sizes, times and ids as people read them.

use weft_node::api::WallTime;

use super::Look;

/// A number with commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 file`, `2,000 files`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A size in powers of a thousand.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if size < 1000 {
        return format!("{size} B");
    }
    let mut tenths = size / 100;
    let mut unit = 0;
    // 999,950 bytes would read "1000.0 kB", so rounding is looked at before the unit is chosen.
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// How long something took.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        _ if !seconds.is_finite() || seconds < 0.0 => "?".to_owned(),
        _ if seconds < 0.0095 => format!("{:.1} ms", seconds * 1000.0),
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        _ => {
            // The value is finite, not negative, and far below the limit of the type for any run of this program.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the arms above"
            )]
            let whole = seconds.round() as u64;
            if whole < 3600 {
                format!("{} min {} s", whole / 60, whole % 60)
            } else {
                format!("{} h {} min", whole / 3600, whole % 3600 / 60)
            }
        }
    }
}

/// How long ago or ahead a moment is.
pub(crate) fn age(time: WallTime, look: &Look) -> String {
    let now = look.now.timestamp().as_millisecond();
    let past = now.saturating_sub(time.millis()) / 1000;
    match past {
        ..-90 => format!("{} ahead of this clock", span(past.unsigned_abs())),
        -90..45 => "just now".to_owned(),
        _ => format!("{} ago", span(past.unsigned_abs())),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..90 => counted(seconds, "second"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => counted((seconds + 43_200) / 86_400, "day"),
    }
}

/// A moment as date and time in the reader's zone; today's without the date.
pub(crate) fn moment(time: WallTime, look: &Look) -> String {
    let local = time.timestamp().to_zoned(look.now.time_zone().clone());
    let format = if local.date() == look.now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    local.strftime(format).to_string()
}

/// The beginning of an id: enough to tell ids apart and to type.
pub(crate) fn short_id(id: &str) -> String {
    let short: String = id.chars().take(10).collect();
    super::plain(&short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((counted(1, "file"), counted(0, "file")), ("1 file".into(), "0 files".into()));
    }

    #[test]
    fn sizes_have_fitting_units() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_550, "1.5 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (4_140_000, "4.1 MB"),
            (u64::MAX, "18446.7 PB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn times_have_fitting_units() {
        let cases = [
            (0.0004, "0.4 ms"),
            (0.12, "120 ms"),
            (0.9996, "1.0 s"),
            (3.24, "3.2 s"),
            (75.2, "1 min 15 s"),
            (7_322.0, "2 h 2 min"),
            (f64::NAN, "?"),
        ];
        for (time, text) in cases {
            assert_eq!(seconds(time), text);
        }
    }

    #[test]
    fn ages_are_rounded_and_absurd_clocks_do_no_harm() {
        let look = Look::for_tests();
        let now = look.now.timestamp().as_millisecond();
        let cases = [
            (0, "just now"),
            (60, "60 seconds ago"),
            (600, "10 min ago"),
            (7_200, "2 h ago"),
            (259_200, "3 days ago"),
            (-7_200, "2 h ahead of this clock"),
        ];
        for (past, text) in cases {
            assert_eq!(age(WallTime::from_millis(now - past * 1000), &look), text);
        }
        assert!(age(WallTime::from_millis(i64::MAX), &look).ends_with("ahead of this clock"));
        assert!(age(WallTime::from_millis(i64::MIN), &look).ends_with("ago"));
    }

    #[test]
    fn moments_of_today_have_no_date() {
        let look = Look::for_tests();
        assert_eq!(moment(WallTime::from_millis(1_795_262_400_000 - 3_600_000), &look), "11:00:00");
        assert_eq!(moment(WallTime::from_millis(1_795_262_400_000 - 86_400_000), &look), "2026-11-20 12:00");
        assert!(!moment(WallTime::from_millis(i64::MAX), &look).is_empty());
    }
}
