use rand::RngExt as _;

use crate::limits::{CLOSED_TABS_MAX, GROUPS_MAX, PANE_DEPTH_MAX, TABS_MAX};
use crate::testing::{self, under_seeds};
use crate::window::*;

fn paths(layout: &Layout) -> Vec<Vec<String>> {
    let groups = layout.order().into_iter().filter_map(|id| layout.group(id));
    groups.map(|group| group.tabs().iter().map(|tab| tab.path.clone()).collect()).collect()
}

#[test]
fn files_open_in_tabs() {
    let mut layout = Layout::default();
    let a = layout.open("a", false).unwrap();
    layout.open("b", false);
    assert_eq!(layout.open("a", false), Some(a));
    layout.open("c", true);
    assert_eq!(paths(&layout), [["a", "c", "b"]]);
    layout.open("d", true);
    assert_eq!(paths(&layout), [["a", "d", "b"]], "a preview is replaced");
    let d = layout.open("d", false).unwrap();
    layout.open("e", true);
    assert_eq!(paths(&layout), [["a", "d", "e", "b"]]);
    layout.close(layout.active().unwrap().id);
    assert_eq!(layout.active().unwrap().path, "d", "the one used before is shown");
    layout.cycle(true);
    assert_eq!(layout.active().unwrap().path, "b");
    layout.cycle(true);
    assert_eq!(layout.active().unwrap().path, "a");
    layout.cycle(false);
    assert_eq!(layout.active().unwrap().path, "b");
    layout.pin(d, true);
    assert_eq!(paths(&layout), [["d", "a", "b"]]);
    assert_eq!(layout.active().unwrap().path, "b");
    layout.reopen();
    assert_eq!(paths(&layout), [["d", "a", "b", "e"]]);
    layout.renamed("b", "x/b");
    layout.renamed("x", "y");
    assert_eq!(paths(&layout), [["d", "a", "y/b", "e"]]);
}

#[test]
fn groups_stand_beside_each_other() {
    let mut layout = Layout::default();
    layout.open("a", false);
    let right = layout.split(Axis::Row).unwrap();
    layout.open("b", false);
    layout.split(Axis::Column);
    assert_eq!(paths(&layout), [vec!["a"], vec!["a", "b"], vec!["b"]]);
    layout.resize(&[], 0, 0.7);
    let Pane::Split { children, .. } = layout.root() else { panic!("no split") };
    assert!((children[0].1 - 0.7).abs() < 0.001);
    let tab = layout.active().unwrap().id;
    layout.move_tab(tab, right, 0);
    assert_eq!(paths(&layout), [vec!["a"], vec!["b", "a", "b"]]);
    assert_eq!(layout.focused(), right);
    layout.focus_index(0);
    layout.close(layout.active().unwrap().id);
    assert_eq!(layout.root(), &Pane::Group(right), "a split of one is that one");
    assert_eq!(layout.focused(), right);
}

#[test]
fn any_steps_leave_a_layout_that_can_be_saved_and_loaded() {
    under_seeds(300, |rng| {
        let mut layout = Layout::default();
        for _ in 0..40 {
            let order = layout.order();
            let group = order[rng.random_range(0..order.len())];
            let tab = layout.group(group).unwrap().tabs().first().map(|tab| tab.id);
            match (rng.random_range(0..9), tab) {
                (0 | 1, _) => {
                    layout.open(&format!("f{}", rng.random_range(0..9)), rng.random_bool(0.3));
                }
                (2, _) => {
                    layout.split(if rng.random_bool(0.5) { Axis::Row } else { Axis::Column });
                }
                (3, Some(tab)) => drop(layout.close(tab)),
                (4, _) => layout.focus(group),
                (5, Some(tab)) => layout.move_tab(tab, order[0], rng.random_range(0..4)),
                (6, _) => layout.resize(&[], rng.random_range(0..3), rng.random_range(-1.0..2.0)),
                (7, Some(tab)) => layout.pin(tab, rng.random_bool(0.5)),
                (8, _) => {
                    layout.reopen();
                }
                _ => layout.cycle(rng.random_bool(0.5)),
            }
            layout.check_invariants();
        }
        for id in layout.order() {
            let tabs: Vec<TabId> = layout.group(id).unwrap().tabs().iter().map(|tab| tab.id).collect();
            tabs.into_iter().for_each(|tab| layout.keep(tab));
        }
        let saved = layout.save();
        let loaded = Layout::load(&saved).unwrap();
        loaded.check_invariants();
        assert_eq!(paths(&loaded), paths(&layout));
        assert_eq!(loaded.active().map(|tab| &tab.path), layout.active().map(|tab| &tab.path));
        assert_eq!(loaded.save().lines().count(), saved.lines().count());
    });
}

#[test]
fn saved_layouts_may_be_anything() {
    under_seeds(300, |rng| {
        let noise = testing::text(rng, 10);
        let _ = Layout::load(&noise);
        let _ = Layout::load(&format!("weft layout 1\nrow 1\n  group 0.5\n    tab /{noise}"));
        let _ = Layout::load(&format!("weft layout 1\n{noise}"));
    });
    for (text, line) in [
        ("", 1),
        ("weft layout 1\nrow 1\n", 2),
        ("weft layout 1\ngroup nan\n", 2),
        ("weft layout 1\ngroup 1\n  tab x\n", 3),
        ("weft layout 1\ngroup 1\nrest", 3),
    ] {
        assert_eq!(Layout::load(text).unwrap_err().line, line, "{text:?}");
    }
    let deep = |depth: usize| {
        let rows = (0..depth)
            .map(|at| format!("{}{} 1\n", "  ".repeat(at), if at % 2 == 0 { "row" } else { "column" }));
        format!("weft layout 1\n{}{}group 1\n", rows.collect::<String>(), "  ".repeat(depth))
    };
    assert!(Layout::load(&deep(PANE_DEPTH_MAX)).is_ok());
    assert!(Layout::load(&deep(PANE_DEPTH_MAX + 1)).is_err());
}

#[test]
fn there_are_at_most_so_many_tabs_and_groups() {
    let mut layout = Layout::default();
    for number in 0..TABS_MAX {
        assert!(layout.open(&number.to_string(), false).is_some());
    }
    assert!(layout.open("one more", false).is_none());
    assert!(layout.split(Axis::Row).is_none());
    let ids: Vec<TabId> = layout.group(layout.focused()).unwrap().tabs().iter().map(|tab| tab.id).collect();
    ids.iter().take(CLOSED_TABS_MAX + 1).for_each(|id| drop(layout.close(*id)));
    let reopened = std::iter::from_fn(|| layout.reopen()).count();
    assert_eq!(reopened, CLOSED_TABS_MAX);
    let mut layout = Layout::default();
    layout.open("a", false);
    for _ in 1..GROUPS_MAX {
        assert!(layout.split(Axis::Row).is_some());
    }
    assert!(layout.split(Axis::Row).is_none());
}
