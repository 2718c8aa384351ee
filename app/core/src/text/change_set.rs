//! A change of a text as a value: it can be applied, inverted, joined with the next and moved over another.

use std::ops::Range;

use ropey::Rope;
use weft_crdt::{CharIndex, Edit, Patch, Side};

use super::OutOfBounds;

/// One replacement of a [`ChangeSet`], in characters of the text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The first character that goes.
    pub start: CharIndex,
    /// The end of what goes.
    pub end: CharIndex,
    /// What comes to its place.
    pub text: String,
}

impl Replacement {
    /// Makes a replacement.
    pub fn new(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self { start: CharIndex(start), end: CharIndex(end), text: text.into() }
    }
}

/// A place that a [`ChangeSet`] changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region<'a> {
    /// What goes, in characters of the old text.
    pub old: Range<usize>,
    /// What comes, in characters of the new text.
    pub new: Range<usize>,
    /// The text that comes.
    pub text: &'a str,
}

/// What happens to a text, from its start to its end. The rest behind the last step is kept.
///
/// It knows nothing of the length of the text, so it costs what it changes. In normal form, which every constructor
/// gives, neighbours of one kind are joined, an insertion stands before the deletion at its place, and the last step
/// keeps nothing. Equal changes are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSet {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Keep(usize),
    Insert { text: String, chars: usize },
    Delete(usize),
}

impl ChangeSet {
    /// Makes a change that does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a change of one place.
    pub fn replace(at: CharIndex, delete: usize, insert: &str) -> Self {
        let mut builder = Builder::default();
        builder.keep(at.0);
        builder.insert(insert);
        builder.delete(delete);
        builder.finish()
    }

    /// Makes a change of many places. They are sorted; what overlaps an earlier one is cut off.
    pub fn from_replacements(replacements: impl IntoIterator<Item = Replacement>) -> Self {
        let mut sorted: Vec<Replacement> = replacements.into_iter().collect();
        sorted.sort_by_key(|replacement| (replacement.start, replacement.end));
        let mut builder = Builder::default();
        let mut done = 0;
        for replacement in sorted {
            let start = replacement.start.0.max(done);
            let end = replacement.end.0.max(start);
            builder.keep(start - done);
            builder.insert(&replacement.text);
            builder.delete(end - start);
            done = end;
        }
        builder.finish()
    }

    /// Joins patches, each of which counts on the text that the one before left; `length` is that of the text before
    /// the first.
    pub fn from_patches(patches: &[Patch], mut length: usize) -> Result<Self, OutOfBounds> {
        let mut changes = Vec::with_capacity(patches.len());
        for patch in patches {
            let end = patch.at.0.checked_add(patch.delete).filter(|end| *end <= length);
            if end.is_none() {
                return Err(OutOfBounds { at: patch.at, delete: patch.delete, length });
            }
            let change = Self::replace(patch.at, patch.delete, &patch.insert);
            length = length - patch.delete + patch.insert.chars().count();
            changes.push(change);
        }
        Ok(Self::join(changes))
    }

    /// Joins changes that follow one another.
    pub fn join(mut changes: Vec<Self>) -> Self {
        // Neighbours first, so that a thousand small ones are not copied a thousand times.
        while changes.len() > 1 {
            let mut joined = Vec::with_capacity(changes.len().div_ceil(2));
            let mut rest = changes.into_iter();
            while let Some(first) = rest.next() {
                joined.push(match rest.next() {
                    Some(second) => first.then(&second),
                    None => first,
                });
            }
            changes = joined;
        }
        changes.pop().unwrap_or_default()
    }

    /// Tells whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many characters the text must have at least.
    pub fn len_needed(&self) -> usize {
        let needed = self.steps.iter().map(|step| match step {
            Step::Keep(count) | Step::Delete(count) => *count,
            Step::Insert { .. } => 0,
        });
        needed.fold(0, usize::saturating_add)
    }

    /// How many bytes of text are inserted.
    pub fn bytes_inserted(&self) -> usize {
        self.steps.iter().map(|step| if let Step::Insert { text, .. } = step { text.len() } else { 0 }).sum()
    }

    /// The places that change, in order.
    pub fn regions(&self) -> Vec<Region<'_>> {
        let (mut old, mut new) = (0, 0);
        let mut regions: Vec<Region<'_>> = Vec::new();
        let mut is_open = false;
        for step in &self.steps {
            match step {
                Step::Keep(count) => {
                    old += count;
                    new += count;
                    is_open = false;
                }
                Step::Insert { text, chars } => {
                    regions.push(Region { old: old..old, new: new..new + chars, text });
                    new += chars;
                    is_open = true;
                }
                Step::Delete(count) => {
                    match regions.last_mut() {
                        Some(region) if is_open => region.old.end += count,
                        _ => regions.push(Region { old: old..old + count, new: new..new, text: "" }),
                    }
                    old += count;
                    is_open = true;
                }
            }
        }
        regions
    }

    /// The change as edits of the document engine, each of which counts on the text that the one before left.
    pub fn to_edits(&self) -> Vec<Edit> {
        let edits = self.regions().into_iter().map(|region| Edit {
            at: CharIndex(region.new.start),
            delete: region.old.len(),
            insert: region.text.to_owned(),
        });
        edits.collect()
    }

    /// Does the change. The text must be long enough: see [`ChangeSet::len_needed`].
    pub(super) fn apply(&self, rope: &mut Rope) {
        for region in self.regions() {
            let at = region.new.start;
            if !region.old.is_empty() {
                rope.remove(at..at + region.old.len());
            }
            if !region.text.is_empty() {
                rope.insert(at, region.text);
            }
        }
    }

    /// The change that takes this one back; `old` is the text before it.
    pub fn inverted(&self, old: &Rope) -> Self {
        let mut builder = Builder::default();
        let mut at = 0;
        for step in &self.steps {
            match step {
                Step::Keep(count) => {
                    builder.keep(*count);
                    at += count;
                }
                Step::Insert { chars, .. } => builder.delete(*chars),
                Step::Delete(count) => {
                    let end = (at + count).min(old.len_chars());
                    builder.insert(&String::from(old.slice(at.min(end)..end)));
                    at += count;
                }
            }
        }
        builder.finish()
    }

    /// This change and the next one as one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let (mut first, mut second) = (Cursor::new(&self.steps), Cursor::new(&next.steps));
        let mut builder = Builder::default();
        loop {
            match (first.peek(), second.peek()) {
                (Part::Delete(count), _) => {
                    first.skip(count);
                    builder.delete(count);
                }
                (_, Part::Insert(count)) => builder.insert(second.take(count)),
                (Part::End, Part::End) => return builder.finish(),
                (Part::Insert(inserted), Part::Delete(deleted)) => {
                    let count = inserted.min(deleted);
                    first.skip(count);
                    second.skip(count);
                }
                (Part::Insert(inserted), part) => {
                    let count = inserted.min(part.len());
                    builder.insert(first.take(count));
                    second.skip(count);
                }
                (part, Part::Delete(deleted)) => {
                    let count = deleted.min(part.len());
                    first.skip(count);
                    second.skip(count);
                    builder.delete(count);
                }
                (Part::Keep(_) | Part::End, Part::Keep(_) | Part::End) => {
                    let count = first.peek().len().min(second.peek().len());
                    first.skip(count);
                    second.skip(count);
                    builder.keep(count);
                }
            }
        }
    }

    /// Moves two changes of one text over each other: the first over the second, and the second over the first. What
    /// both insert at one place stands in the order of the arguments. Neither ever deletes what the other inserts.
    pub fn moved(first: &Self, second: &Self) -> (Self, Self) {
        let (mut one, mut two) = (Cursor::new(&first.steps), Cursor::new(&second.steps));
        let (mut moved_one, mut moved_two) = (Builder::default(), Builder::default());
        loop {
            match (one.peek(), two.peek()) {
                (Part::Insert(count), _) => {
                    moved_one.insert(one.take(count));
                    moved_two.keep(count);
                }
                (_, Part::Insert(count)) => {
                    moved_two.insert(two.take(count));
                    moved_one.keep(count);
                }
                (Part::End, Part::End) => return (moved_one.finish(), moved_two.finish()),
                (part_one, part_two) => {
                    let count = part_one.len().min(part_two.len());
                    one.skip(count);
                    two.skip(count);
                    match (part_one, part_two) {
                        (Part::Delete(_), Part::Delete(_)) => {}
                        (Part::Delete(_), _) => moved_one.delete(count),
                        (_, Part::Delete(_)) => moved_two.delete(count),
                        _ => {
                            moved_one.keep(count);
                            moved_two.keep(count);
                        }
                    }
                }
            }
        }
    }

    /// Where a position of the old text is in the new one. At an insertion the side decides: `Before` stays, `After`
    /// goes behind what was inserted.
    pub fn map(&self, at: CharIndex, side: Side) -> CharIndex {
        Mapper::new(self).map(at, side)
    }

    /// Starts mapping many positions in one pass.
    pub fn mapper(&self) -> Mapper<'_> {
        Mapper::new(self)
    }
}

/// Maps positions through a [`ChangeSet`], each in the logarithm of the places that change.
#[derive(Debug)]
pub struct Mapper<'a> {
    regions: Vec<Region<'a>>,
}

impl<'a> Mapper<'a> {
    fn new(change: &'a ChangeSet) -> Self {
        Self { regions: change.regions() }
    }

    /// Maps a position.
    pub fn map(&self, at: CharIndex, side: Side) -> CharIndex {
        let at = at.0;
        let next = self.regions.partition_point(|region| region.old.end < at);
        let before = next.checked_sub(1).map(|last| &self.regions[last]);
        let (old, new) = before.map_or((0, 0), |region| (region.old.end, region.new.end));
        let region = self.regions.get(next).filter(|region| region.old.start <= at);
        let Some(region) = region else { return CharIndex(at - old + new) };
        let is_behind = at == region.old.end && !region.old.is_empty();
        CharIndex(if is_behind || side == Side::After { region.new.end } else { region.new.start })
    }

    /// Where a position of the new text was in the old one. What was inserted was nowhere; its start stands for it.
    pub fn map_back(&self, at: CharIndex) -> CharIndex {
        let at = at.0;
        let next = self.regions.partition_point(|region| region.new.end <= at);
        let before = next.checked_sub(1).map(|last| &self.regions[last]);
        let (old, new) = before.map_or((0, 0), |region| (region.old.end, region.new.end));
        let region = self.regions.get(next).filter(|region| region.new.start <= at);
        CharIndex(region.map_or(at - new + old, |region| region.old.start))
    }
}

/// What comes next in a change, with the characters it goes over.
#[derive(Clone, Copy)]
enum Part {
    Keep(usize),
    Insert(usize),
    Delete(usize),
    End,
}

impl Part {
    fn len(self) -> usize {
        match self {
            Self::Keep(count) | Self::Insert(count) | Self::Delete(count) => count,
            Self::End => usize::MAX,
        }
    }
}

/// Goes through the steps of a change, also by parts of a step.
struct Cursor<'a> {
    steps: &'a [Step],
    /// Characters of the first step that are done, and their bytes when it inserts.
    done: usize,
    done_bytes: usize,
}

impl<'a> Cursor<'a> {
    fn new(steps: &'a [Step]) -> Self {
        Self { steps, done: 0, done_bytes: 0 }
    }

    fn peek(&self) -> Part {
        match self.steps.first() {
            None => Part::End,
            Some(Step::Keep(count)) => Part::Keep(count - self.done),
            Some(Step::Delete(count)) => Part::Delete(count - self.done),
            Some(Step::Insert { chars, .. }) => Part::Insert(chars - self.done),
        }
    }

    fn skip(&mut self, count: usize) {
        if self.steps.is_empty() || count < self.peek().len() {
            if let Some(Step::Insert { text, .. }) = self.steps.first() {
                self.done_bytes += bytes_of(&text[self.done_bytes..], count);
            }
            self.done = self.done.saturating_add(count);
        } else {
            self.steps = &self.steps[1..];
            self.done = 0;
            self.done_bytes = 0;
        }
    }

    /// The text of the next characters of an insertion.
    fn take(&mut self, count: usize) -> &'a str {
        let Some(Step::Insert { text, .. }) = self.steps.first() else { return "" };
        let rest = &text[self.done_bytes..];
        let taken = if count == self.peek().len() { rest } else { &rest[..bytes_of(rest, count)] };
        self.skip(count);
        taken
    }
}

fn bytes_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte)
}

/// Brings steps into normal form.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
}

impl Builder {
    fn keep(&mut self, count: usize) {
        match self.steps.last_mut() {
            _ if count == 0 => {}
            Some(Step::Keep(last)) => *last = last.saturating_add(count),
            _ => self.steps.push(Step::Keep(count)),
        }
    }

    fn delete(&mut self, count: usize) {
        match self.steps.last_mut() {
            _ if count == 0 => {}
            Some(Step::Delete(last)) => *last = last.saturating_add(count),
            _ => self.steps.push(Step::Delete(count)),
        }
    }

    fn insert(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let deleted = match self.steps.last() {
            Some(Step::Delete(_)) => self.steps.pop(),
            _ => None,
        };
        let count = text.chars().count();
        match self.steps.last_mut() {
            Some(Step::Insert { text: last, chars }) => {
                last.push_str(text);
                *chars += count;
            }
            _ => self.steps.push(Step::Insert { text: text.to_owned(), chars: count }),
        }
        self.steps.extend(deleted);
    }

    fn finish(mut self) -> ChangeSet {
        if let Some(Step::Keep(_)) = self.steps.last() {
            self.steps.pop();
        }
        ChangeSet { steps: self.steps }
    }
}
