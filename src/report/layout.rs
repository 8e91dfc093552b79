//! Columns of text that fit a width: the layout of tables that are made by column.

use super::text::{NONE, width};

/// A column of a table. The first one is the name of the rows and always stays.
pub(crate) struct Column {
    /// How it is named when it is left out.
    pub title: &'static str,
    pub heads: [&'static str; 2],
    pub cells: Vec<String>,
    pub align: Align,
    /// Columns with a low rank are left out first where the width does not suffice; `None` always stays.
    pub rank: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    /// By the decimal point.
    Point,
}

impl Column {
    pub fn new(title: &'static str, heads: [&'static str; 2], align: Align, cells: Vec<String>) -> Self {
        Self { title, heads, cells, align, rank: None }
    }

    pub fn ranked(mut self, rank: u8) -> Self {
        self.rank = Some(rank);
        self
    }

    /// All cells padded to the same width, heads first.
    fn padded(&self) -> (usize, Vec<String>) {
        let decimals = |cell: &str| cell.find('.').map_or(0, |point| cell.len() - point);
        let most = self.cells.iter().map(|cell| decimals(cell)).max().unwrap_or(0);
        let shift = |cell: &String| match self.align {
            Align::Point if cell != NONE => format!("{cell}{}", " ".repeat(most - decimals(cell))),
            _ => cell.clone(),
        };
        let cells: Vec<String> =
            self.heads.iter().map(ToString::to_string).chain(self.cells.iter().map(shift)).collect();
        let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0);
        let pad = |cell: String| {
            let space = " ".repeat(widest - width(&cell));
            if self.align == Align::Left { cell + &space } else { space + &cell }
        };
        (widest, cells.into_iter().map(pad).collect())
    }
}

/// The two lines of heads and a line for each row, all without spaces at their ends, and what was left out.
pub(crate) fn lay_out(mut columns: Vec<Column>, wide: usize) -> (Vec<String>, Vec<&'static str>) {
    let mut left_out = Vec::new();
    let (gap, padded) = loop {
        let padded: Vec<(usize, Vec<String>)> = columns.iter().map(Column::padded).collect();
        let taken: usize = padded.iter().map(|(width, _)| width).sum();
        let gaps = padded.len().saturating_sub(1);
        let gap = [2, 1].into_iter().find(|gap| taken + gaps * gap <= wide);
        let least = columns.iter().enumerate().filter_map(|(i, column)| Some((column.rank?, i))).min();
        match (gap, least) {
            (None, Some((_, index))) => left_out.push(columns.remove(index).title),
            (gap, _) => break (gap.unwrap_or(1), padded),
        }
    };
    let lines = padded.first().map_or(0, |(_, cells)| cells.len());
    let line = |row: usize| {
        let cells: Vec<&str> = padded.iter().map(|(_, cells)| cells[row].as_str()).collect();
        cells.join(&" ".repeat(gap)).trim_end().to_owned()
    };
    ((0..lines).map(line).filter(|line| !line.is_empty()).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let cells = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        vec![
            Column::new("name", ["", "name"], Align::Left, cells(&["a", "bcdef"])),
            Column::new("arch", ["", "arch"], Align::Left, cells(&["amd64", "arm64"])).ranked(1),
            Column::new("price", ["USD", "an hour"], Align::Point, cells(&["1.5", "~10.25"])),
            Column::new("date", ["", "date"], Align::Right, cells(&["2026", "2026-07"])).ranked(0),
        ]
    }

    #[test]
    fn points_are_under_each_other_and_columns_give_way_by_rank() {
        let (lines, left_out) = lay_out(columns(), 80);
        assert_eq!(
            lines,
            [
                "                  USD",
                "name   arch   an hour     date",
                "a      amd64     1.5      2026",
                "bcdef  arm64   ~10.25  2026-07"
            ]
        );
        assert!(left_out.is_empty());
        // 5 + 5 + 7 + 7 columns and three gaps of one.
        assert!(lay_out(columns(), 27).1.is_empty());
        assert_eq!(lay_out(columns(), 26).1, ["date"]);
        assert_eq!(lay_out(columns(), 1).1, ["date", "arch"]);
    }
}
