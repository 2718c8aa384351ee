//! Several people who share one folder, with a node each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;
use weft_tests::{Answer, Device, Failure, Files, PATIENCE, Person, eventually};

/// The first one is the owner.
pub(crate) struct Team {
    pub(crate) people: Vec<Person>,
    _root: TempDir,
}

impl Team {
    /// A workspace with these files; everybody but the first has joined as editor.
    pub(crate) fn new(names: &[&str], files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let mut people: Vec<Person> = Vec::new();
        for name in names {
            let mut device = Device::new(root.path(), name).expect("a device");
            let files_of = Files::new(device.place.join("notes")).expect("a folder");
            if people.is_empty() {
                files.iter().for_each(|(path, text)| files_of.write(path, text).expect("a file"));
                device.weft(["init", "notes", "--name", "notes"]).expect("a workspace");
            }
            device.start_node().expect("a node");
            people.push(Person { device, files: files_of });
        }
        for newcomer in &people[1..] {
            let ticket = people[0].device.weft(["share", "notes", "--yes"]).expect("a ticket");
            let join =
                newcomer.device.weft_with_input(["join", "-", "notes", "--yes"], ticket.text("ticket"));
            join.expect("a joined workspace");
        }
        let team = Self { people, _root: root };
        team.agree();
        let roles = names.iter().enumerate();
        let roles: Vec<_> =
            roles.map(|(at, name)| (*name, if at == 0 { "owner" } else { "editor" })).collect();
        (0..names.len()).for_each(|number| team.members_are(number, &roles));
        team
    }

    /// Waits until these say the same.
    pub(crate) fn agree_among(&self, numbers: &[usize]) {
        let told = || numbers.iter().map(|number| self.people[*number].digest()).collect::<Vec<_>>();
        let is_same = || {
            let told = told();
            (told.iter().all(|one| one.is_some() && *one == told[0])).then_some(())
        };
        assert!(eventually(PATIENCE, is_same).is_some(), "they do not agree: {:?}", told());
    }

    pub(crate) fn agree(&self) {
        self.agree_among(&(0..self.people.len()).collect::<Vec<_>>());
    }

    pub(crate) fn weft(&self, number: usize, words: &[&str]) -> Result<Answer, Failure> {
        self.people[number].device.weft(words)
    }

    /// A command that must be refused, with this exit code and words.
    #[track_caller]
    pub(crate) fn refused(&self, number: usize, words: &[&str], code: i32, says: &str) {
        let failure = self.weft(number, words).expect_err("it is done");
        let told = format!("{} {}", failure.message, failure.hint.unwrap_or_default());
        assert_eq!(failure.code, Some(code), "{told}");
        assert!(told.contains(says), "{says:?} is not in {told:?}");
    }

    /// Waits until somebody's folder holds this.
    #[track_caller]
    pub(crate) fn has(&self, number: usize, path: &str, word: &str) {
        let look = || self.people[number].files.read(path).filter(|text| text.contains(word));
        let found = eventually(PATIENCE, look);
        assert!(found.is_some(), "{word:?} is not in {path}: {:?}", self.people[number].files.read(path));
    }

    /// Waits until somebody's list of members is this: names with roles.
    #[track_caller]
    pub(crate) fn members_are(&self, number: usize, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect();
        let found = eventually(PATIENCE, || (self.members(number) == expected).then_some(()));
        assert!(found.is_some(), "{:?}, not {expected:?}", self.members(number));
    }

    pub(crate) fn members(&self, number: usize) -> BTreeMap<String, String> {
        let answer = self.weft(number, &["members", "notes"]).expect("a list");
        let members = answer.field("members").as_array().cloned().unwrap_or_default();
        let word = |member: &serde_json::Value, field: &str| member[field].as_str().unwrap_or("?").to_owned();
        members.iter().map(|member| (word(member, "name"), word(member, "role"))).collect()
    }

    /// The state that somebody's status tells.
    pub(crate) fn state(&self, number: usize) -> String {
        self.people[number].status().text("state").to_owned()
    }

    /// Why a path is not in step, as somebody's status tells.
    pub(crate) fn pending(&self, number: usize, path: &str) -> Option<String> {
        let status = self.people[number].status();
        let pending = status.field("pending").as_array().cloned().unwrap_or_default();
        let found = pending.iter().find(|one| one["path"].as_str().is_some_and(|at| at == path))?;
        Some(found["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// What somebody's audit tells of machines that wrote two histories of a log.
    pub(crate) fn forks(&self, number: usize) -> usize {
        forks(&self.people[number])
    }

    pub(crate) fn path(&self, number: usize, path: &str) -> PathBuf {
        self.people[number].files.path(path)
    }
}

/// How many proofs that a log was continued twice stand in a person's trail of the membership.
pub(crate) fn forks(person: &Person) -> usize {
    let folder = person.files.root.display().to_string();
    let audit = person.device.weft(["audit", &folder]).expect("a trail without damage");
    let records = audit.field("records").as_array().cloned().unwrap_or_default();
    assert!(records.len() > 3, "{audit:?}");
    records.iter().filter(|record| record["action"] == "show-fork").count()
}
