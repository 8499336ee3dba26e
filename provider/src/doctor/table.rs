//! The grid as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mlops_access::matrix::{Breach, Expected, Mark};

use super::Report;

const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Widest description of a row.
const WHAT: usize = 60;
/// Explanations of one row and identity that are shown in full.
const SHOWN: usize = 2;

/// The whole report; with colours for terminals.
pub(super) fn render(report: &Report, colours: bool) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{} ({})\n", report.id, report.phase);
    let grid = &report.grid;
    let widths: Vec<usize> = grid
        .columns
        .iter()
        .map(|column| column.chars().count().max(6))
        .collect();
    let head: Vec<String> = grid
        .columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| format!("{column:<width$}"))
        .collect();
    let _ = writeln!(out, "{:<5}{:<WHAT$}  {}", "", "", head.join("  ").trim_end());
    for row in &grid.rows {
        let cells: Vec<String> = row
            .cells
            .iter()
            .zip(&widths)
            .map(|(mark, width)| cell(mark, *width, colours))
            .collect();
        let what: String = row.what.chars().take(WHAT).collect();
        let _ = writeln!(out, "{:<5}{what:<WHAT$}  {}", row.id, cells.join("  ").trim_end());
    }
    let _ = writeln!(
        out,
        "\nyes: allowed, as it should be · a dot: denied, as it should be · open: as configured · ALLOWED, DENIED: wrong"
    );
    out += &breaches(report, colours);
    match report.simulated {
        Some(true) => {
            out +=
                "\nIAM's policy simulator was asked too (not of the nodes, which hold AWS's own policies).\n"
        }
        Some(false) => {
            out += "\nIAM's policy simulator did not answer (iam:SimulatePrincipalPolicy): judged by the documents alone.\n";
        }
        None => {}
    }
    for line in &report.unread {
        let _ = writeln!(out, "\ncould not be read: {line}");
    }
    let count = grid.breaches().count();
    let verdict = match (count, report.unread.is_empty()) {
        (0, true) => painted("Every identity may exactly what it should.", GREEN, colours),
        (0, false) => painted(
            "What could be read is as it should be; the rest could not be judged.",
            RED,
            colours,
        ),
        (1, _) => painted("1 deviation.", RED, colours),
        (count, _) => painted(&format!("{count} deviations."), RED, colours),
    };
    let _ = writeln!(out, "\n{verdict}");
    if count > 0 {
        out += "`terraform plan` shows what of it is drift; apply takes it back.\n";
    }
    out
}

fn painted(text: &str, colour: &str, colours: bool) -> String {
    if colours {
        format!("{colour}{text}{PLAIN}")
    } else {
        text.to_owned()
    }
}

fn cell(mark: &Mark, width: usize, colours: bool) -> String {
    let wrong = !mark.breaches.is_empty();
    let (word, colour) = match (mark.expected, wrong) {
        (Some(Expected::Allow), false) => ("yes", GREEN),
        (Some(Expected::Deny), false) => ("·", DIM),
        (None, false) => ("open", DIM),
        (Some(Expected::Allow), true) => ("DENIED", RED),
        (_, true) => ("ALLOWED", RED),
    };
    painted(&format!("{word:<width$}"), colour, colours)
}

/// What is wrong: by row and identity, since one policy that is too wide breaks many questions at once.
fn breaches(report: &Report, colours: bool) -> String {
    let mut groups: BTreeMap<(&str, &str), Vec<&Breach>> = BTreeMap::new();
    for breach in report.grid.breaches() {
        groups
            .entry((breach.row, &breach.identity))
            .or_default()
            .push(breach);
    }
    let mut out = String::new();
    for ((row, identity), group) in groups {
        let what = group
            .first()
            .map(|breach| breach.what.as_str())
            .unwrap_or_default();
        let _ = writeln!(out, "\n{} {what}: {identity}", painted(row, RED, colours));
        for breach in group.iter().take(SHOWN) {
            let must = match breach.expected {
                Expected::Allow => "must be able to",
                Expected::Deny => "must not",
            };
            let _ = writeln!(out, "     {must} {}, but {}", breach.ask, breach.because);
        }
        if group.len() > SHOWN {
            let _ = writeln!(out, "     and {} more of the kind", group.len() - SHOWN);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use mlops_access::Purpose;
    use mlops_access::generate::aws::Principal;
    use mlops_access::matrix::Grid;

    use super::*;

    fn report(breaches: &[Breach]) -> Report {
        let identities = [
            Principal::of_environment(Purpose::Ci),
            Principal::of_service(Purpose::Runtime, "churn"),
        ];
        Report {
            id: "aws/111122223333/eu-west-1/shop".into(),
            phase: "READY".into(),
            grid: Grid::new(&identities, breaches),
            unread: Vec::new(),
            simulated: Some(true),
        }
    }

    fn wide() -> Breach {
        Breach {
            row: "P11",
            what: "create model version".into(),
            identity: "runtime/churn".into(),
            expected: Expected::Deny,
            ask: "s3:PutObject on arn:aws:s3:::models/x".into(),
            because: "\"Wide\" allows it".into(),
        }
    }

    #[test]
    fn what_holds_is_said_in_one_line_and_shown_row_by_row() {
        let text = render(&report(&[]), false);
        assert!(
            text.contains("Every identity may exactly what it should."),
            "{text}"
        );
        let pushes = text.lines().find(|line| line.starts_with("P01")).expect("a row");
        assert_eq!(
            pushes.split_whitespace().collect::<Vec<_>>(),
            ["P01", "push", "image", "yes", "·"]
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn what_is_wrong_stands_out_and_is_explained() {
        let text = render(&report(&[wide(), wide(), wide()]), true);
        let row = text.lines().find(|line| line.starts_with("P11")).expect("a row");
        assert!(row.contains("\u{1b}[1;31mALLOWED"), "{row}");
        assert!(
            text.contains("must not s3:PutObject on arn:aws:s3:::models/x, but \"Wide\" allows it"),
            "{text}"
        );
        assert!(
            text.contains("and 1 more of the kind") && text.contains("3 deviations."),
            "{text}"
        );
    }

    #[test]
    fn what_could_not_be_read_is_not_called_good() {
        let mut report = report(&[]);
        report.unread.push("identities.ci: denied".into());
        let text = render(&report, false);
        assert!(
            text.contains("could not be read: identities.ci") && text.contains("could not be judged"),
            "{text}"
        );
    }
}
