//! One page that needs no other file, and the same in Markdown.

use std::path::Path;

use anyhow::Context;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::figures::Figure;
use crate::tables::Table;

/// The results of an experiment.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) machine: Vec<(String, String)>,
    pub(crate) sections: Vec<Section>,
}

/// One question and its answer.
#[derive(Debug)]
pub(crate) struct Section {
    /// Name of its files, and its anchor.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What was done.
    pub(crate) about: String,
    /// What came out, from the data.
    pub(crate) answer: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) figures: Vec<Figure>,
    /// What could not be tried here, and why.
    pub(crate) absent: Vec<(String, String)>,
}

const STYLE: &str = "\
:root{color-scheme:light}\
body{font:16px/1.5 system-ui,sans-serif;color:#282c34;max-width:1000px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.7rem;margin-bottom:.2rem}h2{font-size:1.25rem;margin-top:2.6rem;border-top:1px solid #e2e5ea;padding-top:1.4rem}\
nav a{margin-right:.9rem;white-space:nowrap}a{color:#0072b2}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;margin:1rem 0}\
caption{text-align:left;font-weight:600;padding-bottom:.35rem}\
th,td{padding:.22rem .7rem;border-bottom:1px solid #e2e5ea;vertical-align:top}th{border-bottom:2px solid #b8bec8;text-align:left;white-space:nowrap}\
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.answer{background:#eef5fa;border-left:4px solid #0072b2;padding:.6rem .9rem}\
.absent{color:#6b7280;font-size:.9rem}svg{max-width:100%;height:auto}figure{margin:1rem 0}";

impl Report {
    /// Writes everything into `folder`, and says where the page is.
    pub(crate) fn publish(&self, folder: &Path) -> anyhow::Result<()> {
        self.write(folder)?;
        eprintln!("{}", folder.join("report.html").display());
        Ok(())
    }

    /// Writes report.html, report.md, tables/ and figures/ into `folder`.
    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (tables, figures) = (folder.join("tables"), folder.join("figures"));
        std::fs::create_dir_all(&tables)?;
        std::fs::create_dir_all(&figures)?;
        let mut bodies = Vec::new();
        for section in &self.sections {
            let texts: Vec<String> = section.tables.iter().map(Table::markdown).collect();
            std::fs::write(tables.join(format!("{}.md", section.name)), texts.join("\n"))?;
            for (i, table) in (1..).zip(&section.tables) {
                std::fs::write(tables.join(format!("{}-{i}.csv", section.name)), table.csv()?)?;
            }
            let drawn = section.figures.iter().map(|figure| {
                figure.write(&figures).with_context(|| format!("figure {}", figure.name))
            });
            bodies.push(section.html(&drawn.collect::<anyhow::Result<Vec<_>>>()?));
        }
        std::fs::write(folder.join("report.html"), self.html(&bodies).into_string())?;
        Ok(std::fs::write(folder.join("report.md"), self.markdown())?)
    }

    fn html(&self, bodies: &[Markup]) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (self.title) }
                    p { (self.about) }
                    nav { @for section in &self.sections { a href=(format!("#{}", section.name)) { (section.title) } " " } }
                    table {
                        caption { "Machine" }
                        @for (name, value) in &self.machine { tr { td { (name) } td { (value) } } }
                    }
                    @for body in bodies { (body) }
                }
            }
        }
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n\n", self.title, self.about);
        for (name, value) in &self.machine {
            text += &format!("- {name}: {value}\n");
        }
        for section in &self.sections {
            text += &format!("\n## {}\n\n{}\n\n{}\n", section.title, section.about, section.answer);
            for (what, why) in &section.absent {
                text += &format!("\nAbsent: {what} ({why}).\n");
            }
            for table in &section.tables {
                text += &format!("\n{}", table.markdown());
            }
            for figure in &section.figures {
                text += &format!("\n![{}](figures/{}.svg)\n", figure.title, figure.name);
            }
        }
        text
    }
}

impl Section {
    fn html(&self, drawn: &[String]) -> Markup {
        html! {
            section id=(self.name) {
                h2 { (self.title) }
                p { (self.about) }
                p.answer { (self.answer) }
                @if !self.absent.is_empty() {
                    p.absent {
                        "Absent on this machine: "
                        @for (i, (what, why)) in self.absent.iter().enumerate() {
                            @if i > 0 { "; " }
                            (what) " (" (why) ")"
                        }
                        "."
                    }
                }
                @for svg in drawn { figure { (PreEscaped(svg)) } }
                @for table in &self.tables { (table.html()) }
            }
        }
    }
}
