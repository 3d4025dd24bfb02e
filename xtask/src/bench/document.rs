//! The numbers as text: for the terminal, and for docs/performance.md.

use std::path::Path;

use super::Options;
use super::contestants::Programs;
use super::goals::{Reached, above_idle};
use super::numbers::{median, span};
use super::scenario::{Measured, SenderRuns};
use crate::shell::{self, Outcome};

/// Between which lines of docs/performance.md the numbers of a subject stand.
pub struct Marks {
    pub begin: &'static str,
    pub end: &'static str,
}

pub const UPLOAD: Marks = Marks {
    begin: "<!-- results: begin (cargo xtask bench upload writes from here) -->",
    end: "<!-- results: end -->",
};

const COLUMNS: [&str; 8] =
    ["", "seconds", "least to most", "GiB/s", "CPU s/GiB", "peak MiB", "disk MiB", "connections"];

/// One line a sender.
fn row(measured: &Measured, sender: &SenderRuns) -> [String; 8] {
    let gib = measured.bytes as f64 / (1u64 << 30) as f64;
    let figure = |figure: fn(&super::measure::Run) -> f64| median(&sender.figures(figure)).unwrap_or(0.0);
    let seconds = figure(|run| run.seconds);
    let (least, most) = span(&sender.figures(|run| run.seconds));
    [
        sender.name.to_owned(),
        format!("{seconds:.3}"),
        format!("{least:.3} to {most:.3}"),
        format!("{:.2}", gib / seconds),
        format!("{:.2}", figure(|run| run.cpu_seconds) / gib),
        format!("{:.0}", figure(|run| run.peak_kib as f64) / 1024.0),
        format!("{:.0}", figure(|run| run.written_bytes as f64) / (1u64 << 20) as f64),
        sender.connections.to_string(),
    ]
}

/// A scenario for the terminal.
pub fn plain_table(measured: &Measured) -> String {
    let rows = measured.senders.iter().map(|sender| row(measured, sender));
    plain(&std::iter::once(COLUMNS.map(str::to_owned)).chain(rows).map(Vec::from).collect::<Vec<_>>())
}

/// The goals for the terminal.
pub fn plain_goals(goals: &[Reached]) -> String {
    let row = |goal: &Reached| {
        let verdict = if goal.met { "reached" } else { "MISSED" };
        vec![goal.what.clone(), goal.goal.clone(), goal.measured.clone(), verdict.to_owned()]
    };
    plain(&goals.iter().map(row).collect::<Vec<_>>())
}

/// Columns of equal width, the first flush left.
pub fn plain(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            text += &if column == 0 { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        text.push('\n');
    }
    text
}

pub fn markdown(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = vec!["---"; header.len()].join(" | ");
    let mut text = format!("| {} |\n| {rule} |\n", header.join(" | "));
    rows.for_each(|row| text += &format!("| {} |\n", row.join(" | ")));
    text
}

/// What stands between the marks of docs/performance.md.
pub fn results(measured: &[Measured], goals: &[Reached], programs: &Programs, options: &Options) -> String {
    let mut text = format!("`cargo xtask bench upload{}` on {}. ", flags(options), machine());
    text += &format!(
        "Medians of {} runs in turn after one that does not count, each a whole process; goals are the median of the \
         ratios of neighbouring runs.\n\n",
        options.runs
    );
    let goal = |goal: &Reached| {
        let verdict = if goal.met { "yes" } else { "**no**" };
        vec![goal.what.clone(), goal.goal.clone(), goal.measured.clone(), verdict.to_owned()]
    };
    text += &markdown(&["work", "goal", "measured", "reached"], goals.iter().map(goal));
    for one in measured {
        text += &format!("\n### {}\n\n", one.title);
        text += &markdown(&COLUMNS, one.senders.iter().map(|sender| Vec::from(row(one, sender))));
        text += &memory_over_time(one);
        one.failures.iter().for_each(|failure| text += &format!("\nFailed, and left out: {failure}\n"));
    }
    for missing in &programs.missing {
        text += &format!("\nLeft out: {missing}\n");
    }
    text
}

/// Where the memory was sampled: a few of the samples.
fn memory_over_time(measured: &Measured) -> String {
    let sampled = measured.senders.iter().flat_map(|sender| &sender.runs).find(|run| !run.samples.is_empty());
    let Some(run) = sampled else { return String::new() };
    let count = run.samples.len();
    let tenths = (0..=10).filter_map(|tenth| run.samples.get(tenth * (count - 1) / 10));
    let mib: Vec<String> = tenths.map(|kib| format!("{:.0}", *kib as f64 / 1024.0)).collect();
    let most = run.samples.iter().max().copied().unwrap_or(0) as f64 / 1024.0;
    format!(
        "\nResident memory at the start, at each tenth of the time and at the end, in MiB: {}; the most of {count} samples was \
         {most:.0}, and {:.0} above idle at the peak.\n",
        mib.join(", "),
        above_idle(run)
    )
}

fn flags(options: &Options) -> String {
    if options.runs == 5 { String::new() } else { format!(" --runs {}", options.runs) }
}

/// Processor and kernel, and nothing that names the machine.
pub fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| cpuinfo.lines().find_map(|line| line.strip_prefix(name)?.split_once(": ").map(|(_, v)| v));
    let model = field("model name").unwrap_or("unknown processor").trim();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = shell::output(shell::program("uname").args(["-sr"])).unwrap_or_default();
    format!("{cores} cores of {model}, {}", kernel.trim())
}

/// Replaces what is between the marks.
pub fn write(path: &Path, marks: &Marks, results: &str) -> Outcome {
    let place = path.display();
    let before = std::fs::read_to_string(path).map_err(|error| format!("Cannot read {place}: {error}."))?;
    let after = replaced(&before, marks, results)
        .ok_or_else(|| format!("{place} has lost its marks \"{}\" and \"{}\".", marks.begin, marks.end))?;
    std::fs::write(path, after).map_err(|error| format!("Cannot write {place}: {error}."))
}

pub fn replaced(document: &str, marks: &Marks, results: &str) -> Option<String> {
    let Marks { begin, end } = marks;
    let (before, rest) = document.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", results.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_go_between_the_marks_and_nothing_else_changes() {
        let Marks { begin, end } = UPLOAD;
        let document = format!("# Title\n{begin}\nold\n{end}\nlast words\n");
        let new = replaced(&document, &UPLOAD, "new\n").unwrap();
        assert_eq!(new, format!("# Title\n{begin}\n\nnew\n\n{end}\nlast words\n"));
        assert_eq!(replaced(&new, &UPLOAD, "new").unwrap(), new);
        assert_eq!(replaced("no marks", &UPLOAD, "new"), None);
    }

    #[test]
    fn the_document_has_its_marks() {
        let document = std::fs::read_to_string(shell::root().join("docs/performance.md")).unwrap();
        assert!(replaced(&document, &UPLOAD, "").is_some());
    }

    #[test]
    fn columns_line_up() {
        let rows = [["", "seconds"], ["curl", "1.0"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(plain(&rows), "        seconds\n  curl      1.0\n");
    }
}
