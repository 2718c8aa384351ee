//! Backups.

use std::path::Path;

use weft_node::api::{BackedUp, BackupChecked, BackupRestored};

use super::{
    Look, Tone, bytes, plain,
    units::{counted, moment},
    workspace::notes,
};

pub(crate) fn backed_up(made: &BackedUp, look: &Look) -> String {
    let mut text = format!(
        "{} Backup written: {}, {}\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, shown(&made.file)),
        bytes(made.bytes),
    );
    let names: Vec<String> = made.workspaces.iter().map(|name| plain(name)).collect();
    if names.is_empty() {
        text.push_str("  This device has no workspaces; its keys are in it.\n");
    } else {
        text.push_str(&format!(
            "  In it: {}; {} to be read without Weft\n",
            names.join(", "),
            counted(made.files, "file")
        ));
    }
    if made.kept > 0 {
        text.push_str(&format!("  And {} that it keeps for others\n", counted(made.kept, "workspace")));
    }
    if made.missing > 0 {
        let missing = counted(made.missing, "file");
        text.push_str(&format!(
            "  {} not in it: their contents have not come to this device yet\n",
            look.paint(Tone::Warning, missing)
        ));
    }
    text.push_str("  Whoever opens it is this device: keep it as you would keep a key.\n");
    text
}

pub(crate) fn backup_checked(checked: &BackupChecked, look: &Look) -> String {
    let mut text = format!(
        "{} The backup is whole: made {} on {} by {}\n",
        look.paint(Tone::Good, "✓"),
        moment(checked.made, look),
        look.paint(Tone::Heading, plain(&checked.device_name)),
        plain(&checked.app),
    );
    for workspace in &checked.workspaces {
        text.push_str(&match &workspace.folder {
            Some(folder) => format!("  {}  {}\n", plain(&workspace.name), shown(folder)),
            None => "  a workspace that is kept for others\n".to_owned(),
        });
    }
    text.push_str(&format!(
        "  {} to be read without Weft, {}; history, contents and keys, {}\n",
        counted(checked.files, "file"),
        bytes(checked.file_bytes),
        bytes(checked.store_bytes),
    ));
    text
}

pub(crate) fn restored_backup(restored: &BackupRestored, look: &Look) -> String {
    let mut text = format!(
        "{} {} is back, as it was {}\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, plain(&restored.device_name)),
        moment(restored.made, look),
    );
    for workspace in &restored.workspaces {
        let Some(folder) = &workspace.folder else {
            text.push_str("  a workspace that is kept for others\n");
            continue;
        };
        let how = if workspace.is_new { "written anew" } else { "the folder that was there" };
        text.push_str(&format!(
            "  {}  {}  {}, {how}\n",
            plain(&workspace.name),
            shown(folder),
            counted(workspace.files, "file"),
        ));
        if workspace.missing > 0 {
            let missing = counted(workspace.missing, "file");
            text.push_str(&format!(
                "    {} from other devices\n",
                look.paint(Tone::Warning, format!("{missing} to come"))
            ));
        }
    }
    text.push_str("  What happened since comes from the other devices. Do not use the old device any more: both would be one.\n");
    text.push_str(&notes(&restored.notes));
    text
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}
