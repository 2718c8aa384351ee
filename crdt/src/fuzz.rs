//! Targets of `./dev fuzz`: everything here that reads bytes of others, or of the disk.

use std::cell::RefCell;
use std::mem::discriminant;

use weft_fuzz::{RECORDS, Structure, Target, reached, read_number, write_number};

use crate::change::{Author, Change, ChangeError, Value};
use crate::document::{Applied, Edit, RegisterEdit, TextDocument, TreeApplied, TreeDocument};
use crate::ids::{ActorId, CharIndex, DocumentId};
use crate::interchange::{audit_text, audit_tree};
use crate::tree::{
    BlobRef, ChunkList, ChunkRef, ContentValue, Field, ParentValue, Platform, ROOT, RegisterKey, TRASH,
    TreeView, check_register, decode_chunk_list, encode_chunk_list,
};
use crate::{ChunkId, ContentId, NodeId, Version};

const DOC: DocumentId = DocumentId::from_bytes(*b"a fuzzed text...");
const BASE: &str = "fn main() {\n    println!(\"é🙂\");\n}\n";

fn author(byte: u8) -> Author {
    Author::Session(ActorId::from([byte; 16]))
}

// Changes.

/// The parts of a change chunk. Each field begins with a byte that says which part it is; lengths, counts and the
/// checksum are made when they are put together.
pub(crate) const CHANGE: Structure = Structure { split: split_change, join: join_change };

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const KIND: u8 = 0;
const DEP: u8 = 1;
const AUTHOR: u8 = 2;
/// Sequence number, first counter, time: as they are written.
const NUMBERS: u8 = 3;
const MESSAGE: u8 = 4;
const ACTOR: u8 = 5;
/// The number that says which column it is, and its bytes.
const COLUMN: u8 = 6;
const EXTRA: u8 = 7;

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, width) = read_number(self.0)?;
        self.0 = &self.0[width..];
        Some(number)
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }
}

fn split_change(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Bytes(bytes.get(8..)?);
    let field = |part: u8, bytes: &[u8]| [&[part], bytes].concat();
    let mut fields = vec![field(KIND, bytes.take(1)?)];
    let mut data = Bytes(bytes.counted()?);
    for _ in 0..data.number()? {
        fields.push(field(DEP, data.take(32)?));
    }
    fields.push(field(AUTHOR, data.counted()?));
    let numbers = data.0;
    for _ in 0..3 {
        data.number()?;
    }
    fields.push(field(NUMBERS, &numbers[..numbers.len() - data.0.len()]));
    fields.push(field(MESSAGE, data.counted()?));
    for _ in 0..data.number()? {
        fields.push(field(ACTOR, data.counted()?));
    }
    let mut columns = Vec::new();
    for _ in 0..data.number()? {
        columns.push((data.number()?, data.number()?));
    }
    for (column, length) in columns {
        let mut bytes = vec![COLUMN];
        write_number(&mut bytes, column);
        bytes.extend(data.take(length)?);
        fields.push(bytes);
    }
    fields.push(field(EXTRA, data.0));
    Some(fields)
}

fn join_change(fields: &[Vec<u8>]) -> Vec<u8> {
    let part = |wanted: u8| {
        fields
            .iter()
            .filter_map(move |field| field.split_first().filter(|(part, _)| **part == wanted))
            .map(|(_, b)| b)
    };
    let counted = |out: &mut Vec<u8>, bytes: &[u8]| {
        write_number(out, bytes.len() as u64);
        out.extend(bytes);
    };
    let mut data = Vec::new();
    write_number(&mut data, part(DEP).count() as u64);
    part(DEP).for_each(|dep| data.extend(dep));
    counted(&mut data, part(AUTHOR).next().unwrap_or_default());
    part(NUMBERS).for_each(|numbers| data.extend(numbers));
    counted(&mut data, part(MESSAGE).next().unwrap_or_default());
    write_number(&mut data, part(ACTOR).count() as u64);
    part(ACTOR).for_each(|actor| counted(&mut data, actor));
    let columns: Vec<_> =
        part(COLUMN).map(|bytes| bytes.split_at(read_number(bytes).map_or(0, |(_, len)| len))).collect();
    write_number(&mut data, columns.len() as u64);
    for (column, bytes) in &columns {
        data.extend(*column);
        write_number(&mut data, bytes.len() as u64);
    }
    columns.iter().for_each(|(_, bytes)| data.extend(*bytes));
    part(EXTRA).for_each(|extra| data.extend(extra));
    let mut hashed = part(KIND).next().unwrap_or(&[1]).to_vec();
    counted(&mut hashed, &data);
    with_checksum(&hashed)
}

fn with_checksum(hashed: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    [&MAGIC, &hash[..4], hashed].concat()
}

/// A text and registers with a history, and what they were before each of their changes.
struct Laboratory {
    texts: Vec<(TextDocument, Change)>,
    trees: Vec<(TreeDocument, Change)>,
}

impl Laboratory {
    fn new() -> Self {
        Self { texts: text_history(), trees: tree_history() }
    }

    /// Applies a change to every state of the documents. What is accepted must be the same to Automerge.
    fn try_change(&self, change: &Change) {
        for (at, (document, original)) in self.texts.iter().enumerate() {
            let mut after = document.clone();
            let applied = after.apply(change, &change.actor());
            after.check_invariants();
            match applied {
                Ok(Applied::Applied(_)) if change != original => {
                    reached("another change of a text");
                    let before = self.texts[..at].iter().map(|(_, change)| change);
                    audit_text(&after, BASE, before.chain([change])).expect("automerge agrees");
                }
                Ok(Applied::Applied(_)) => {}
                Ok(_) => assert_eq!(after.text(), document.text(), "a change that waits did something"),
                Err(error) => {
                    reached(("text", discriminant(&error)));
                    assert_eq!((after.text(), after.heads()), (document.text(), document.heads()));
                }
            }
        }
        for (at, (document, original)) in self.trees.iter().enumerate() {
            let mut after = document.clone();
            match after.apply(change, &change.actor()) {
                Ok(TreeApplied::Applied { .. }) if change != original => {
                    reached("another change of registers");
                    let before = self.trees[..at].iter().map(|(_, change)| change);
                    audit_tree(&after, before.chain([change])).expect("automerge agrees");
                }
                Ok(_) => {}
                Err(error) => {
                    reached(("registers", discriminant(&error)));
                    assert!(TreeDocument::changed_keys(document, &after).is_empty());
                }
            }
        }
    }
}

fn text_history() -> Vec<(TextDocument, Change)> {
    let mut ana = TextDocument::new(DOC, BASE).unwrap();
    let mut ben = ana.clone();
    let mut made = Vec::new();
    let edits =
        [(0, 0, "use std;\n"), (3, 4, ""), (14, 2, "\u{301}x"), (1, 0, "🙂"), (20, 0, "abc"), (2, 9, "")];
    for (round, (at, delete, insert)) in edits.into_iter().enumerate() {
        let document = if round % 2 == 0 { &mut ana } else { &mut ben };
        let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
        made.extend(document.edit(author(1 + round as u8 % 2), &[edit], 5).unwrap().changes);
        if round == 3 {
            for change in made.clone() {
                for document in [&mut ana, &mut ben] {
                    document.apply(&change, &change.actor()).unwrap();
                }
            }
        }
    }
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    let mut states = Vec::new();
    for change in made {
        let before = document.clone();
        document.apply(&change, &change.actor()).unwrap();
        states.push((before, change));
    }
    states
}

fn tree_history() -> Vec<(TreeDocument, Change)> {
    let mut document = TreeDocument::new(DOC);
    let mut states = Vec::new();
    let value = |number: u8| match number % 4 {
        0 => Value::Uint(u64::from(number) << 12),
        1 => Value::Bool(true),
        2 => Value::Bytes(vec![number; 9]),
        _ => Value::Str("é.txt".to_owned()),
    };
    for round in 0..5_u8 {
        let before = document.clone();
        let set =
            |key: u8| RegisterEdit { key: format!("key {}", key % 4), value: (key != 3).then(|| value(key)) };
        let edits = [set(round), set(round + 1), set(round + 2)];
        // Every other one of somebody who has not seen the one before.
        let mut maker = if round % 2 == 1 { TreeDocument::new(DOC) } else { document.clone() };
        for change in maker.edit(author(4 + round), &edits, 7).unwrap().changes {
            document.apply(&change, &change.actor()).unwrap();
            states.push((before.clone(), change));
        }
    }
    states
}

thread_local! {
    static LABORATORY: RefCell<Option<Laboratory>> = const { RefCell::new(None) };
}

fn with_laboratory<T>(act: impl FnOnce(&Laboratory) -> T) -> T {
    LABORATORY.with_borrow_mut(|laboratory| act(laboratory.get_or_insert_with(Laboratory::new)))
}

const CHANGES: Target = Target {
    name: "change",
    decode: |bytes| match Change::parse(bytes) {
        Ok(change) => {
            assert_eq!(change.bytes(), bytes, "a change has one form");
            reached("a change");
            with_laboratory(|laboratory| laboratory.try_change(&change));
        }
        Err(ChangeError::Malformed { what } | ChangeError::Unsupported { what }) => reached(what),
        Err(ChangeError::NotCanonical { what } | ChangeError::Limit { what, .. }) => reached((what, 0)),
        Err(error) => reached(discriminant(&error)),
    },
    seeds: || {
        with_laboratory(|laboratory| {
            let texts = laboratory.texts.iter().map(|(_, change)| change);
            texts
                .chain(laboratory.trees.iter().map(|(_, change)| change))
                .map(|change| change.bytes().to_vec())
                .collect()
        })
    },
    structure: CHANGE,
};

#[test]
fn change() {
    weft_fuzz::run(&CHANGES);
}

#[test]
fn changes_are_put_together_as_they_were() {
    for seed in (CHANGES.seeds)() {
        let fields = split_change(&seed).expect("the parts of a change");
        assert_eq!(join_change(&fields), seed);
        assert!(fields.len() > 8, "{} parts", fields.len());
    }
}

// Snapshots.

const SUM: usize = 16;

const SNAPSHOTS: Target = Target {
    name: "snapshot",
    decode: |bytes| {
        let edit = Edit { at: CharIndex(0), delete: 0, insert: "x".to_owned() };
        match TextDocument::from_snapshot(DOC, bytes) {
            Ok(mut document) => {
                reached("a text");
                document.check_invariants();
                let _ = document.edit(author(9), &[edit], 0);
                document.check_invariants();
                let again = document.snapshot();
                TextDocument::from_snapshot(DOC, &again).expect("what was loaded can be written");
                with_laboratory(|laboratory| {
                    for (_, change) in &laboratory.texts {
                        let _ = document.apply(change, &change.actor());
                    }
                });
                document.check_invariants();
            }
            Err(error) => reached(discriminant(&error)),
        }
        match TreeDocument::from_snapshot(DOC, bytes) {
            Ok(mut document) => {
                reached("registers");
                let edit = RegisterEdit { key: "key 1".to_owned(), value: None };
                let _ = document.edit(author(9), &[edit], 0);
                TreeDocument::from_snapshot(DOC, &document.snapshot())
                    .expect("what was loaded can be written");
            }
            Err(error) => reached(discriminant(&error)),
        }
    },
    seeds: || {
        with_laboratory(|laboratory| {
            let texts = laboratory.texts.iter().map(|(document, _)| document.snapshot());
            texts.chain(laboratory.trees.iter().map(|(document, _)| document.snapshot())).collect()
        })
    },
    // Kind, version and document, then numbers; the checksum is made anew.
    structure: Structure {
        split: |bytes| {
            let content = bytes.get(18..bytes.len().checked_sub(SUM)?)?;
            Some([vec![bytes[..18].to_vec()], weft_fuzz::numbers(content)].concat())
        },
        join: |fields| {
            let content = fields.concat();
            [&content[..], &blake3::hash(&content).as_bytes()[..SUM]].concat()
        },
    },
};

#[test]
fn snapshot() {
    weft_fuzz::run(&SNAPSHOTS);
}

// Registers of the folder tree.

fn node(number: u8) -> NodeId {
    match number % 8 {
        0 => ROOT,
        7 => TRASH,
        number => NodeId::from_bytes([number; 16]),
    }
}

/// Each record of the input: a node, a field, and a value as the tree keeps it.
fn register(record: &[u8]) -> Option<RegisterEdit> {
    let [node_number, field, kind, value @ ..] = record else { return None };
    let fields =
        [Field::Kind, Field::Name, Field::Parent, Field::Executable, Field::Content, Field::DeletedAt];
    let field = fields.get(usize::from(*field)).copied().unwrap_or(Field::Replaced(DOC));
    let value = match kind {
        0 => None,
        1 => Some(Value::Bytes(value.to_vec())),
        2 => Some(Value::Str(String::from_utf8_lossy(value).into_owned())),
        3 => Some(Value::Uint(value.first().copied().unwrap_or(0).into())),
        _ => Some(Value::Bool(value.is_empty())),
    };
    Some(RegisterEdit { key: RegisterKey::new(node(*node_number), field).to_string(), value })
}

fn tree_seed() -> Vec<u8> {
    let blob = |number: u8| BlobRef {
        content: ContentId::from_bytes([number; 32]),
        size: 1,
        chunks: ChunkList::Inline(vec![ChunkRef {
            chunk: ChunkId::from_bytes([number; 32]),
            plain_hash: [number; 32],
            size: 1,
        }]),
    };
    let mut records: Vec<Vec<u8>> = Vec::new();
    for number in 1..6_u8 {
        let parent = ParentValue { parent: node(number - 1), before: node(7) };
        let is_file = number >= 4;
        let name = ["", "src", "Src", "aux", "a.rs", "a.rs"][usize::from(number)];
        records.push(vec![number, 0, 3, u8::from(!is_file)]);
        records.push([&[number, 1, 2], name.as_bytes()].concat());
        records.push([&[number, 2, 1], &parent.encode()[..]].concat());
        let content = match number {
            4 => ContentValue::Blob(blob(number)),
            _ => ContentValue::Text { document: DOC, base: blob(number) },
        };
        if is_file {
            records.push([&[number, 4, 1], &content.encode()[..]].concat());
            records.push(vec![number, 3, 4]);
        }
    }
    (RECORDS.join)(&records)
}

/// Nobody has edited a text.
struct NoEdits;

impl crate::DocumentFacts for NoEdits {
    fn counting_beyond(&self, _: DocumentId, _: &Version) -> bool {
        false
    }

    fn heads(&self, _: DocumentId) -> Version {
        Version::default()
    }

    fn author(&self, operation: &crate::OpId) -> crate::tree::AuthorName {
        crate::tree::AuthorName { label: "Mallory".to_owned(), user: operation.actor.to_string() }
    }

    fn author_beyond(&self, _: DocumentId, _: &Version) -> crate::tree::AuthorName {
        crate::tree::AuthorName { label: "Mallory".to_owned(), user: "00".repeat(32) }
    }
}

const TREES: Target = Target {
    name: "tree",
    decode: |bytes| {
        let _ = decode_chunk_list(bytes).map(|chunks| assert_eq!(encode_chunk_list(&chunks), bytes));
        let Some(records) = (RECORDS.split)(bytes) else { return };
        let edits: Vec<RegisterEdit> = records.iter().filter_map(|record| register(record)).collect();
        let mut tree = TreeDocument::new(DOC);
        let folding = Platform { folds_names: true, windows_names: true };
        let mut views = [TreeView::new(Platform::default()), TreeView::new(folding)];
        for (round, edits) in edits.chunks(4).enumerate() {
            for edit in edits {
                reached((edit.key.get(32..), check_register(&edit.key, edit.value.as_ref()).is_ok()));
            }
            let Ok(edited) = tree.edit(author(round as u8 % 3), edits, 0) else { return };
            for view in &mut views {
                view.refresh(&tree, edited.changed_keys.iter().map(String::as_str), [], &NoEdits);
                let anew = TreeView::of(view.platform(), &tree, &NoEdits);
                assert_eq!(view.shown(), anew.shown(), "what is kept up to date and what is made anew");
            }
        }
        for (path, _) in views[1].shown() {
            assert!(!path.split('/').any(|name| matches!(name, "" | "." | "..")), "{path:?} is shown");
        }
        let problems = views[1].unwritten().into_iter().map(|node| discriminant(&node.problem));
        problems.for_each(|problem| reached(("not written", problem)));
    },
    seeds: || vec![tree_seed(), encode_chunk_list(&[])],
    structure: RECORDS,
};

#[test]
fn tree() {
    weft_fuzz::run(&TREES);
}

#[test]
fn the_tree_of_the_seed_is_shown() {
    let records = (RECORDS.split)(&tree_seed()).unwrap();
    let edits: Vec<_> = records.iter().filter_map(|record| register(record)).collect();
    let mut tree = TreeDocument::new(DOC);
    tree.edit(author(1), &edits, 0).unwrap();
    let shown = TreeView::of(Platform::default(), &tree, &NoEdits).shown();
    assert!(shown.contains_key("src/Src/aux/a.rs"), "{:?}", shown.keys());
}
