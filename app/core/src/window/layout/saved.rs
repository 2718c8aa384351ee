//! A layout as text, for the next start: one line for each pane and tab, indented by depth.
//!
//! ```text
//! weft layout 1
//! row 1
//!   group 0.5 focused
//!     tab shown src/main.rs
//!     tab pinned notes.md
//!   group 0.5
//!     tab shown readme.md
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Axis, Group, GroupId, Layout, Pane, Tab, TabId};
use crate::limits::{GROUPS_MAX, PANE_DEPTH_MAX, SETTINGS_BYTES_MAX, TABS_MAX};

const HEAD: &str = "weft layout 1";

/// Says why a saved layout cannot be used. The window opens without tabs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the saved layout cannot be read")]
pub struct LayoutError {
    /// The line, from 1.
    pub line: usize,
}

impl Layout {
    /// The layout as text. Tabs that only preview are left out.
    pub fn save(&self) -> String {
        let mut out = format!("{HEAD}\n");
        self.save_pane(&self.root, 1.0, 0, &mut out);
        out
    }

    fn save_pane(&self, pane: &Pane, share: f32, depth: usize, out: &mut String) {
        let space = "  ".repeat(depth);
        match pane {
            Pane::Split { axis, children } => {
                let word = if *axis == Axis::Row { "row" } else { "column" };
                let _ = writeln!(out, "{space}{word} {share}");
                for (child, share) in children {
                    self.save_pane(child, *share, depth + 1, out);
                }
            }
            Pane::Group(id) => {
                let focus = if *id == self.focused { " focused" } else { "" };
                let _ = writeln!(out, "{space}group {share}{focus}");
                let Some(group) = self.groups.get(id) else { return };
                for (index, tab) in group.tabs.iter().enumerate() {
                    if tab.is_preview || tab.path.contains('\n') {
                        continue;
                    }
                    let shown = if index == group.active { " shown" } else { "" };
                    let pinned = if tab.is_pinned { " pinned" } else { "" };
                    // The path comes last and may hold anything.
                    let _ = writeln!(out, "{space}  tab{shown}{pinned} /{}", tab.path);
                }
            }
        }
    }

    /// Reads a saved layout.
    pub fn load(text: &str) -> Result<Self, LayoutError> {
        if text.len() > SETTINGS_BYTES_MAX {
            return Err(LayoutError { line: 1 });
        }
        let mut lines = text.lines().enumerate().peekable();
        if lines.next().map(|(_, line)| line) != Some(HEAD) {
            return Err(LayoutError { line: 1 });
        }
        let mut reader = Reader { lines, groups: BTreeMap::new(), focused: None, next: 0, tabs: 0 };
        let (mut root, _) = reader.pane(0)?;
        if let Some((line, _)) = reader.lines.next() {
            return Err(LayoutError { line: line + 1 });
        }
        tidy(&mut root);
        let Some(first) = reader.groups.keys().next().copied() else { return Err(LayoutError { line: 2 }) };
        let focused = reader.focused.unwrap_or(first);
        let mut layout = Self { root, groups: reader.groups, focused, next: reader.next, closed: Vec::new() };
        let empty: Vec<GroupId> =
            layout.groups.iter().filter(|(_, group)| group.tabs.is_empty()).map(|(id, _)| *id).collect();
        for id in empty {
            layout.remove_group(id);
        }
        Ok(layout)
    }
}

/// Joins splits of one direction that lie in each other, and makes shares sum up to 1.
fn tidy(pane: &mut Pane) {
    // Taking out a group that is not there does just that.
    super::without(pane, GroupId(u32::MAX));
}

struct Reader<'a> {
    lines: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    groups: BTreeMap<GroupId, Group>,
    focused: Option<GroupId>,
    next: u32,
    tabs: usize,
}

impl Reader<'_> {
    fn pane(&mut self, depth: usize) -> Result<(Pane, f32), LayoutError> {
        let Some((number, line)) = self.lines.next() else { return Err(LayoutError { line: 0 }) };
        let error = LayoutError { line: number + 1 };
        if depth > PANE_DEPTH_MAX || indent_of(line) != depth {
            return Err(error);
        }
        let mut words = line.split_whitespace();
        let kind = words.next();
        let share: Option<f32> = words.next().and_then(|share| share.parse().ok());
        let share = share.filter(|share| *share > 0.0 && *share <= 1.0).ok_or(error.clone())?;
        let axis = match kind {
            Some("row") => Axis::Row,
            Some("column") => Axis::Column,
            Some("group") => return Ok((self.group(depth, words.next() == Some("focused"), &error)?, share)),
            _ => return Err(error),
        };
        let mut children = Vec::new();
        while self.lines.peek().is_some_and(|(_, line)| indent_of(line) == depth + 1) {
            children.push(self.pane(depth + 1)?);
        }
        if children.is_empty() { Err(error) } else { Ok((Pane::Split { axis, children }, share)) }
    }

    fn group(&mut self, depth: usize, is_focused: bool, error: &LayoutError) -> Result<Pane, LayoutError> {
        if self.groups.len() >= GROUPS_MAX {
            return Err(error.clone());
        }
        let id = GroupId(self.next);
        self.next += 1;
        let mut group = Group::default();
        let mut shown = 0;
        while let Some((number, line)) = self
            .lines
            .next_if(|(_, line)| indent_of(line) == depth + 1 && line.trim_start().starts_with("tab"))
        {
            let error = LayoutError { line: number + 1 };
            let (head, path) = line.split_once(" /").ok_or(error.clone())?;
            if self.tabs >= TABS_MAX || path.is_empty() {
                return Err(error);
            }
            self.tabs += 1;
            if head.contains(" shown") {
                shown = group.tabs.len();
            }
            let tab_id = TabId(self.next);
            self.next += 1;
            let is_pinned = head.contains(" pinned");
            group.tabs.push(Tab { id: tab_id, path: path.to_owned(), is_preview: false, is_pinned });
            group.used.push(tab_id);
        }
        group.activate(shown);
        if is_focused {
            self.focused = Some(id);
        }
        self.groups.insert(id, group);
        Ok(Pane::Group(id))
    }
}

fn indent_of(line: &str) -> usize {
    (line.len() - line.trim_start_matches(' ').len()) / 2
}
