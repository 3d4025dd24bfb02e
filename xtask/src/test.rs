//! `cargo xtask test`: every suite, whatever became of the one before, and a summary at the end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::shell::{self, Outcome};
use crate::suites::{LONG, SUITES, Suite};
use crate::tools::{self, Tool};

struct Finished {
    suite: &'static Suite,
    took: Duration,
    result: Verdict,
}

enum Verdict {
    /// With what there is to say about it.
    Passed(String),
    Failed(String),
    /// A tool is missing.
    Skipped(String),
}

/// Runs the suites that the arguments choose.
///
/// A suite whose tools are missing is skipped and named; on a continuous integration server (`CI` is set) that is a
/// failure, since there nobody reads what was skipped.
pub fn run(arguments: &[&str]) -> Outcome {
    if arguments == ["--list"] {
        SUITES.iter().for_each(|suite| println!("{:<18} {}", suite.name, suite.about));
        return Ok(());
    }
    let suites = choose(arguments)?;
    let tools: Vec<&Tool> = suites.iter().flat_map(|suite| suite.needs.iter().chain(suite.wants)).copied().collect();
    tools::install_missing(&tools);
    let finished: Vec<Finished> = suites.into_iter().map(run_suite).collect();
    summarise(&finished)
}

fn choose(arguments: &[&str]) -> Outcome<Vec<&'static Suite>> {
    let (options, names): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = options.iter().find(|option| **option != "--fast") {
        return Err(format!("The tests have no option \"{unknown}\"; they have --fast and --list."));
    }
    if let Some(unknown) = names.iter().find(|name| !SUITES.iter().any(|suite| suite.name == **name)) {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        return Err(format!("There is no suite \"{unknown}\". The suites are {}.", known.join(", ")));
    }
    let fast_only = !options.is_empty();
    let is_chosen = |suite: &Suite| match names.is_empty() {
        true => !LONG.contains(&suite.name),
        false => names.contains(&suite.name),
    };
    let is_wanted = |suite: &&Suite| (suite.fast || !fast_only) && is_chosen(suite);
    Ok(SUITES.iter().filter(is_wanted).collect())
}

fn run_suite(suite: &'static Suite) -> Finished {
    println!("\nSuite {}: {}", suite.name, suite.about);
    let started = Instant::now();
    let missing = missing(suite.needs);
    let result = if !missing.is_empty() {
        Verdict::Skipped(format!("not there: {missing}"))
    } else if let Err(message) = (suite.provide)() {
        Verdict::Skipped(format!("not to be had: {message}"))
    } else {
        match (suite.run)() {
            Ok(detail) => Verdict::Passed(detail),
            Err(message) => Verdict::Failed(message),
        }
    };
    if let Verdict::Failed(message) | Verdict::Skipped(message) = &result {
        println!("{message}");
    }
    Finished { suite, took: started.elapsed(), result }
}

fn summarise(finished: &[Finished]) -> Outcome {
    println!("\nSummary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Finished { suite, took, result } in finished {
        let (word, detail) = match result {
            Verdict::Passed(detail) => (count(&mut passed, "passed"), detail),
            Verdict::Failed(message) => (count(&mut failed, "FAILED"), message),
            Verdict::Skipped(reason) => (count(&mut skipped, "SKIPPED"), reason),
        };
        let detail = detail.lines().next().unwrap_or_default();
        println!("  {word:<8} {:<18} {:>7.1} s  {detail}", suite.name, took.as_secs_f64());
    }
    // Suites that ran without something they can do without have run in part only.
    let partial: Vec<(&str, String)> = finished
        .iter()
        .map(|done| (done.suite.name, missing(done.suite.wants)))
        .filter(|(_, m)| !m.is_empty())
        .collect();
    for (name, missing) in &partial {
        println!("  PARTLY   {name:<18} what needs {missing} was skipped");
    }
    if let Some(remedy) = remedy(finished) {
        println!("{remedy}");
    }
    println!("{passed} passed, {failed} failed, {skipped} suites skipped");
    if failed > 0 {
        return Err("There are failures; their messages are above.".into());
    }
    if shell::is_set("CI") && skipped + partial.len() > 0 {
        return Err("CI is set, and not everything could be run: install what is missing.".into());
    }
    Ok(())
}

/// How to get what was missing.
fn remedy(finished: &[Finished]) -> Option<String> {
    let tools = finished.iter().flat_map(|done| done.suite.needs.iter().chain(done.suite.wants));
    let packages: BTreeSet<&str> = tools.filter(|tool| !tool.is_there()).map(|tool| tool.package).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    (!packages.is_empty()).then(|| format!("What is missing is in the Debian packages {}.", packages.join(", ")))
}

fn missing(tools: &[&Tool]) -> String {
    let missing: Vec<&str> = tools.iter().filter(|tool| !tool.is_there()).map(|tool| tool.name).collect();
    missing.join(", ")
}

fn count(counter: &mut usize, word: &'static str) -> &'static str {
    *counter += 1;
    word
}
