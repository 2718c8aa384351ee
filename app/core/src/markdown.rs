//! Markdown as it is read: a text becomes blocks. CommonMark with tables, tasks and struck text of GitHub's flavour.
//!
//! Nothing is fetched and nothing is run: HTML is shown as it is written, and pictures are only named.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::limits::{MARKDOWN_BLOCKS_MAX, MARKDOWN_DEPTH_MAX};

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Strongly emphasised.
    pub is_bold: bool,
    /// Emphasised.
    pub is_italic: bool,
    /// As it is typed.
    pub is_code: bool,
    /// Struck out.
    pub is_struck: bool,
    /// Where it leads.
    pub link: Option<String>,
    /// The picture that it names.
    pub picture: Option<String>,
}

/// Something that stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// From 1, the greatest, to 6.
        level: u8,
        /// Its text.
        text: Vec<Span>,
    },
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// Text as it is typed.
    Code {
        /// What it is written in.
        language: String,
        /// The text.
        text: String,
    },
    /// What somebody else said.
    Quote(Vec<Block>),
    /// A list.
    List {
        /// The first number, of a list with numbers.
        start: Option<u64>,
        /// What stands in it.
        items: Vec<Item>,
    },
    /// A table.
    Table {
        /// The first row.
        head: Vec<Vec<Span>>,
        /// The others.
        rows: Vec<Vec<Vec<Span>>>,
    },
    /// A line across.
    Rule,
}

/// Something in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// Whether it is done, of a task.
    pub is_done: Option<bool>,
    /// What stands there.
    pub blocks: Vec<Block>,
}

/// A block with the place in the text where it begins, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where it begins.
    pub at: usize,
    /// The block.
    pub block: Block,
}

/// Reads a text. Of a very long one the first blocks are given, and what lies too deep stands less deep.
pub fn read(text: &str) -> Vec<Placed> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::default();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        if reader.done.len() >= MARKDOWN_BLOCKS_MAX {
            break;
        }
        reader.take(event, range.start);
    }
    reader.done
}

/// What is open while reading, the outermost first.
enum Open {
    Quote(Vec<Block>),
    List { start: Option<u64>, items: Vec<Item> },
    Item(Item),
    Table { head: Vec<Vec<Span>>, rows: Vec<Vec<Vec<Span>>>, is_head: bool },
}

#[derive(Default)]
struct Reader {
    done: Vec<Placed>,
    open: Vec<Open>,
    /// Opened beyond the depth that is kept: their ends are skipped.
    skipped: usize,
    /// Where the outermost block began.
    at: usize,
    text: Vec<Span>,
    style: Span,
    bold: usize,
    italic: usize,
    struck: usize,
    code: Option<(String, String)>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, at: usize) {
        if self.open.is_empty()
            && matches!(event, Event::Start(_) | Event::Rule | Event::Html(_))
            && self.text.is_empty()
        {
            self.at = at;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.span(&text, false),
            },
            Event::Code(text) => self.span(&text, true),
            Event::InlineHtml(html) => self.span(&html, true),
            Event::Html(html) => match &mut self.code {
                Some((_, code)) => code.push_str(&html),
                None => self.block(Block::Code { language: "html".to_owned(), text: html.into_string() }),
            },
            Event::SoftBreak => self.span(" ", false),
            Event::HardBreak => self.span("\n", false),
            Event::Rule => self.block(Block::Rule),
            Event::TaskListMarker(is_done) => {
                if let Some(Open::Item(item)) = self.open.last_mut() {
                    item.is_done = Some(is_done);
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Strikethrough => self.struck += 1,
            Tag::Link { dest_url, .. } => self.style.link = Some(dest_url.into_string()),
            Tag::Image { dest_url, .. } => self.style.picture = Some(dest_url.into_string()),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(words) => {
                        words.split([' ', ',']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::HtmlBlock => self.code = Some(("html".to_owned(), String::new())),
            Tag::BlockQuote(_) => self.enter(Open::Quote(Vec::new())),
            Tag::List(start) => {
                // The text of an item that a list follows in it without a gap.
                self.flush();
                self.enter(Open::List { start, items: Vec::new() });
            }
            Tag::Item => self.enter(Open::Item(Item::default())),
            Tag::Table(_) => self.enter(Open::Table { head: Vec::new(), rows: Vec::new(), is_head: true }),
            Tag::TableRow => {
                if let Some(Open::Table { rows, is_head, .. }) = self.open.last_mut() {
                    *is_head = false;
                    rows.push(Vec::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::Link => self.style.link = None,
            TagEnd::Image => self.style.picture = None,
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.block(Block::Heading { level: number(level), text });
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock => {
                if let Some((language, text)) = self.code.take() {
                    self.block(Block::Code { language, text: text.trim_end_matches('\n').to_owned() });
                }
            }
            TagEnd::TableCell => self.cell(),
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::Table => self.leave(),
            _ => {}
        }
    }

    fn enter(&mut self, open: Open) {
        if self.skipped > 0 || self.open.len() >= MARKDOWN_DEPTH_MAX {
            self.skipped += 1;
        } else {
            self.open.push(open);
        }
    }

    fn leave(&mut self) {
        self.flush();
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match self.open.pop() {
            Some(Open::Quote(blocks)) => self.block(Block::Quote(blocks)),
            Some(Open::List { start, items }) => self.block(Block::List { start, items }),
            Some(Open::Item(item)) => {
                if let Some(Open::List { items, .. }) = self.open.last_mut() {
                    items.push(item);
                }
            }
            Some(Open::Table { head, rows, .. }) => self.block(Block::Table { head, rows }),
            None => {}
        }
    }

    fn cell(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(Open::Table { head, rows, is_head }) = self.open.last_mut() {
            match rows.last_mut() {
                Some(row) if !*is_head => row.push(text),
                _ => head.push(text),
            }
        }
    }

    /// Text that was gathered becomes a paragraph.
    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.block(Block::Paragraph(text));
        }
    }

    fn span(&mut self, text: &str, is_code: bool) {
        let style = Span {
            text: String::new(),
            is_bold: self.bold > 0,
            is_italic: self.italic > 0,
            is_struck: self.struck > 0,
            is_code,
            link: self.style.link.clone(),
            picture: self.style.picture.clone(),
        };
        match self.text.last_mut() {
            Some(last) if (Span { text: String::new(), ..last.clone() }) == style => last.text.push_str(text),
            _ => self.text.push(Span { text: text.to_owned(), ..style }),
        }
    }

    fn block(&mut self, block: Block) {
        match self.open.last_mut() {
            Some(Open::Quote(blocks)) => blocks.push(block),
            Some(Open::Item(item)) => item.blocks.push(block),
            Some(Open::List { items, .. }) => items.push(Item { is_done: None, blocks: vec![block] }),
            Some(Open::Table { .. }) => {}
            None => self.done.push(Placed { at: self.at, block }),
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Span {
        Span { text: text.to_owned(), ..Span::default() }
    }

    #[test]
    fn blocks_come_with_their_places() {
        let text =
            "# One\n\ntwo *three* **four**\nfive\n\n- [x] done\n- next\n\n```rust x\nfn a() {}\n```\n\n---\n";
        let blocks = read(text);
        let places: Vec<usize> = blocks.iter().map(|placed| placed.at).collect();
        assert_eq!(places, ["# One", "two", "- [x]", "```rust", "---"].map(|part| text.find(part).unwrap()));
        assert_eq!(blocks[0].block, Block::Heading { level: 1, text: vec![plain("One")] });
        let Block::Paragraph(spans) = &blocks[1].block else { panic!("{:?}", blocks[1]) };
        assert_eq!(spans[1], Span { is_italic: true, ..plain("three") });
        assert_eq!(spans[3], Span { is_bold: true, ..plain("four") });
        assert_eq!(spans[4], plain(" five"));
        let Block::List { start: None, items } = &blocks[2].block else { panic!("{:?}", blocks[2]) };
        assert_eq!((items[0].is_done, items[1].is_done), (Some(true), None));
        assert_eq!(items[1].blocks, [Block::Paragraph(vec![plain("next")])]);
        let code = Block::Code { language: "rust".to_owned(), text: "fn a() {}".to_owned() };
        assert_eq!(blocks[3].block, code);
        assert_eq!(blocks[4].block, Block::Rule);
    }

    #[test]
    fn links_pictures_and_tables_are_told_apart_and_html_is_shown() {
        let text = "[a](b.md) ![c](https://d/e.png)\n\n|x|y|\n|-|-|\n|1|2|\n\n<script>z</script>\n\n1. one\n   - two\n";
        let blocks: Vec<Block> = read(text).into_iter().map(|placed| placed.block).collect();
        let Block::Paragraph(spans) = &blocks[0] else { panic!("{blocks:?}") };
        assert_eq!((spans[0].text.as_str(), spans[0].link.as_deref()), ("a", Some("b.md")));
        assert_eq!((spans[2].text.as_str(), spans[2].picture.as_deref()), ("c", Some("https://d/e.png")));
        let Block::Table { head, rows } = &blocks[1] else { panic!("{blocks:?}") };
        assert_eq!((head.len(), rows.len(), &rows[0][1]), (2, 1, &vec![plain("2")]));
        assert!(
            matches!(&blocks[2], Block::Code { language, text } if language == "html" && text.contains("<script>"))
        );
        let Block::List { start: Some(1), items } = &blocks[3] else { panic!("{blocks:?}") };
        assert!(matches!(&items[0].blocks[..], [Block::Paragraph(_), Block::List { .. }]));
    }

    #[test]
    fn what_lies_deep_or_is_long_is_bounded() {
        fn depth(block: &Block) -> usize {
            match block {
                Block::Quote(blocks) => 1 + blocks.iter().map(depth).max().unwrap_or(0),
                Block::List { items, .. } => {
                    2 + items.iter().flat_map(|item| &item.blocks).map(depth).max().unwrap_or(0)
                }
                _ => 0,
            }
        }
        let deep = format!("{} end", ">".repeat(5 * MARKDOWN_DEPTH_MAX));
        let blocks = read(&deep);
        assert!(blocks.iter().all(|placed| depth(&placed.block) <= MARKDOWN_DEPTH_MAX));
        assert!(format!("{blocks:?}").contains("end"));
        let long = "a\n\n".repeat(MARKDOWN_BLOCKS_MAX + 5);
        assert_eq!(read(&long).len(), MARKDOWN_BLOCKS_MAX);
        for cut in (0..deep.len()).step_by(7) {
            read(&deep[cut..]);
        }
    }
}
