use std::collections::BTreeSet;

use super::*;

#[test]
fn every_command_has_a_name_and_a_title_of_its_own() {
    let ids: BTreeSet<&str> = commands().iter().map(|info| info.id).collect();
    assert_eq!(ids.len(), commands().len());
    // One title may stand for two ways to ask for the same thing.
    for info in commands() {
        let same = commands().iter().filter(|other| other.title == info.title);
        assert!(
            same.clone().all(|other| other.command == info.command) || same.count() < 2,
            "{}",
            info.title
        );
        assert!(info.title.starts_with(char::is_uppercase), "{}", info.title);
        assert!(find(info.id).is_some_and(|found| found.command == info.command));
        assert!(info_of(info.command).is_some());
    }
}
