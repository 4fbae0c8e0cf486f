//! Tables, as Markdown and as HTML.

use std::fmt::Write;

use maud::{Markup, html};

/// A table: the first column names, the others are numbers or words.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &str, header: &[&str]) -> Self {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Self { title: title.to_owned(), header, rows: Vec::new() }
    }

    /// Adds a row; cells that are missing stay empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n", self.title);
        let mut line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        line(&self.header);
        let rule = |i: usize| if self.is_numeric(i) { "---:" } else { "---" }.to_owned();
        line(&(0..self.header.len()).map(rule).collect::<Vec<_>>());
        self.rows.iter().for_each(|row| line(row));
        text
    }

    /// The same cells, without the title.
    pub(crate) fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut file = csv::Writer::from_writer(Vec::new());
        file.write_record(&self.header)?;
        self.rows.iter().try_for_each(|row| file.write_record(row))?;
        Ok(file.into_inner()?)
    }

    pub(crate) fn html(&self) -> Markup {
        let class = |i: usize| if self.is_numeric(i) { "n" } else { "t" };
        html! {
            div.scroll {
                table {
                    caption { (self.title) }
                    thead { tr { @for (i, name) in self.header.iter().enumerate() { th class=(class(i)) { (name) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr { @for (i, cell) in row.iter().enumerate() { td class=(class(i)) { (cell) } } }
                        }
                    }
                }
            }
        }
    }

    /// Whether most cells of a column begin like a number.
    fn is_numeric(&self, column: usize) -> bool {
        let filled = || self.rows.iter().map(|row| &row[column]).filter(|cell| !cell.is_empty());
        let begins = |c: char| c.is_ascii_digit() || "+−–<".contains(c);
        column > 0
            && 2 * filled().filter(|cell| cell.starts_with(begins)).count() > filled().count()
    }
}

/// What stands for a number that is not there.
pub(crate) const ABSENT: &str = "–";

/// A number with so many decimals, or the sign for none.
pub(crate) fn fixed(value: Option<f64>, decimals: usize) -> String {
    match value {
        Some(value) => sign(format!("{value:.decimals$}")),
        None => ABSENT.to_owned(),
    }
}

/// With its sign, for differences.
pub(crate) fn signed(value: Option<f64>, decimals: usize) -> String {
    match value {
        Some(value) => sign(format!("{value:+.decimals$}")),
        None => ABSENT.to_owned(),
    }
}

/// A minus that is as wide as a plus, and no minus before nothing.
fn sign(text: String) -> String {
    let nothing = text.trim_start_matches(['-', '+']).chars().all(|c| c == '0' || c == '.');
    if nothing { text.trim_start_matches(['-', '+']).to_owned() } else { text.replace('-', "−") }
}

/// Bytes in MiB.
pub(crate) fn mib(bytes: Option<f64>) -> String {
    fixed(bytes.map(|bytes| bytes / f64::from(1 << 20)), 1)
}

/// Differences of bytes in KiB.
pub(crate) fn kib(bytes: Option<f64>) -> String {
    signed(bytes.map(|bytes| bytes / 1024.0), 0)
}

pub(crate) fn percent(part: Option<f64>, decimals: usize) -> String {
    signed(part.map(|part| 100.0 * part), decimals)
}

/// A probability, as papers print them.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_aligns_numbers_and_escapes_bars() {
        let mut table = Table::new("Title", &["who", "KiB"]);
        table.row(["a|b".to_owned(), kib(Some(-2048.0))]);
        table.row(["c".to_owned(), kib(None)]);
        assert_eq!(
            table.markdown(),
            "**Title**\n\n| who | KiB |\n| --- | ---: |\n| a\\|b | −2 |\n| c | – |\n"
        );
        assert!(table.html().into_string().contains("<td class=\"n\">−2</td>"));
    }

    #[test]
    fn nothing_has_no_sign() {
        assert_eq!(signed(Some(-0.04), 1), "0.0");
        assert_eq!(signed(Some(0.06), 1), "+0.1");
        assert_eq!(probability(1e-9), "< 0.001");
    }
}
