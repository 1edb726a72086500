//! Cells of a terminal, each of one dot or of eight.

use crate::text::{Style, code};

/// Characters to draw with.
#[derive(Clone, Copy)]
pub(super) struct Glyphs {
    pub side: char,
    pub tick: char,
    pub corner: char,
    pub floor: char,
    pub notch: char,
    pub pointer: char,
    dash: char,
    braille: bool,
}

impl Glyphs {
    pub(super) const UNICODE: Glyphs =
        Glyphs {
            side: '│', tick: '┤', corner: '└', floor: '─', notch: '┬', pointer: '▾', dash: '╌', braille: true
        };
    pub(super) const ASCII: Glyphs =
        Glyphs { side: '|', tick: '+', corner: '+', floor: '-', notch: '+', pointer: 'v', dash: '-', braille: false };
}

/// What a cell shows: nothing, a letter, or dots; and of which line.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Empty,
    Letter(char, Option<usize>),
    Dots(u8, usize),
}

/// Cells by rows.
pub(super) struct Grid {
    cells: Vec<Cell>,
    columns: usize,
    rows: usize,
    glyphs: Glyphs,
}

impl Grid {
    pub(super) fn new(columns: usize, rows: usize, glyphs: Glyphs) -> Grid {
        Grid { cells: vec![Cell::Empty; columns * rows], columns, rows, glyphs }
    }

    /// Dots in `columns` cells from left to right, and from top to bottom.
    pub(super) fn dots(&self, columns: usize) -> (usize, usize) {
        if self.glyphs.braille { (columns * 2, self.rows * 4) } else { (columns, self.rows) }
    }

    /// Joins dots.
    pub(super) fn line(&mut self, dots: &[(usize, usize)], number: usize) {
        if let Some(&first) = dots.first() {
            self.dot(first, number);
        }
        for pair in dots.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let steps = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
            let between = |from: usize, to: usize, i: usize| {
                (from as f64 + (to as f64 - from as f64) * i as f64 / steps as f64).round() as usize
            };
            for i in 1..=steps {
                self.dot((between(x0, x1, i), between(y0, y1, i)), number);
            }
        }
    }

    fn dot(&mut self, (x, y): (usize, usize), number: usize) {
        // Unicode numbers the dots of a cell 1 2 3 7 down the left side and 4 5 6 8 down the right.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let braille = self.glyphs.braille;
        let (column, row) = if braille { (x / 2, y / 4) } else { (x, y) };
        let Some(cell) = self.cell(column, row) else { return };
        *cell = match (*cell, braille) {
            (_, false) => Cell::Letter(ascii(number), Some(number)),
            (Cell::Dots(bits, _), true) => Cell::Dots(bits | BITS[x % 2][y % 4], number),
            (_, true) => Cell::Dots(BITS[x % 2][y % 4], number),
        };
    }

    /// A dashed line over a row, beginning with `label` if that takes less than half of it.
    pub(super) fn dashes(&mut self, row: usize, columns: usize, label: &str) {
        let dash = self.glyphs.dash;
        let label = if label.len() < columns / 2 { label } else { "" };
        for column in 0..columns {
            let gap = dash == '-' && column % 2 == 1;
            let letter = label.chars().nth(column).unwrap_or(if gap { ' ' } else { dash });
            if let Some(cell) = self.cell(column, row) {
                *cell = Cell::Letter(letter, None);
            }
        }
    }

    /// The mark of a line at its end; where another stands, one row higher or lower.
    pub(super) fn name(&mut self, (column, row): (usize, usize), number: usize) {
        for row in [Some(row), row.checked_sub(1), Some(row + 1)].into_iter().flatten() {
            if let Some(cell @ (Cell::Empty | Cell::Dots(..))) = self.cell(column, row) {
                *cell = Cell::Letter(mark(number), Some(number));
                return;
            }
        }
    }

    fn cell(&mut self, column: usize, row: usize) -> Option<&mut Cell> {
        if column < self.columns { self.cells.get_mut(row * self.columns + column) } else { None }
    }

    /// A row as text, neighbours of one line in one colour.
    pub(super) fn row(&self, row: usize, style: &Style) -> String {
        let cells = self.cells.get(row * self.columns..(row + 1) * self.columns).unwrap_or_default();
        let owner = |cell: &Cell| match cell {
            Cell::Empty | Cell::Letter(_, None) => None,
            Cell::Letter(_, owner) => *owner,
            Cell::Dots(_, owner) => Some(*owner),
        };
        let mut out = String::new();
        for run in cells.chunk_by(|a, b| owner(a) == owner(b)) {
            let text: String = run.iter().map(glyph).collect();
            out += &match run.first().and_then(owner) {
                Some(number) => paint(style, number, &text),
                None => text,
            };
        }
        out
    }
}

fn glyph(cell: &Cell) -> char {
    match cell {
        Cell::Empty => ' ',
        Cell::Letter(letter, _) => *letter,
        Cell::Dots(bits, _) => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
    }
}

/// What stands behind the end of a line and in the legend: its rank; the sum is `S`.
pub(super) fn mark(number: usize) -> char {
    match number {
        0 => 'S',
        n => char::from_digit(n as u32 % 10, 10).unwrap_or('?'),
    }
}

/// What a line is made of in ASCII.
fn ascii(number: usize) -> char {
    ['#', '*', 'o', 'x', '+'].get(number).copied().unwrap_or('.')
}

/// The colour of a line.
pub(super) fn paint(style: &Style, number: usize, text: &str) -> String {
    const CODES: [&str; 5] = [code::BOLD, code::CYAN, code::YELLOW, code::MAGENTA, code::GREEN];
    CODES.get(number).map_or_else(|| text.to_owned(), |code| style.colored(code, text))
}
