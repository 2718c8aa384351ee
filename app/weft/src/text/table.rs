//! Aligned columns.

use console::measure_text_width;

/// Rows of cells that are printed under each other.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Gives the rows with `indent` spaces before and two between columns, without trailing spaces.
    pub(crate) fn render(&self, indent: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                if *width > 0 {
                    line.push_str(&" ".repeat(width - measure_text_width(cell) + 2));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::default();
        table.row(["日本".into(), "a".into()]);
        table.row(["\u{1b}[1mx\u{1b}[0m".into(), "b".into()]);
        table.row(["four!".into(), String::new()]);
        assert_eq!(table.render(2), "  日本   a\n  \u{1b}[1mx\u{1b}[0m      b\n  four!\n");
    }

    #[test]
    fn an_empty_column_takes_no_room() {
        let mut table = Table::default();
        table.row(["a".into(), String::new(), "b".into()]);
        assert_eq!(table.render(0), "a  b\n");
    }
}
