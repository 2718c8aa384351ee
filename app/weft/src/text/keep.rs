//! Keeping for others.

use weft_node::api::{KeepVerified, Kept, KeptWorkspace};

use super::{Look, Tone, bytes, plain, short_id, units::counted, workspace::notes};

pub(crate) fn kept(kept: &Kept, look: &Look) -> String {
    let mut text = format!(
        "{} This device keeps workspace {}.\n  It holds what members write and passes it on; it can read none of it.\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, short_id(&kept.workspace)),
    );
    text.push_str(&notes(&kept.notes));
    text
}

pub(crate) fn verified(verified: &KeepVerified, look: &Look) -> String {
    if verified.workspaces.is_empty() {
        return "This device keeps nothing: `weft keep TICKET` begins.\n".to_owned();
    }
    verified.workspaces.iter().map(|workspace| one(workspace, look)).collect()
}

fn one(workspace: &KeptWorkspace, look: &Look) -> String {
    let (sign, tone) = if workspace.damaged == 0 { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
    let place = match &workspace.folder {
        Some(folder) => plain(&folder.display().to_string()),
        None => "kept, not readable here".to_owned(),
    };
    let mut text = format!(
        "{} {}  {place}\n  {} in {}, {}, {}\n",
        look.paint(tone, sign),
        look.paint(Tone::Heading, short_id(&workspace.workspace)),
        counted(workspace.entries, "entry").replace("entrys", "entries"),
        counted(workspace.logs, "log"),
        counted(workspace.blobs, "chunk"),
        bytes(workspace.bytes),
    );
    if workspace.missing > 0 {
        let missing = counted(workspace.missing, "chunk");
        text.push_str(&format!("  {} named by members not here yet\n", look.paint(Tone::Warning, missing)));
    }
    if workspace.damaged > 0 {
        text.push_str(&format!(
            "  {} damaged; what is right is served all the same. Restore the disk from a backup, or begin anew with another \
             ticket.\n",
            look.paint(Tone::Bad, counted(workspace.damaged, "thing")),
        ));
        workspace.findings.iter().for_each(|finding| text.push_str(&format!("    {}\n", plain(finding))));
    }
    text
}
