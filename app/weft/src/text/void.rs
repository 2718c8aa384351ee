//! Work that does not count.

use weft_node::api::{Admitted, VoidExported};

use super::{Look, Tone, plain, short_id, units::counted};

/// Paths that are listed at most.
const PATHS_SHOWN_MAX: usize = 20;

pub(crate) fn void_exported(exported: &VoidExported, look: &Look) -> String {
    let mut text = format!(
        "{} {} of {}'s work that does not count: {}\n",
        look.paint(Tone::Good, "✓"),
        counted(exported.files.len() as u64, "file"),
        look.paint(Tone::Heading, who(exported.user_name.as_deref(), &exported.user)),
        plain(&exported.to.display().to_string()),
    );
    text.push_str(&listed(&exported.files, ""));
    text.push_str(&listed(&exported.gone, "  (deleted or moved away)"));
    let missing: Vec<String> = exported.missing.clone();
    text.push_str(&listed(&missing, "  (its contents are not on this device)"));
    text
}

pub(crate) fn admitted(admitted: &Admitted, look: &Look) -> String {
    let mut text = format!(
        "{} {} of {} {} now, for everybody.\n",
        look.paint(Tone::Good, "✓"),
        counted(admitted.entries, "entry").replace("entrys", "entries"),
        look.paint(Tone::Heading, who(admitted.user_name.as_deref(), &admitted.user)),
        if admitted.entries == 1 { "counts" } else { "count" },
    );
    text.push_str(&listed(&admitted.files, ""));
    text
}

fn who(name: Option<&str>, user: &str) -> String {
    name.map_or_else(|| short_id(user), plain)
}

fn listed(paths: &[String], note: &str) -> String {
    let mut text: String =
        paths.iter().take(PATHS_SHOWN_MAX).map(|path| format!("  {}{note}\n", plain(path))).collect();
    if paths.len() > PATHS_SHOWN_MAX {
        text.push_str(&format!("  and {} more{note}\n", paths.len() - PATHS_SHOWN_MAX));
    }
    text
}
