//! Two people give the same name, or one file two contents.

use super::language::{check, play};

#[test]
fn the_same_new_file_is_one_file() {
    check("ana put a/b.txt 1 \n ben put a/b.txt 1", "a/ \n a/b.txt = 1");
}

#[test]
fn folders_of_one_name_are_one() {
    check(
        "ana put d/e/a 1 \n ben mkdir d \n ben put d/e/b 2 \n ben put d/e/f/c 3",
        "d/ \n d/e/ \n d/e/a = 1 \n d/e/b = 2 \n d/e/f/ \n d/e/f/c = 3",
    );
}

#[test]
fn folders_made_by_moves_unite_and_part() {
    let unite = "
        ana put a/x 1
        ana put b/y 2
        ana put b/s/z 3
        ana put a/s/w 4
        sync
        ana mv a c
        ben mv b c
        sync";
    check(unite, "c/ \n c/s/ \n c/s/w = 4 \n c/s/z = 3 \n c/x = 1 \n c/y = 2");
    // What is done to a folder is done to all its nodes.
    check(&format!("{unite} \n cy mv c d"), "d/ \n d/s/ \n d/s/w = 4 \n d/s/z = 3 \n d/x = 1 \n d/y = 2");
    check(&format!("{unite} \n cy rm c"), "");
    check(
        &format!("{unite} \n cy rm c/s \n ana edit c/s/w"),
        "c/ \n c/s/ \n c/s/w = text 4+1 \n c/x = 1 \n c/y = 2",
    );
}

#[test]
fn files_of_one_name_are_told_apart() {
    let replicas = play("ana put a.txt 1 \n ben put a.txt 2 \n cy put a_(2).txt 3");
    for replica in &replicas {
        let lines = replica.render();
        assert!(lines.contains("a (2).txt = 3"), "{lines}");
        assert!(lines.contains("a.txt = "), "{lines}");
        assert!(lines.contains("a (3).txt = "), "{lines}");
    }
}

#[test]
fn the_older_of_two_files_has_the_name() {
    check(
        "ana put x 9 \n ana put a 1 \n sync \n ben put b 2 \n sync \n ana mv a c \n ben mv b c",
        "c = 1 \n c (2) = 2 \n x = 9",
    );
}

#[test]
fn a_folder_has_the_name_before_a_file() {
    check("ana put a 1 \n ben put a/b 2", "a (2) = 1 \n a/ \n a/b = 2");
}

#[test]
fn a_file_that_was_told_apart_can_be_renamed() {
    let script =
        "ana put x 9 \n ana put a 1 \n sync \n ben put b 2 \n sync \n ana mv a c \n ben mv b c \n sync";
    check(&format!("{script} \n cy mv c_(2) d"), "c = 1 \n d = 2 \n x = 9");
    check(&format!("{script} \n cy rm c"), "c = 2 \n x = 9");
    check(&format!("{script} \n cy mv c_(2) d/c \n sync \n ana mv d e"), "c = 1 \n e/ \n e/c = 2 \n x = 9");
}

#[test]
fn both_rename_the_same_file() {
    let replicas = play("ana put a 1 \n sync \n ana mv a b \n ben mv a c");
    let lines = replicas[0].render();
    assert!(lines == "b = 1" || lines == "c = 1", "{lines}");
    assert!(replicas.iter().all(|replica| replica.render() == lines));
}

#[test]
fn both_save_other_content() {
    let script = "ana put a.txt 1 \n sync \n ana put a.txt 2 \n ben put a.txt 3 \n sync";
    let replicas = play(script);
    let lines = replicas[0].render();
    let (winner, loser) = if lines.contains("a.txt = 2") { (2, 3) } else { (3, 2) };
    let name = if loser == 2 { "Ana" } else { "Ben" };
    check(script, &format!("a (conflict, {name}).txt = {loser} ? \n a.txt = {winner}"));
    let copy = format!("a_(conflict,_{name}).txt");
    check(&format!("{script} \n cy rm {copy}"), &format!("a.txt = {winner}"));
    check(&format!("{script} \n cy rm a.txt"), &format!("a.txt = {loser}"));
    check(&format!("{script} \n cy rm a.txt {copy}"), "");
    check(&format!("{script} \n cy mv {copy} b"), &format!("a.txt = {winner} \n b = {loser}"));
    check(
        &format!("{script} \n cy put {copy} 7"),
        &format!("a (conflict, {name}).txt = 7 \n a.txt = {winner}"),
    );
    // The version that was not touched stays, now as a file of its own.
    check(
        &format!("{script} \n cy put a.txt 7"),
        &format!("a (conflict, {name}).txt = {loser} \n a.txt = 7"),
    );
    check(
        &format!("{script} \n cy edit a.txt"),
        &format!("a (conflict, {name}).txt = {loser} \n a.txt = text {winner}+1"),
    );
    check(&format!("{script} \n cy run a.txt \n sync \n ana mv a.txt d/a"), &{
        format!("d/ \n d/a = {winner} ! \n d/a (conflict, {name}) = {loser} ! ?")
    });
}

#[test]
fn both_save_the_same_content() {
    check("ana put a 1 \n sync \n ana put a 2 \n ben put a 2", "a = 2");
}

#[test]
fn three_contents_are_kept_when_one_is_given_up() {
    let script = "ana put a 1 \n sync \n ana put a 2 \n ben put a 3 \n cy put a 4 \n sync";
    let replicas = play(script);
    let copies: Vec<String> =
        replicas[0].render().lines().filter(|line| line.contains('?')).map(str::to_owned).collect();
    assert_eq!(copies.len(), 2);
    let path = |line: &str| line.split(" = ").next().unwrap().replace(' ', "_");
    let replicas = play(&format!("{script} \n ana rm {}", path(&copies[0])));
    let kept = copies[1].trim_end_matches(" ?");
    assert!(replicas[0].render().contains(kept), "{}", replicas[0].render());
    assert!(!replicas[0].render().contains(&copies[0]));
    let replicas = play(&format!("{script} \n ana rm a"));
    assert_eq!(replicas[0].render().lines().count(), 2, "{}", replicas[0].render());
}

#[test]
fn both_edit_the_same_file() {
    check("ana put a 1 \n sync \n ana edit a \n ben edit a", "a = text 1+2");
}

#[test]
fn an_edit_of_a_replaced_document_is_shown_beside() {
    let script = "ana put a.txt 1 \n ana edit a.txt \n sync \n ana put a.txt 2 \n ben edit a.txt";
    check(script, "a (conflict, Ben).txt = text 1+2 ? \n a.txt = 2");
    let copy = "a_(conflict,_Ben).txt";
    check(&format!("{script} \n sync \n cy rm {copy}"), "a.txt = 2");
    check(&format!("{script} \n sync \n cy rm a.txt"), "a.txt = text 1+2");
    check(&format!("{script} \n sync \n cy rm a.txt {copy}"), "");
    check(&format!("{script} \n sync \n cy rm {copy} \n ana edit {copy}"), &{
        "a (conflict, Ana).txt = text 1+3 ? \n a.txt = 2".to_owned()
    });
    check(&format!("{script} \n sync \n cy put {copy} 5"), "a (conflict, Ben).txt = 5 \n a.txt = 2");
}

#[test]
fn an_edit_from_the_base_and_a_save_are_both_kept() {
    let replicas = play("ana put a 1 \n sync \n ana put a 2 \n ben edit a");
    let lines = replicas[0].render();
    let expected = ["a (conflict, Ana) = 2 ?\na = text 1+1", "a (conflict, Ben) = text 1+1 ?\na = 2"];
    assert!(expected.contains(&lines.as_str()), "{lines}");
}

#[test]
fn a_text_that_comes_back_does_not_wake_the_old_document() {
    check("ana put a 1 \n ana edit a \n ana put a 2 \n ana put a 1 \n ana edit a \n sync", "a = text 1+1");
}
