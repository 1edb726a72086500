//! Tables: aligned columns, one of which gives way when the terminal is narrow.

use super::style::{Style, Tone};
use super::words::{columns, cut, shorten};

/// Columns that a giving column keeps before optional columns are left out.
const COMFORT: usize = 28;
/// Columns that a giving column keeps in any case.
const LEAST: usize = 12;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Words, to the left, shortened in the middle when the terminal is narrow.
    Giving,
    /// A list, to the left: its last items go when the terminal is narrow.
    List,
    /// Code, to the left: its end goes when the terminal is narrow.
    Code,
    /// Words, to the left.
    Text,
    /// Numbers, to the right.
    Number,
    /// To the left, without a title; left out when the terminal is narrow.
    Optional,
}

/// A table under construction.
pub(super) struct Table {
    indent: usize,
    columns: Vec<(Kind, &'static str)>,
    rows: Vec<Vec<(String, Option<Tone>)>>,
}

impl Table {
    /// A table whose lines start with `indent` blanks.
    pub(super) fn new(indent: usize) -> Table {
        Table { indent, columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds the column that gives way.
    pub(super) fn giving(mut self, title: &'static str) -> Table {
        self.columns.push((Kind::Giving, title));
        self
    }

    /// Adds the column that gives way, of lists `a, b, c`.
    pub(super) fn list(mut self, title: &'static str) -> Table {
        self.columns.push((Kind::List, title));
        self
    }

    /// Adds the column that gives way, of lines of code.
    pub(super) fn code(mut self, title: &'static str) -> Table {
        self.columns.push((Kind::Code, title));
        self
    }

    /// Adds a column of words.
    pub(super) fn text(mut self, title: &'static str) -> Table {
        self.columns.push((Kind::Text, title));
        self
    }

    /// Adds columns of numbers.
    pub(super) fn numbers(mut self, titles: &[&'static str]) -> Table {
        self.columns.extend(titles.iter().map(|&title| (Kind::Number, title)));
        self
    }

    /// Adds a column that may be left out.
    pub(super) fn optional(mut self) -> Table {
        self.columns.push((Kind::Optional, ""));
        self
    }

    /// Adds a row; cells stand in the order of the columns.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (String, Option<Tone>)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines of the table: the titles first, unless all are empty.
    pub(super) fn render(&self, style: &Style) -> String {
        let widths = self.widths(style.width);
        let mut out = String::new();
        if self.columns.iter().any(|(_, title)| !title.is_empty()) {
            let titles = self.columns.iter().map(|(_, title)| ((*title).to_owned(), Some(Tone::Dim)));
            self.line(&titles.collect::<Vec<_>>(), &widths, style, &mut out);
        }
        for row in &self.rows {
            self.line(row, &widths, style, &mut out);
        }
        out
    }

    /// Width of every column, 0 for one that is left out.
    fn widths(&self, room: usize) -> Vec<usize> {
        let longest = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| columns(&cell.0)).max();
        let mut widths: Vec<usize> = (self.columns.iter().enumerate())
            .map(|(at, (_, title))| columns(title).max(longest(at).unwrap_or(0)))
            .collect();
        let Some(giving) =
            self.columns.iter().position(|column| matches!(column.0, Kind::Giving | Kind::List | Kind::Code))
        else {
            return widths;
        };
        let wanted = widths[giving];
        if self.left_for(giving, &widths, room) < wanted.min(COMFORT) {
            for (width, column) in widths.iter_mut().zip(&self.columns) {
                *width = if column.0 == Kind::Optional { 0 } else { *width };
            }
        }
        widths[giving] = wanted.min(self.left_for(giving, &widths, room).max(LEAST));
        widths
    }

    /// Columns that the others leave to the column `giving`.
    fn left_for(&self, giving: usize, widths: &[usize], room: usize) -> usize {
        let others = widths.iter().enumerate().filter(|&(at, &width)| at != giving && width > 0);
        room.saturating_sub(self.indent + others.map(|(_, width)| width + 2).sum::<usize>())
    }

    fn line(&self, cells: &[(String, Option<Tone>)], widths: &[usize], style: &Style, out: &mut String) {
        let mut line = " ".repeat(self.indent);
        let shown = cells.iter().zip(&self.columns).zip(widths).filter(|&(_, &width)| width > 0);
        for (at, (((text, tone), (kind, _)), &width)) in shown.enumerate() {
            let text = match kind {
                Kind::Giving => shorten(text, width),
                Kind::List => fitting(text, width),
                Kind::Code => cut(text, width),
                _ => text.clone(),
            };
            let pad = " ".repeat(width.saturating_sub(columns(&text)));
            let text = tone.map_or_else(|| text.clone(), |tone| style.paint(tone, &text));
            line.push_str(if at > 0 { "  " } else { "" });
            line.push_str(&if *kind == Kind::Number { pad + &text } else { text + &pad });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// As many items of a list as fit whole; of the first at least a part.
pub(super) fn fitting(list: &str, width: usize) -> String {
    let mut text = list;
    while columns(text) > width {
        let Some((head, _)) = text.rsplit_once(", ") else { return shorten(text, width) };
        text = head;
    }
    text.to_owned()
}

/// A cell without a colour.
pub(super) fn cell(text: impl Into<String>) -> (String, Option<Tone>) {
    (text.into(), None)
}

/// A cell in a colour.
pub(super) fn toned(tone: Tone, text: impl Into<String>) -> (String, Option<Tone>) {
    (text.into(), Some(tone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_lose_their_last_items() {
        let list = "str 2.8 MiB, float 2.6 MiB, list 840.5 KiB";
        assert_eq!(fitting(list, 42), list);
        assert_eq!(fitting(list, 41), "str 2.8 MiB, float 2.6 MiB");
        assert_eq!(fitting(list, 12), "str 2.8 MiB");
        assert_eq!(fitting(list, 8), shorten("str 2.8 MiB", 8));
    }

    #[test]
    fn numbers_stand_to_the_right_and_names_give_way() {
        let mut table = Table::new(2).giving("type").numbers(&["count"]).optional();
        table.row([cell("package.module.SomeVeryLongNameOfAClass"), cell("1,234"), cell("███")]);
        table.row([cell("dict"), cell("7"), cell("█")]);
        assert_eq!(
            table.render(&Style::plain(80)),
            "  type                                     count\n  \
               package.module.SomeVeryLongNameOfAClass  1,234  ███\n  \
               dict                                         7  █\n"
        );
        assert_eq!(
            table.render(&Style::plain(30)),
            "  type                   count\n  packag…LongNameOfAClass  1,234\n  dict                       7\n"
                .replace("packag…LongNameOfAClass", &shorten("package.module.SomeVeryLongNameOfAClass", 21))
        );
    }
}
