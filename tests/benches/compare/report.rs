//! The tables: Markdown that is printed and kept.

use std::fmt::Write;

/// A table under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    /// What was measured how, in a sentence or two.
    pub(crate) about: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// Lines below it.
    pub(crate) notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: &str, about: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            about: about.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As Markdown, columns aligned so that it also reads in a terminal.
    pub(crate) fn markdown(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .chain(self.columns.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!(" {cell:<width$} |"));
            format!("|{}\n", padded.collect::<String>())
        };
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.about);
        text.push_str(&line(&self.columns));
        let rule: String = widths
            .iter()
            .map(|width| format!(" {} |", "-".repeat(*width)))
            .collect();
        let _ = writeln!(text, "|{rule}");
        for row in &self.rows {
            text.push_str(&line(row));
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }
}

/// `2.41 s`, `12 ms`.
pub(crate) fn seconds(value: f64) -> String {
    if value < 0.1 {
        format!("{:.1} ms", value * 1000.0)
    } else {
        format!("{value:.2} s")
    }
}

/// `12.5 MB`.
pub(crate) fn megabytes(bytes: f64) -> String {
    if bytes < 20e6 {
        format!("{:.1} MB", bytes / 1e6)
    } else {
        format!("{:.0} MB", bytes / 1e6)
    }
}

/// How many times the first is in the second: `11x`.
pub(crate) fn times(ours: f64, theirs: f64) -> String {
    if ours <= 0.0 {
        return "-".to_owned();
    }
    let ratio = theirs / ours;
    if ratio >= 10.0 {
        format!("{ratio:.0}x")
    } else {
        format!("{ratio:.1}x")
    }
}
