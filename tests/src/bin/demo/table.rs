//! Tables for people.

use serde_json::Value;

/// Prints rows under their heads, each column as wide as it must be; the last one runs.
pub(crate) fn print<const N: usize>(heads: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([heads[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: [&str; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    };
    line(heads);
    for row in rows {
        line(row.each_ref().map(String::as_str));
    }
}

/// The environment's components.
pub(crate) fn components(environment: &Value) -> Vec<[String; 4]> {
    environment["components"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(address, component)| {
            let text = |name: &str| component[name].as_str().unwrap_or("").to_owned();
            [address.clone(), text("kind"), text("state"), text("managed")]
        })
        .collect()
}
