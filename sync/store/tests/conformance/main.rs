//! One suite that every store passes: `MemoryStore` and the real one, the latter also with pack
//! files so small that every batch crosses several of them.

#![allow(clippy::unwrap_used, missing_docs)]

mod chunks;
mod entries;
mod forks;
mod records;
mod support;

use weft_store::{
    ChangeOrder, EntryFilter, EntryMarks, Instance, MemoryStore, Storage, Store, StoreKey, StoreOptions,
    StoredOrder,
};

/// Makes empty stores of one kind; what it returns beside them keeps their folder.
type Make = fn() -> (Box<dyn Storage>, Option<tempfile::TempDir>);

fn memory() -> (Box<dyn Storage>, Option<tempfile::TempDir>) {
    (Box::new(MemoryStore::new(Instance([9; 16]))), None)
}

fn sqlite_with(options: StoreOptions) -> (Box<dyn Storage>, Option<tempfile::TempDir>) {
    let folder = tempfile::tempdir().unwrap();
    let key = StoreKey::from_bytes([3; 32]);
    let store = Store::open_with(&folder.path().join("home"), &key, options).unwrap();
    (Box::new(store), Some(folder))
}

fn sqlite() -> (Box<dyn Storage>, Option<tempfile::TempDir>) {
    sqlite_with(StoreOptions::default())
}

fn sqlite_with_small_packs() -> (Box<dyn Storage>, Option<tempfile::TempDir>) {
    sqlite_with(StoreOptions { pack_bytes_max: 500, ..StoreOptions::default() })
}

macro_rules! suite {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod memory_store {
            $(#[test] fn $test() { super::run(super::memory, super::$module::$test); })*
        }
        mod sqlite_store {
            $(#[test] fn $test() { super::run(super::sqlite, super::$module::$test); })*
        }
        mod sqlite_store_with_small_packs {
            $(#[test] fn $test() {
                super::run(super::sqlite_with_small_packs, super::$module::$test);
            })*
        }
    };
}

fn run(make: Make, test: fn(&dyn Storage)) {
    let (store, _folder) = make();
    test(&*store);
}

suite! {
    entries::a_new_store_is_empty,
    entries::entries_are_read_back_by_log_and_in_stored_order,
    entries::an_entry_stored_twice_stays_one,
    entries::another_entry_at_the_same_place_is_refused,
    entries::a_gap_is_refused,
    entries::a_fork_is_stored_beside,
    entries::a_refused_transaction_leaves_nothing,
    entries::reads_stop_at_their_byte_limit,
    entries::marks_are_set_and_cleared,
    entries::changes_are_found_by_document,
    entries::a_change_of_an_unknown_entry_is_refused,
    entries::a_late_change_comes_after_earlier_ones,
    entries::workspaces_stay_apart,
    entries::a_dropped_workspace_is_gone,
    entries::orders_are_never_given_twice,
    entries::the_genesis_belongs_to_no_log,
    entries::summaries_count_what_is_there,
    entries::everything_in_one_transaction,
    entries::random_histories_match_a_model,
    forks::a_log_is_taken_back,
    forks::a_log_goes_on_where_it_was_taken_back_to,
    forks::an_entry_of_another_branch_continues_the_log,
    forks::a_branch_may_come_back,
    forks::a_log_is_not_taken_back_to_where_it_is_not,
    forks::kinds_are_those_of_the_branch_that_counts,
    forks::marks_do_not_make_a_fork,
    forks::random_forks_match_a_model,
    records::a_record_is_read_back,
    records::prefixes_find_their_records,
    records::spaces_stay_apart,
    records::records_have_limits,
    records::a_cleared_table_is_empty,
    chunks::chunks_are_read_back,
    chunks::a_chunk_with_another_name_is_refused,
    chunks::a_chunk_put_twice_is_stored_once,
    chunks::missing_chunks_keep_their_order,
    chunks::a_forgotten_chunk_can_be_put_again,
    chunks::threads_put_and_read_at_once,
    chunks::a_chunk_has_a_limit,
}

/// Everything that can be asked about the entries of a workspace.
fn told(store: &dyn Storage) -> String {
    let (ws, start) = (support::WS, StoredOrder::START);
    let entries = store.entries_after(ws, start, EntryFilter::All, support::ALL).unwrap();
    let marked = store.marked(ws, EntryMarks::NONE, start, 999).unwrap();
    let documents = store.documents(ws).unwrap();
    let changes: Vec<_> =
        documents.iter().map(|found| store.changes(ws, found.doc, ChangeOrder::START).unwrap()).collect();
    format!("{:#?}", (entries, store.logs(ws).unwrap(), marked, documents, changes))
}

#[test]
fn forks_are_the_same_when_the_store_is_opened_again() {
    for test in [
        forks::a_log_is_taken_back,
        forks::a_log_goes_on_where_it_was_taken_back_to,
        forks::an_entry_of_another_branch_continues_the_log,
        forks::a_branch_may_come_back,
        forks::random_forks_match_a_model,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::from_bytes([3; 32]);
        let open = || Store::open_with(&folder.path().join("home"), &key, StoreOptions::default()).unwrap();
        let before = {
            let store = open();
            test(&store);
            told(&store)
        };
        let store = open();
        assert_eq!(told(&store), before);
        let next = store.log(support::WS, support::log(1)).unwrap().unwrap().last_seq + 1;
        let outcome = store.commit(&[support::write(support::at_branch(1, next, 99))]).unwrap().entries[0];
        assert!(!outcome.known && !before.contains(&format!("{:?}", outcome.order)));
    }
}
