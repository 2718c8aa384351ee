//! Planners: what they refuse, and that the same deed is the same edit.

use super::replica::{Replica, WORKSPACE, blob};
use crate::tree::{Created, NameProblem, PlanError, Planner, Platform};
use crate::{Author, RegisterEdit};

fn replica() -> Replica {
    let mut replica = Replica::new(0, Platform::default());
    replica.put("d/a", 1).unwrap();
    replica.put("b", 2).unwrap();
    replica
}

fn refuse<T: std::fmt::Debug>(act: impl FnOnce(&mut Planner<'_>) -> Result<T, PlanError>) -> PlanError {
    let replica = replica();
    let mut planner = Planner::new(&replica.view, &replica.documents, &WORKSPACE);
    let error = act(&mut planner).unwrap_err();
    assert!(!error.hint().is_empty());
    error
}

#[test]
fn impossible_deeds_are_refused() {
    let path = |path: &str| path.to_owned();
    assert_eq!(refuse(|p| p.create_file("b", blob(1), false)), PlanError::Exists { path: path("b") });
    assert_eq!(refuse(|p| p.create_folder("d")), PlanError::Exists { path: path("d") });
    assert_eq!(refuse(|p| p.create_file("b/x", blob(1), false)), PlanError::NotAFolder { path: path("b") });
    assert_eq!(refuse(|p| p.create_folder("b/x/y")), PlanError::NotAFolder { path: path("b") });
    assert_eq!(refuse(|p| p.delete(&["x"])), PlanError::NotFound { path: path("x") });
    assert_eq!(refuse(|p| p.delete(&["b/x"])), PlanError::NotFound { path: path("b/x") });
    assert_eq!(refuse(|p| p.write_content("d", blob(1))), PlanError::NotAFile { path: path("d") });
    assert_eq!(refuse(|p| p.convert("d")), PlanError::NotAFile { path: path("d") });
    assert_eq!(refuse(|p| p.set_executable("d", true)), PlanError::NotAFile { path: path("d") });
    assert_eq!(refuse(|p| p.rename("b", "d")), PlanError::Exists { path: path("d") });
    assert_eq!(
        refuse(|p| p.rename("d", "d/e/f")),
        PlanError::IntoItself { from: path("d"), to: path("d/e/f") }
    );
    for (name, problem) in [
        ("x/..", NameProblem::Dots),
        ("../x", NameProblem::Dots),
        ("/x", NameProblem::Dots),
        ("x//y", NameProblem::Dots),
        ("", NameProblem::Dots),
        (".git/config", NameProblem::Git),
        ("x\0", NameProblem::Separator),
    ] {
        let refused = refuse(|p| p.create_file(name, blob(1), false));
        assert!(
            matches!(&refused, PlanError::Name { problem: p, .. } if *p == problem)
                || (name.is_empty() && matches!(refused, PlanError::Exists { .. })),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn nothing_planned_is_nothing_to_write() {
    let replica = replica();
    let mut planner = Planner::new(&replica.view, &replica.documents, &WORKSPACE);
    planner.set_executable("b", false).unwrap();
    planner.write_content("b", blob(2)).unwrap();
    planner.rename("b", "b").unwrap();
    assert!(planner.is_empty());
    assert_eq!(planner.finish(), []);
}

#[test]
fn the_same_deeds_in_another_order_are_the_same_edits() {
    let replica = replica();
    let plan = |order: &[usize]| -> Vec<RegisterEdit> {
        let mut planner = Planner::new(&replica.view, &replica.documents, &WORKSPACE);
        for step in order {
            match step {
                0 => drop(planner.create_file("n/x", blob(5), true).unwrap()),
                1 => drop(planner.create_file("n/a", blob(6), false).unwrap()),
                2 => drop(planner.write_content("b", blob(7)).unwrap()),
                _ => planner.delete(&["d"]).unwrap(),
            }
        }
        planner.finish()
    };
    let edits = plan(&[0, 1, 2, 3]);
    assert_eq!(plan(&[3, 2, 1, 0]), edits);
    // So two devices that do it write one change.
    let mut one = replica.tree.clone();
    let mut other = replica.tree.clone();
    let first = one.edit(Author::ContentNamed, &edits, 0).unwrap().changes;
    let second = other.edit(Author::ContentNamed, &edits, 0).unwrap().changes;
    assert_eq!(first[0].hash(), second[0].hash());
}

#[test]
fn converting_a_file_twice_finds_the_same_document() {
    let mut replica = replica();
    let mut other = replica.clone();
    let document = replica.plan(|planner| planner.convert("b")).unwrap();
    assert_eq!(other.plan(|planner| planner.convert("b")).unwrap(), document);
    assert_eq!(replica.plan(|planner| planner.convert("b")).unwrap(), document);
    // After other content stood there in between, it is another document.
    replica.documents.edit(document, 0);
    replica.put("b", 9).unwrap();
    replica.put("b", 2).unwrap();
    assert_ne!(replica.plan(|planner| planner.convert("b")).unwrap(), document);
    assert_eq!(replica.view.base_of_document(document), Some(&blob(2)));
    assert_eq!(replica.view.nodes_of_document(document).count(), 1);
}

#[test]
fn one_plan_sees_what_it_planned() {
    let mut replica = replica();
    replica
        .plan(|planner| {
            let _ = planner.create_file("n/x", blob(5), false)?;
            planner.rename("n", "m")?;
            planner.rename("m/x", "d/x")?;
            planner.write_content("d/x", blob(6))?;
            planner.set_executable("d/x", true)?;
            planner.rename("d", "e")?;
            planner.delete(&["m", "e/a"])?;
            let created = planner.create_file("d/a", blob(8), false)?;
            assert!(matches!(created, Created::Written(_)));
            Ok(())
        })
        .unwrap();
    assert_eq!(replica.render(), "b = 2\nd/\nd/a = 8\ne/\ne/x = 6 !");
}

#[test]
fn a_file_made_and_deleted_in_one_plan_is_not_there() {
    let mut replica = replica();
    replica
        .plan(|planner| {
            let _ = planner.create_file("n/x", blob(5), false)?;
            planner.delete(&["n"])?;
            planner.create_file("n/y", blob(5), false).map(|_| ())
        })
        .unwrap();
    assert_eq!(replica.render(), "b = 2\nd/\nd/a = 1\nn/\nn/y = 5");
}

#[test]
fn what_is_made_beside_something_keeps_both() {
    let mut replica = replica();
    let _ = replica.plan(|planner| planner.create_file_beside("b", blob(3), false)).unwrap();
    let mut lines: Vec<_> = replica.render().lines().map(str::to_owned).collect();
    lines.retain(|line| line.starts_with('b'));
    let contents: Vec<&str> = lines.iter().filter_map(|line| line.split(" = ").nth(1)).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(contents.contains(&"2") && contents.contains(&"3"), "{lines:?}");
    replica.plan(|planner| planner.create_folder_beside("d/a")).unwrap();
    assert!(replica.render().contains("d/a/"), "{}", replica.render());
    assert!(replica.render().contains("d/a (2) = 1"), "{}", replica.render());
}

#[test]
fn a_node_is_renamed_over_another_name_and_out_of_the_trash() {
    let mut replica = replica();
    let node = replica.view.node_at("b").unwrap().node;
    replica.plan(|planner| planner.rename_node(node, "d/a")).unwrap();
    let shown = replica.render();
    let contents: Vec<&str> = shown.lines().filter_map(|line| line.split(" = ").nth(1)).collect();
    assert!(shown.contains("d/a = ") && shown.contains("d/a (2) = "), "{shown}");
    assert!(contents.contains(&"1") && contents.contains(&"2"), "{shown}");
    replica.plan(|planner| planner.delete(&["d"])).unwrap();
    assert_eq!(replica.render(), "");
    replica.plan(|planner| planner.rename_node(node, "c")).unwrap();
    assert_eq!(replica.render(), "c = 2");
    let unknown = crate::NodeId::from_bytes([9; 16]);
    assert!(replica.plan(|planner| planner.rename_node(unknown, "x")).is_err());
}

#[test]
fn a_folder_moves_into_its_own_part_and_nothing_comes_twice() {
    let mut replica = replica();
    replica.plan(|planner| planner.create_folder("house").map(drop)).unwrap();
    replica.plan(|planner| planner.create_folder("garden").map(drop)).unwrap();
    let [house, garden] = ["house", "garden"].map(|path| replica.view.node_at(path).unwrap().node);
    // Others have moved the garden into the house before the move of the house into the garden is told.
    replica.plan(|planner| planner.rename("garden", "house/garden")).unwrap();
    let before = replica.render();
    replica.plan(|planner| planner.move_into_own_part(house, garden, "house")).unwrap();
    let shown = replica.render();
    assert_eq!(shown.lines().count(), before.lines().count(), "{shown}");
    assert_eq!(shown.matches("house/").count() + shown.matches("garden/").count(), 3, "{shown}");
    let unknown = crate::NodeId::from_bytes([9; 16]);
    assert!(replica.plan(|planner| planner.move_into_own_part(house, unknown, "house")).is_err());
    assert!(replica.plan(|planner| planner.move_into_own_part(house, garden, "a/b")).is_err());
}
