//! Reads operations on a text, a run of them at a time.

use smallvec::SmallVec;

use super::ChangeError;
use super::column_reader::{BoolReader, CounterRun, DeltaReader, RunReader};
use super::columns::{
    ACTION, ACTION_DELETE, ACTION_SET, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_STRING, OBJECT_ACTOR,
    OBJECT_COUNTER, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, TYPE_STRING, VALUE, VALUE_META, char_width,
};
use super::header::GivenColumns;
use super::op::{ChangeOpId, Genesis, TextOp, TextOps};
use super::parse::Context;
use crate::limits::KEY_BYTES_MAX;

const NOT_TEXT: ChangeError =
    ChangeError::Unsupported { what: "an operation that neither inserts nor deletes a character" };

/// Reads the making of a text and the edits that fill it.
pub(super) fn genesis(
    columns: &GivenColumns<'_>,
    key: &str,
    context: &mut Context<'_>,
) -> Result<Genesis, ChangeError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(ChangeError::Limit { what: "bytes of a key", limit: KEY_BYTES_MAX as u64 });
    }
    let mut reader = TextReader::new(columns)?;
    reader.skip_make_text()?;
    let object = ChangeOpId { actor: 0, counter: context.start_op() };
    let ops = reader.read(context.start_op() + 1, context.op_count - 1, object, context)?;
    Ok(Genesis { key: key.to_owned(), edits: TextOps { object, ops } })
}

/// Reads edits of a text that an earlier change made.
pub(super) fn edits(columns: &GivenColumns<'_>, context: &mut Context<'_>) -> Result<TextOps, ChangeError> {
    let mut reader = TextReader::new(columns)?;
    let (actor, _) = reader.object_actor.peek()?;
    let (counter, _) = reader.object_counter.peek()?;
    let object = context.id(actor, counter, context.start_op())?;
    let ops = reader.read(context.start_op(), context.op_count, object, context)?;
    Ok(TextOps { object, ops })
}

struct TextReader<'a> {
    object_actor: RunReader<'a, u64>,
    object_counter: RunReader<'a, u64>,
    key_actor: RunReader<'a, u64>,
    key_counter: DeltaReader<'a>,
    key_string: RunReader<'a, &'a str>,
    insert: BoolReader<'a>,
    action: RunReader<'a, u64>,
    value_meta: RunReader<'a, u64>,
    pred_count: RunReader<'a, u64>,
    pred_actor: RunReader<'a, u64>,
    pred_counter: DeltaReader<'a>,
    text: &'a str,
    text_from: usize,
    ops: SmallVec<[TextOp; 2]>,
}

/// Operations that are alike in all columns but the counters.
struct Segment {
    count: u64,
    insert: bool,
    action: Option<u64>,
    meta: Option<u64>,
    key_actor: Option<u64>,
    key: CounterRun,
}

impl<'a> TextReader<'a> {
    fn new(columns: &GivenColumns<'a>) -> Result<Self, ChangeError> {
        Ok(Self {
            object_actor: RunReader::new(columns[OBJECT_ACTOR]),
            object_counter: RunReader::new(columns[OBJECT_COUNTER]),
            key_actor: RunReader::new(columns[KEY_ACTOR]),
            key_counter: DeltaReader::new(columns[KEY_COUNTER]),
            key_string: RunReader::new(columns[KEY_STRING]),
            insert: BoolReader::new(columns[INSERT]),
            action: RunReader::new(columns[ACTION]),
            value_meta: RunReader::new(columns[VALUE_META]),
            pred_count: RunReader::new(columns[PRED_COUNT]),
            pred_actor: RunReader::new(columns[PRED_ACTOR]),
            pred_counter: DeltaReader::new(columns[PRED_COUNTER]),
            text: std::str::from_utf8(columns[VALUE])
                .map_err(|_| ChangeError::Unsupported { what: "a text element that is not a string" })?,
            text_from: 0,
            ops: SmallVec::new(),
        })
    }

    /// Leaves the operation behind that makes the text. Its columns are compared when they are written again.
    fn skip_make_text(&mut self) -> Result<(), ChangeError> {
        self.object_actor.next()?;
        self.object_counter.next()?;
        self.key_actor.next()?;
        self.key_counter.next()?;
        self.key_string.next()?;
        self.insert.peek()?;
        self.insert.advance(1);
        self.action.next()?;
        self.value_meta.next()?;
        self.pred_count.next()?;
        Ok(())
    }

    fn read(
        mut self,
        first: u32,
        count: u64,
        object: ChangeOpId,
        context: &mut Context<'_>,
    ) -> Result<SmallVec<[TextOp; 2]>, ChangeError> {
        let mut own = first;
        let mut left = count;
        while left > 0 {
            let mut segment = self.segment(left, object)?;
            if segment.insert {
                self.read_insert(&mut segment, own, context)?;
            } else {
                self.read_delete(&mut segment, own, context)?;
            }
            self.advance(segment.count)?;
            own += segment.count as u32;
            left -= segment.count;
        }
        if self.text_from != self.text.len() {
            return Err(ChangeError::Malformed { what: "there are more values than operations" });
        }
        Ok(self.ops)
    }

    /// Looks at all columns for the longest run of operations that are alike.
    fn segment(&mut self, left: u64, object: ChangeOpId) -> Result<Segment, ChangeError> {
        let (object_actor, object_actors) = self.object_actor.peek()?;
        let (object_counter, object_counters) = self.object_counter.peek()?;
        if object_actor != Some(u64::from(object.actor)) || object_counter != Some(u64::from(object.counter))
        {
            return Err(ChangeError::Unsupported { what: "operations on more than one text" });
        }
        let (key_string, key_strings) = self.key_string.peek()?;
        if key_string.is_some() {
            return Err(NOT_TEXT);
        }
        let (key_actor, key_actors) = self.key_actor.peek()?;
        let (insert, inserts) = self.insert.peek()?;
        let (action, actions) = self.action.peek()?;
        let (meta, metas) = self.value_meta.peek()?;
        let (pred_count, pred_counts) = self.pred_count.peek()?;
        let key = self.key_counter.peek()?;
        if pred_count != Some(u64::from(!insert)) {
            return Err(NOT_TEXT);
        }
        let mut count = [
            object_actors,
            object_counters,
            key_strings,
            key_actors,
            inserts,
            actions,
            metas,
            pred_counts,
            key.count,
            left,
        ]
        .into_iter()
        .fold(u64::MAX, u64::min);
        // Only counters that go up by one make a run; anything else is read one by one.
        if !key.is_sequence {
            count = 1;
        }
        Ok(Segment { count, insert, action, meta, key_actor, key })
    }

    fn read_insert(
        &mut self,
        segment: &mut Segment,
        own: u32,
        context: &mut Context<'_>,
    ) -> Result<(), ChangeError> {
        let meta = segment.meta.unwrap_or(0);
        if segment.action != Some(ACTION_SET) || meta & 0xf != TYPE_STRING {
            return Err(NOT_TEXT);
        }
        let after = match (segment.key_actor, segment.key.first) {
            (None, Some(0)) => None,
            (actor, counter) => Some(context.id(actor, counter.map(u64::from), own)?),
        };
        // Only a character behind the one before it may stand for those that follow.
        let continues = after.is_some_and(|id| id.actor == 0 && id.counter + 1 == own);
        if !continues {
            segment.count = 1;
        }
        let text = self.take_chars(meta >> 4, &mut segment.count)?;
        let count = segment.count as u32;
        if let Some(TextOp::Insert { text: last_text, count: last_count, .. }) = self.ops.last_mut()
            && continues
        {
            last_text.end = text.end;
            *last_count += count;
        } else {
            self.ops.push(TextOp::Insert { after, text, count });
        }
        Ok(())
    }

    /// Takes up to `count` characters of `width` bytes each.
    fn take_chars(&mut self, width: u64, count: &mut u64) -> Result<std::ops::Range<usize>, ChangeError> {
        let bad_char = ChangeError::Unsupported { what: "a text element that is not one character" };
        let bytes = self.text.as_bytes().get(self.text_from..).unwrap_or_default();
        if !(1..=4).contains(&width) {
            return Err(bad_char);
        }
        let width = width as usize;
        let taken = if width == 1 {
            // A long run of ASCII is one look at its bytes.
            let limit = bytes.len().min(usize::try_from(*count).unwrap_or(usize::MAX));
            bytes[..limit].iter().position(|byte| !byte.is_ascii()).unwrap_or(limit)
        } else {
            usize::from(bytes.first().is_some_and(|first| char_width(*first) == width))
        };
        if taken == 0 {
            return Err(bad_char);
        }
        *count = taken as u64;
        let from = self.text_from;
        self.text_from += taken * width;
        Ok(from..self.text_from)
    }

    fn read_delete(
        &mut self,
        segment: &mut Segment,
        own: u32,
        context: &mut Context<'_>,
    ) -> Result<(), ChangeError> {
        if segment.action != Some(ACTION_DELETE) {
            return Err(NOT_TEXT);
        }
        let (pred_actor, pred_actors) = self.pred_actor.peek()?;
        let pred = self.pred_counter.peek()?;
        if pred_actor != segment.key_actor || pred.first != segment.key.first {
            return Err(ChangeError::Unsupported { what: "a deletion of something other than its element" });
        }
        if !pred.is_sequence {
            segment.count = 1;
        }
        segment.count = segment.count.min(pred_actors).min(pred.count);
        let first = context.id(segment.key_actor, segment.key.first.map(u64::from), own)?;
        self.pred_actor.advance(segment.count);
        self.pred_counter.advance(segment.count)?;
        let count = segment.count as u32;
        if let Some(TextOp::Delete { first: last_first, count: last_count }) = self.ops.last_mut()
            && last_first.actor == first.actor
            && last_first.counter + *last_count == first.counter
        {
            *last_count += count;
        } else {
            self.ops.push(TextOp::Delete { first, count });
        }
        Ok(())
    }

    fn advance(&mut self, count: u64) -> Result<(), ChangeError> {
        self.object_actor.advance(count);
        self.object_counter.advance(count);
        self.key_actor.advance(count);
        self.key_counter.advance(count)?;
        self.key_string.advance(count);
        self.insert.advance(count);
        self.action.advance(count);
        self.value_meta.advance(count);
        self.pred_count.advance(count);
        Ok(())
    }
}
