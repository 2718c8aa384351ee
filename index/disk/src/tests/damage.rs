//! An index that is damaged is built anew and never wrong; one that is stolen says nothing.

use std::fs;

use rusqlite::Connection;

use super::fixture::{Fixture, literal};
use crate::limits::{FILES_FOR_TWO_THREADS, OPEN_PAGES_BYTES};
use crate::seal::{Place, Sealer};
use crate::{Index, IndexError, IndexKey};

fn built() -> Fixture {
    let mut fixture = Fixture::new();
    for number in 0..100 {
        fixture.write(&format!("secretive{number}.txt"), format!("confidential{number} plans").as_bytes());
    }
    fixture.build();
    fixture
}

#[test]
fn nothing_readable_lies_in_the_database() {
    let mut fixture = built();
    fixture.write("single-secretive.txt", b"more confidential plans");
    fixture.build();
    drop(std::mem::replace(&mut fixture.index, Fixture::new().index));
    for end in ["", "-wal"] {
        let mut path = fixture.database().into_os_string();
        path.push(end);
        let bytes = fs::read(path).unwrap_or_default();
        for word in ["secretive", "confidential", "plans"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word} in *.db{end}");
        }
    }
}

#[test]
fn a_damaged_file_is_built_anew() {
    type Damage = fn(&Fixture);
    let damages: [Damage; 4] = [
        |fixture| fs::write(fixture.database(), b"no database at all, but something else entirely").unwrap(),
        |fixture| {
            let database = Connection::open(fixture.database()).unwrap();
            database.execute("UPDATE segment SET body = zeroblob(length(body))", []).unwrap();
        },
        |fixture| {
            let database = Connection::open(fixture.database()).unwrap();
            database.execute("PRAGMA user_version = 7", []).unwrap();
        },
        |fixture| {
            let length = fs::metadata(fixture.database()).unwrap().len();
            fs::OpenOptions::new().write(true).open(fixture.database()).unwrap().set_len(length / 3).unwrap();
        },
    ];
    for damage in damages {
        let mut fixture = built();
        fixture.index = Fixture::new().index;
        damage(&fixture);
        fixture.open_again();
        assert_eq!(fixture.build(), 100);
        assert_eq!(fixture.find_text("confidential42 "), ["secretive42.txt:1"]);
    }
}

#[test]
fn a_damaged_page_makes_a_search_slow_and_not_wrong() {
    let fixture = built();
    let database = Connection::open(fixture.database()).unwrap();
    database.execute("UPDATE page SET body = zeroblob(length(body))", []).unwrap();
    let (found, end) = fixture.find(&literal("confidential42 "));
    assert_eq!(found, [("secretive42.txt".to_owned(), 1)]);
    assert_eq!(end.files_read, 100);
    assert!(fixture.index.is_damaged());
    Index::remove(fixture.index.path()).unwrap();
    assert!(!fixture.database().exists());
}

#[test]
fn a_sealed_row_opens_in_its_place_with_its_key() {
    let sealer = |workspace: u8| Sealer::new(&IndexKey::derive(&[1; 32], &[workspace; 32]));
    let place = Place { table: 1, row: 2 };
    let sealed = sealer(1).seal(place, b"text").unwrap();
    assert_eq!(sealer(1).open(place, &sealed).unwrap(), b"text");
    let is_refused = |result: Result<Vec<u8>, IndexError>| matches!(result, Err(IndexError::Damaged));
    assert!(is_refused(sealer(2).open(place, &sealed)));
    assert!(is_refused(sealer(1).open(Place { table: 2, row: 2 }, &sealed)));
    assert!(is_refused(sealer(1).open(Place { table: 1, row: 3 }, &sealed)));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(is_refused(sealer(1).open(place, &changed)), "byte {at}");
        assert!(is_refused(sealer(1).open(place, &sealed[..at])));
    }
    assert_eq!(format!("{:?}", IndexKey::derive(&[1; 32], &[1; 32])), "IndexKey(****)");
}

#[test]
fn what_is_read_of_it_is_bounded() {
    let fixture = built();
    for number in 0..100 {
        assert_eq!(fixture.find_text(&format!("confidential{number} ")).len(), 1);
    }
    let open = fixture.index.pages.lock().unwrap();
    assert!(open.len() * weft_index::limits::PAGE_BYTES <= OPEN_PAGES_BYTES);
    drop(open);
    // Two threads look into so many, and what they find is in order.
    let (found, _) = fixture.find(&literal("plans"));
    assert!(found.len() > FILES_FOR_TWO_THREADS && found.is_sorted());
}
