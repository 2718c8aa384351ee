//! Facts of the node as words.

use std::path::Path;

use weft_editor::window::LocalReason;
use weft_node::api::{Role, WallTime, WorkspaceState, WorkspaceStatus};

use crate::strings;

/// How urgent a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyncLevel {
    Good,
    Working,
    Problem,
}

/// Who has what, as one phrase for the status bar.
pub(crate) fn sync_words(status: &WorkspaceStatus) -> (String, SyncLevel) {
    match status.state {
        WorkspaceState::Active => {}
        WorkspaceState::Invited => return ("Waiting to be let in".to_owned(), SyncLevel::Working),
        WorkspaceState::Waiting => {
            return ("Waiting for the rest of the files".to_owned(), SyncLevel::Working);
        }
        WorkspaceState::Held => {
            return ("Held: the folder has vanished or changed".to_owned(), SyncLevel::Problem);
        }
        WorkspaceState::Removed => return ("Put out: this is a copy".to_owned(), SyncLevel::Problem),
        WorkspaceState::ReadOnly => {
            return ("The disk fails: nothing is kept".to_owned(), SyncLevel::Problem);
        }
    }
    let work = status.folder_work;
    if work.to_read > 0 {
        return (format!("Reading {} files", work.to_read), SyncLevel::Working);
    }
    if work.to_fetch > 0 {
        return (format!("Receiving {} files", work.to_fetch), SyncLevel::Working);
    }
    if status.peers.is_empty() {
        return (strings::LOCAL_ONLY.to_owned(), SyncLevel::Good);
    }
    let lacking: Vec<_> = status.peers.iter().filter(|peer| !peer.has_all_mine).collect();
    let Some(first) = lacking.first() else {
        return (strings::EVERYBODY_HAS.to_owned(), SyncLevel::Good);
    };
    let count = status.peers.len();
    let name = first.user_name.as_deref().or(first.device_name.as_deref()).unwrap_or("somebody");
    let why = if first.connected { "is receiving" } else { "is offline" };
    let who = if lacking.len() == 1 {
        format!("{name} {why}")
    } else {
        format!("{name} and {} more are behind", lacking.len() - 1)
    };
    (format!("{} of {count} devices have your edits, {who}", count - lacking.len()), SyncLevel::Working)
}

/// A size in bytes, as people say it.
pub(crate) fn size_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    let mut size = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1_000.0, unit + 1);
    }
    if size < 9.95 { format!("{size:.1} {}", UNITS[unit]) } else { format!("{size:.0} {}", UNITS[unit]) }
}

/// How many, in words that are short: 270 M, 1.5 B.
pub(crate) fn count_words(count: u64) -> String {
    match count {
        0..1_000_000 => count.to_string(),
        1_000_000..1_000_000_000 => format!("{:.0} M", count as f64 / 1e6),
        _ => format!("{:.1} B", count as f64 / 1e9),
    }
}

/// What a role means.
pub(crate) fn role_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "made the workspace",
        Role::Admin => "reads, writes, invites and puts out",
        Role::Editor => "reads and writes",
        Role::Viewer => "reads",
        Role::Keeper => "keeps and passes on what it cannot read",
    }
}

/// A moment as people say it, from the milliseconds of now.
pub(crate) fn ago(time: WallTime, now_millis: i64) -> String {
    let seconds = (now_millis - time.millis()) / 1_000;
    match seconds {
        ..5 => "now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => time.timestamp().to_string().split('T').next().unwrap_or_default().to_owned(),
    }
}

/// The last part of a path.
pub(crate) fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// One or two letters for a person.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let letters: String = words.next().into_iter().chain(words.next()).collect();
    if letters.is_empty() { "?".to_owned() } else { letters.to_uppercase() }
}

/// Why a file is not written together with others: in a word, in a sentence, and what that means.
pub(crate) fn local_words(reason: LocalReason) -> (&'static str, &'static str, String) {
    match reason {
        LocalReason::TooLarge => (
            "Not live",
            "This file is too large to be written together",
            "texts of up to 2 MB are; you write alone in this one, it is saved when you pause and shared as a whole"
                .to_owned(),
        ),
        LocalReason::NotUtf8 { byte } => (
            "Read only",
            "This file is not UTF-8",
            format!("byte {} is none; save it as UTF-8 with another program to write in it here", byte + 1),
        ),
        LocalReason::NotShared => (
            "Not shared",
            "This file is not shared",
            "it is ignored, or the folder is no workspace yet; what you write is saved when you pause, on this device \
             only"
                .to_owned(),
        ),
        LocalReason::NotRead => (
            "Read only",
            "The folder is still being read",
            "you can write in this file as soon as it was read".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(peers: &[(&str, bool, bool)]) -> WorkspaceStatus {
        let peers: Vec<serde_json::Value> = peers
            .iter()
            .map(|(name, connected, has_all_mine)| {
                serde_json::json!({ "user": name, "user_name": name, "device": name, "connected": connected,
                    "path": null, "has_all_mine": has_all_mine, "missing": 0 })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "workspace": "w", "name": "n", "folder": "/f", "user": "u", "device": "d", "role": "owner",
            "digest": "", "frontier": {}, "files": 1, "peers": peers, "pending": [], "kept_by": [],
        }))
        .unwrap()
    }

    #[test]
    fn sizes_and_counts_are_short() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 KB"),
            (999_600, "1.0 MB"),
            (25_300_000, "25 MB"),
            (1_100_000_000, "1.1 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size_words(bytes), words);
        }
        let counted = [999, 135_000_000, 1_540_000_000].map(count_words);
        assert_eq!(counted, ["999", "135 M", "1.5 B"]);
    }

    #[test]
    fn the_status_bar_says_who_lacks_what() {
        assert_eq!(sync_words(&status(&[])).0, strings::LOCAL_ONLY);
        assert_eq!(sync_words(&status(&[("Ana", true, true)])).0, strings::EVERYBODY_HAS);
        let (words, level) = sync_words(&status(&[("Ana", false, false), ("Ben", true, true)]));
        assert_eq!(words, "1 of 2 devices have your edits, Ana is offline");
        assert_eq!(level, SyncLevel::Working);
        let mut held = status(&[]);
        held.state = WorkspaceState::Held;
        assert_eq!(sync_words(&held).1, SyncLevel::Problem);
    }

    #[test]
    fn moments_are_said_as_people_say_them() {
        let now = 1_763_720_000_000;
        let at = |seconds: i64| ago(WallTime::from_millis(now - seconds * 1_000), now);
        assert_eq!(
            [at(-9), at(30), at(90), at(7_300), at(90_000)],
            ["now", "30 s ago", "1 min ago", "2 h ago", "1 d ago"]
        );
        assert_eq!(at(90 * 86_400), "2025-08-23");
    }

    #[test]
    fn initials_of_people() {
        assert_eq!([initials("ana maria lopez"), initials("Ben"), initials("")], ["AM", "B", "?"]);
    }
}
