//! Raw results: one number in a row, as CSV.

use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One measured number, or the statement that there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Which part of the experiment: `P1`.
    pub(crate) part: String,
    /// The setting.
    pub(crate) case: String,
    /// Who measured, or on whom.
    pub(crate) subject: String,
    pub(crate) run: u32,
    /// What was measured.
    pub(crate) quantity: String,
    /// Empty in the file where it is absent.
    pub(crate) value: Option<f64>,
    pub(crate) unit: String,
    /// Why it is absent, or a word that is no number.
    pub(crate) note: String,
}

/// Rows of one part, as they are added.
#[derive(Debug)]
pub(crate) struct Rows {
    part: String,
    pub(crate) all: Vec<Row>,
}

impl Rows {
    pub(crate) fn new(part: &str) -> Self {
        Self { part: part.to_owned(), all: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        case: &str,
        subject: &str,
        run: u32,
        quantity: &str,
        value: Option<f64>,
        unit: &str,
    ) {
        self.all.push(Row {
            part: self.part.clone(),
            case: case.to_owned(),
            subject: subject.to_owned(),
            run,
            quantity: quantity.to_owned(),
            value,
            unit: unit.to_owned(),
            note: if value.is_none() { "absent".to_owned() } else { String::new() },
        });
    }

    /// A word instead of a number.
    pub(crate) fn word(&mut self, case: &str, subject: &str, run: u32, quantity: &str, word: &str) {
        self.add(case, subject, run, quantity, None, "");
        if let Some(row) = self.all.last_mut() {
            word.clone_into(&mut row.note);
        }
    }

    /// A setting that this machine does not have, and why.
    pub(crate) fn absent(&mut self, case: &str, why: &str) {
        self.word(case, "", 0, ABSENT, why);
    }
}

const ABSENT: &str = "absent";

/// Rows of one part, to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Part(Vec<Row>);

impl Part {
    pub(crate) fn of(rows: &[Row], part: &str) -> Self {
        Self(rows.iter().filter(|row| row.part == part).cloned().collect())
    }

    /// The different cases, in the order of the file.
    pub(crate) fn cases(&self) -> Vec<String> {
        distinct(self.measured().map(|row| &row.case))
    }

    /// The different subjects of a case, in the order of the file.
    pub(crate) fn subjects(&self, case: &str) -> Vec<String> {
        distinct(self.measured().filter(|row| row.case == case).map(|row| &row.subject))
    }

    fn measured(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(|row| row.quantity != ABSENT)
    }

    /// All runs of one number, in the order of the runs, without absent ones.
    pub(crate) fn values(&self, case: &str, subject: &str, quantity: &str) -> Vec<f64> {
        self.rows(case, subject, quantity).filter_map(|row| row.value).collect()
    }

    pub(crate) fn median(&self, case: &str, subject: &str, quantity: &str) -> Option<f64> {
        crate::stats::median(&self.values(case, subject, quantity))
    }

    /// The least of all runs: of times, that which other programs disturbed least.
    pub(crate) fn least(&self, case: &str, subject: &str, quantity: &str) -> Option<f64> {
        self.values(case, subject, quantity).into_iter().min_by(f64::total_cmp)
    }

    /// Words of all runs.
    pub(crate) fn words(&self, case: &str, subject: &str, quantity: &str) -> Vec<String> {
        self.rows(case, subject, quantity).map(|row| row.note.clone()).collect()
    }

    fn rows<'a>(
        &'a self,
        case: &'a str,
        subject: &'a str,
        quantity: &'a str,
    ) -> impl Iterator<Item = &'a Row> {
        self.0.iter().filter(move |row| {
            row.case == case && row.subject == subject && row.quantity == quantity
        })
    }

    /// What this machine does not have, and why.
    pub(crate) fn absences(&self) -> Vec<(String, String)> {
        let absent = self.0.iter().filter(|row| row.quantity == ABSENT);
        absent.map(|row| (row.case.clone(), row.note.clone())).collect()
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

pub(crate) fn write<T: Serialize>(path: &Path, rows: &[T]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = csv::Writer::from_path(path)?;
    rows.iter().try_for_each(|row| file.serialize(row))?;
    Ok(file.flush()?)
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let context = || format!("{}: run the phase `profile` first", path.display());
    let mut file = csv::Reader::from_path(path).with_context(context)?;
    file.deserialize().collect::<Result<_, _>>().with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_and_absent_is_not_0() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut rows = Rows::new("P1");
        rows.add("a", "statm", 0, "error", Some(0.0), "B");
        rows.add("a", "heap", 0, "error", None, "B");
        rows.add("b", "statm", 1, "error", Some(-2.5), "B");
        rows.absent("swap", "none is configured");
        write(&path, &rows.all).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read, rows.all);
        let part = Part::of(&read, "P1");
        assert_eq!(part.cases(), ["a", "b"]);
        assert_eq!(part.values("a", "heap", "error"), [0.0; 0]);
        assert_eq!(part.median("b", "statm", "error"), Some(-2.5));
        assert_eq!(part.absences(), [("swap".to_owned(), "none is configured".to_owned())]);
    }
}
