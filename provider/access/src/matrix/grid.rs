//! The matrix as a grid: what each identity should get in each row, and where it gets something else.

use super::{Breach, Cell, Enforcement, Expected, PROBES};
use crate::generate::aws::Principal;

/// The grid of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The identities: `ci`, `runtime/churn`.
    pub columns: Vec<String>,
    /// Rows that documents decide.
    pub rows: Vec<Row>,
    /// What is wrong beside the rows: tokens, separation, invariants, boundaries, or another environment (`P38`).
    pub others: Vec<Breach>,
}

/// One row of a [`Grid`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `P01`.
    pub id: &'static str,
    /// What is attempted.
    pub what: &'static str,
    /// By column.
    pub cells: Vec<Mark>,
}

/// One cell of a [`Grid`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What is expected; none where the configuration may have it either way.
    pub expected: Option<Expected>,
    /// What is found instead.
    pub breaches: Vec<Breach>,
}

impl Grid {
    /// Sorts breaches into the cells of these identities.
    #[must_use]
    pub fn new(identities: &[Principal<'_>], breaches: &[Breach]) -> Self {
        let columns: Vec<String> = identities.iter().map(ToString::to_string).collect();
        let by_documents = PROBES.iter().filter(|probe| probe.by == Enforcement::Documents);
        let rows: Vec<Row> = by_documents
            .map(|probe| Row {
                id: probe.id,
                what: probe.what,
                cells: identities
                    .iter()
                    .zip(&columns)
                    .map(|(principal, column)| {
                        let here = |breach: &&Breach| breach.row == probe.id && breach.identity == *column;
                        let breaches: Vec<Breach> = breaches.iter().filter(here).cloned().collect();
                        let expected = match probe.cell(principal.purpose) {
                            Cell::Allow => Some(Expected::Allow),
                            Cell::Deny => Some(Expected::Deny),
                            Cell::Optional => None,
                        };
                        Mark {
                            expected: breaches.first().map(|breach| breach.expected).or(expected),
                            breaches,
                        }
                    })
                    .collect(),
            })
            .collect();
        let in_grid = |breach: &Breach| {
            columns.contains(&breach.identity) && rows.iter().any(|row| row.id == breach.row)
        };
        let others = breaches
            .iter()
            .filter(|breach| !in_grid(breach))
            .cloned()
            .collect();
        Self {
            columns,
            rows,
            others,
        }
    }

    /// Whether everything is as it should be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaches().next().is_none()
    }

    /// Everything that is wrong, in the order of the rows.
    pub fn breaches(&self) -> impl Iterator<Item = &Breach> {
        let cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.flat_map(|cell| &cell.breaches).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn a_breach_stands_in_its_cell_and_nothing_is_lost() {
        let identities = [
            Principal::of_environment(Purpose::Ci),
            Principal::of_service(Purpose::Runtime, "churn"),
        ];
        let breach = |row: &'static str, identity: &str| Breach {
            row,
            what: "x".into(),
            identity: identity.into(),
            expected: Expected::Deny,
            ask: "y".into(),
            because: "z".into(),
        };
        let found = [
            breach("P11", "runtime/churn"),
            breach("T03", "ci"),
            breach("P11", "gone"),
        ];
        let grid = Grid::new(&identities, &found);
        assert_eq!(grid.columns, ["ci", "runtime/churn"]);
        let row = grid.rows.iter().find(|row| row.id == "P11").expect("a row");
        assert!(row.cells[0].breaches.is_empty() && row.cells[1].breaches.len() == 1);
        assert_eq!(grid.others.len(), 2);
        assert!(!grid.holds() && grid.breaches().count() == 3);
        assert!(Grid::new(&identities, &[]).holds());
    }
}
