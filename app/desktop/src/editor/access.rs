//! What a screen reader is told of a text.

use eframe::egui::{Context, Id, accesskit::Role};

use super::EditorScene;

/// Describes the text by its file, the line of the caret and the place in it. Only done where somebody listens.
pub(super) fn describe(ctx: &Context, id: Id, scene: &EditorScene<'_>) {
    ctx.accesskit_node_builder(id, |node| {
        let buffer = scene.document.buffer();
        let head = scene.view.selections().primary().head;
        let line = buffer.line_of(head);
        node.set_role(Role::MultilineTextInput);
        node.set_label(scene.path.to_owned());
        node.set_value(buffer.line(line).to_string());
        let column = head.0 - buffer.line_start(line).0 + 1;
        let place = format!("line {} of {}, column {column}", line.0 + 1, buffer.len_lines());
        node.set_description(match scene.ghost {
            Some(ghost) => format!("{place}, ghost text: {}", ghost.text),
            None => place,
        });
        if !scene.may_write {
            node.set_read_only();
        }
    });
}
