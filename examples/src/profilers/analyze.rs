//! Tables and figures of one series.

use super::approach::Approach;
use super::findings::{self, MARGIN, PAIRS, marks};
use crate::figures::{Content, Figure, Look, Series};
use crate::protocol::Part;
use crate::report::Section;
use crate::stats::{
    Friedman, brown_forsythe, deviation, equivalence, friedman, mean, median, variation, wilcoxon,
};
use crate::tables::{ABSENT, Table, fixed, mib, percent, probability};

pub(super) fn sections(part: &Part, series: &str) -> Vec<Section> {
    let section = |what: &str, title: &str, about: &str, answer, tables, figures| Section {
        name: format!("{what}-{series}"),
        title: format!("{title}, {series}"),
        about: about.to_owned(),
        answer,
        tables,
        figures,
        absent: Vec::new(),
    };
    vec![
        section(
            "findings",
            "Findings",
            "Each claim is tested on each subject for itself, at 5 %.",
            findings::correction(part),
            vec![findings::table(part), repeatability(part)],
            Vec::new(),
        ),
        section(
            "cells",
            "Peaks and time",
            "Bias is against the schedule for victims, and against the high-water mark of the same \
             run for operators; for these hwm is 0 by construction. Time is that of the \
             fastest run, against the fastest without profiler; where others use the machine it is \
             noise.",
            worst_bias(part),
            part.cases().iter().map(|case| cells(part, case)).collect(),
            vec![errors(part, series)],
        ),
        section(
            "statistics",
            "Statistics",
            "Friedman's test asks whether the approaches differ at all; Nemenyi's which of them. \
             Pairs by hand and by traceq: Wilcoxon asks whether they differ, two one-sided tests \
             (TOST) whether they are equal within ± 0.5 %, Brown and Forsythe whether they vary alike.",
            differ(part),
            vec![ranks(part), nemenyi(part), pairs(part)],
            Vec::new(),
        ),
    ]
}

fn approaches() -> impl Iterator<Item = &'static str> {
    Approach::ALL.into_iter().filter(|approach| *approach != Approach::None).map(Approach::name)
}

/// Peak by truth, less 1, of each run.
fn bias(part: &Part, case: &str, approach: &str) -> Vec<f64> {
    let truth = part.values(case, approach, "truth");
    let peaks = part.values(case, approach, "peak");
    peaks.iter().zip(truth).map(|(peak, truth)| peak / truth - 1.0).collect()
}

fn cells(part: &Part, case: &str) -> Table {
    let header = [
        "approach",
        "runs",
        "samples",
        "mean, MiB",
        "sd, KiB",
        "CV, %",
        "bias, %",
        "time, s",
        "overhead, %",
    ];
    let mut table = Table::new(case, &header);
    let alone = part.least(case, Approach::None.name(), "time");
    for approach in [Approach::None.name()].into_iter().chain(approaches()) {
        let peaks = part.values(case, approach, "peak");
        let time = part.least(case, approach, "time");
        table.row([
            approach.to_owned(),
            part.values(case, approach, "time").len().to_string(),
            fixed(part.median(case, approach, "samples"), 0),
            mib(mean(&peaks)),
            fixed(deviation(&peaks).map(|bytes| bytes / 1024.0), 1),
            fixed(variation(&peaks).map(|part| 100.0 * part), 3),
            percent(mean(&bias(part, case, approach)), 2),
            fixed(time, 4),
            percent(time.zip(alone).map(|(time, alone)| time / alone - 1.0), 1),
        ]);
    }
    table
}

/// How well the marks of a subject repeat.
fn repeatability(part: &Part) -> Table {
    let header = ["subject", "runs", "mean, MiB", "lowest, MiB", "highest, MiB", "CV, %"];
    let mut table = Table::new("High-water marks of all runs without a sampler inside", &header);
    for case in part.cases() {
        let marks = marks(part, &case);
        table.row([
            case.clone(),
            marks.len().to_string(),
            mib(mean(&marks)),
            mib(marks.iter().copied().min_by(f64::total_cmp)),
            mib(marks.iter().copied().max_by(f64::total_cmp)),
            fixed(variation(&marks).map(|part| 100.0 * part), 4),
        ]);
    }
    table
}

fn worst_bias(part: &Part) -> String {
    let all = part.cases().into_iter().flat_map(|case| {
        approaches().filter_map(move |approach| {
            Some((median(&bias(part, &case, approach))?, approach, case.clone()))
        })
    });
    match all.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())) {
        Some((bias, approach, case)) => {
            format!("The largest median bias is {} % ({approach}, {case}).", percent(Some(bias), 1))
        }
        None => "Nothing was measured.".to_owned(),
    }
}

/// Relative errors of all runs and approaches.
fn errors(part: &Part, series: &str) -> Figure {
    let cases = part.cases();
    let dots = approaches().filter(|approach| !approach.starts_with("traceq")).enumerate();
    // What sees nothing of a subject (the heap of mappings) would press all others flat.
    let sees =
        |case: &str, approach: &str| median(&bias(part, case, approach)).is_some_and(|b| b > -0.9);
    let series_of = |(colour, approach): (usize, &str)| Series {
        name: approach.to_owned(),
        points: cases
            .iter()
            .enumerate()
            .filter(|(_, case)| sees(case, approach))
            .flat_map(|(x, case)| {
                bias(part, case, approach).into_iter().map(move |bias| (x as f64, 100.0 * bias))
            })
            .collect(),
        look: Look::Points,
        colour,
    };
    Figure {
        name: format!("errors-{series}"),
        title: format!("Error of each run ({series}); without heap of victims, which is 0"),
        x: String::new(),
        y: "peak less truth, %".to_owned(),
        content: Content::Dots { categories: cases.clone(), series: dots.map(series_of).collect() },
    }
}

fn test(part: &Part, case: &str) -> Option<Friedman> {
    friedman(&approaches().map(|approach| part.values(case, approach, "peak")).collect::<Vec<_>>())
}

fn differ(part: &Part) -> String {
    let cases = part.cases();
    let n = cases.iter().filter(|case| test(part, case).is_some_and(|f| f.test.p < 0.05)).count();
    format!("The approaches differ on {n} of {} subjects (Friedman, 5 %).", cases.len())
}

fn ranks(part: &Part) -> Table {
    let cases = part.cases();
    let header: Vec<&str> =
        ["approach"].into_iter().chain(cases.iter().map(String::as_str)).collect();
    let mut table =
        Table::new("Mean ranks of the peaks, 1 is lowest, and Friedman's test", &header);
    let tests: Vec<Option<Friedman>> = cases.iter().map(|case| test(part, case)).collect();
    let each = |f: &dyn Fn(&Friedman) -> String| -> Vec<String> {
        tests.iter().map(|test| test.as_ref().map_or(ABSENT.to_owned(), f)).collect()
    };
    for (i, approach) in approaches().enumerate() {
        let ranks = each(&|test| fixed(test.ranks.get(i).copied(), 1));
        table.row([approach.to_owned()].into_iter().chain(ranks));
    }
    table.row(["χ²".to_owned()].into_iter().chain(each(&|f| fixed(Some(f.test.statistic), 1))));
    table.row(["p".to_owned()].into_iter().chain(each(&|f| probability(f.test.p))));
    table
}

/// Of all pairs: on how many subjects they differ.
fn nemenyi(part: &Part) -> Table {
    let names: Vec<&str> = approaches().collect();
    let header: Vec<&str> = ["differs from"].into_iter().chain(names.iter().copied()).collect();
    let title = "Nemenyi: number of subjects on which two approaches differ at 5 %";
    let mut table = Table::new(title, &header);
    let tests: Vec<Friedman> = part.cases().iter().filter_map(|case| test(part, case)).collect();
    for (i, name) in names.iter().enumerate() {
        let counts = (0..names.len()).map(|j| {
            let n = tests.iter().filter(|test| i != j && test.nemenyi(i, j) < 0.05).count();
            if i == j { ABSENT.to_owned() } else { n.to_string() }
        });
        table.row([(*name).to_owned()].into_iter().chain(counts));
    }
    table
}

fn pairs(part: &Part) -> Table {
    let header =
        ["subject", "pair", "median ratio", "Wilcoxon p", "TOST p", "equal", "Brown–Forsythe p"];
    let mut table = Table::new("By hand against the probe of traceq", &header);
    for case in part.cases() {
        for (direct, probe) in PAIRS {
            let (a, b) = (part.values(&case, probe, "peak"), part.values(&case, direct, "peak"));
            let ratios: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a / b).collect();
            let equal = equivalence(&a, &b, MARGIN);
            let variances = brown_forsythe(&[&a, &b]).map(|test| test.p);
            let shown =
                |p: Option<f64>| p.filter(|p| p.is_finite()).map_or(ABSENT.to_owned(), probability);
            table.row([
                case.clone(),
                format!("{probe} / {direct}"),
                fixed(median(&ratios).filter(|ratio| ratio.is_finite()), 4),
                shown(Some(wilcoxon(&a, &b).p)),
                shown(equal),
                equal.map_or(ABSENT, |p| if p < 0.05 { "yes" } else { "not shown" }).to_owned(),
                shown(variances),
            ]);
        }
    }
    table
}
