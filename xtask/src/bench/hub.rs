//! `cargo xtask bench hub`: the event hub of this library beside that of the official Python client, on the same server, in turn.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::document;
use super::numbers::{median, ratio, span};
use crate::artifacts;
use crate::shell::{self, Outcome, root, scratch};
use crate::staging::Staging;
use crate::{cc, tools};

const PYTHON_CLIENT: &str = include_str!("../../../bench/peers/requirements.txt");
const MARKS: document::Marks = document::Marks {
    begin: "<!-- hub results: begin (cargo xtask bench hub writes from here) -->",
    end: "<!-- hub results: end -->",
};

/// Each event of a flood is for one of so many subscriptions.
const SUBSCRIPTIONS: [usize; 3] = [1, 10, 100];

/// How much is done in a round.
struct Amount {
    rounds: usize,
    round_trips: usize,
    events: usize,
}

/// One client.
struct Client {
    name: &'static str,
    /// Its program, to which the work is added.
    words: Vec<PathBuf>,
}

/// What one client reached in each round, a number a round.
#[derive(Clone, Default)]
struct Figures(Vec<Vec<f64>>);

/// A number that is measured, and how it is shown.
struct Row {
    title: String,
    unit: &'static str,
    /// More is better.
    rate: bool,
}

/// Measures, shows the table, and writes it down.
pub fn run(arguments: &[&str]) -> Outcome {
    let amount = match arguments {
        [] => Amount { rounds: 5, round_trips: 2000, events: 20_000 },
        ["--quick"] => Amount { rounds: 3, round_trips: 500, events: 10_000 },
        ["--smoke"] => Amount { rounds: 1, round_trips: 20, events: 200 },
        other => {
            let given = other.join(" ");
            return Err(format!("`bench hub` takes --quick, --smoke or nothing, and no \"{given}\"."));
        }
    };
    let started = Instant::now();
    let is_smoke = amount.rounds == 1;
    let bench = Bench::provide(is_smoke)?;
    let mut figures = vec![Figures(vec![Vec::new(); rows().len()]); bench.clients.len()];
    // One that does not count.
    for round in 0..amount.rounds + usize::from(!is_smoke) {
        let counts = is_smoke || round > 0;
        for (client, figures) in bench.clients.iter().zip(&mut figures) {
            let one = bench.round(client, &amount)?;
            if counts {
                figures.0.iter_mut().zip(one).for_each(|(all, one)| all.push(one));
            }
        }
    }
    let table = table(&bench.clients, &figures);
    println!("{}", document::plain(&table));
    if !is_smoke {
        let results = results(&table, &amount);
        document::write(&root().join("docs/performance.md"), &MARKS, &results)?;
        println!("Written: docs/performance.md");
    }
    println!("It took {:.0} s.", started.elapsed().as_secs_f64());
    Ok(())
}

/// What is measured, in the order of [`Bench::round`].
fn rows() -> Vec<Row> {
    let row = |title: String, unit, rate| Row { title, unit, rate };
    let mut rows = Vec::new();
    for what in ["publish to acknowledgement", "publish to reply"] {
        for percentile in ["p50", "p99"] {
            rows.push(row(format!("{what}, {percentile}"), "µs", false));
        }
    }
    for count in SUBSCRIPTIONS {
        let plural = if count == 1 { "" } else { "s" };
        rows.push(row(format!("events a second with {count} subscription{plural}"), "", true));
        rows.push(row(format!("processor time an event with {count} subscription{plural}"), "µs", false));
    }
    rows
}

struct Bench {
    server: Staging,
    /// This library first.
    clients: Vec<Client>,
}

impl Bench {
    fn provide(is_smoke: bool) -> Outcome<Self> {
        let artifacts = if is_smoke { artifacts::build()? } else { artifacts::build_release()? };
        let folder = scratch("bench-hub");
        let program = cc::program(&root().join("bench/peers/hub.c"), &artifacts, &folder)?;
        let python = tools::python_environment("bench-python-client", PYTHON_CLIENT)?.join("python");
        let clients = vec![
            Client { name: "ftreview", words: vec![program] },
            Client {
                name: "official Python client",
                words: vec![python, "-W".into(), "ignore".into(), root().join("bench/peers/hub_client.py")],
            },
        ];
        Ok(Self { server: Staging::start(&artifacts.server, &folder.join("data"))?, clients })
    }

    fn round(&self, client: &Client, amount: &Amount) -> Outcome<Vec<f64>> {
        let mut figures = Vec::new();
        let trips = amount.round_trips.to_string();
        figures.extend(percentiles(&self.begin(client, &["acknowledge", &trips])?.end()?)?);
        // Each asks its own kind: both directions are the client's.
        let answering = self.begin(client, &["answer"])?;
        figures.extend(percentiles(&self.begin(client, &["ask", &trips])?.end()?)?);
        drop(answering);
        let events = amount.events.to_string();
        for count in SUBSCRIPTIONS {
            let count = count.to_string();
            let receiving = self.begin(client, &["receive", &count, &events])?;
            // The same one for all.
            self.begin(&self.clients[0], &["flood", &count, &events])?.end()?;
            let took = receiving.end()?;
            let second =
                |name: &str| took[name].as_f64().ok_or(format!("{} did not say how long it took.", client.name));
            figures.push(amount.events as f64 / second("seconds")?);
            figures.push(second("cpu")? * 1e6 / amount.events as f64);
        }
        Ok(figures)
    }

    /// Starts a client and returns when it is ready.
    fn begin(&self, client: &Client, work: &[&str]) -> Outcome<Running> {
        let mut command = shell::program(&client.words[0]);
        command.args(&client.words[1..]).args(work);
        self.server.address(&mut command);
        command.env("FTRACK_API_SCHEMA_CACHE_PATH", scratch("bench-hub"));
        Running::start(command)
    }
}

/// A client that is ready. Ended when dropped.
struct Running {
    child: Child,
    output: Box<dyn BufRead>,
}

impl Running {
    fn start(mut command: Command) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| shell::cannot_run(&command, &error))?;
        let output: Box<dyn Read> = match child.stdout.take() {
            Some(output) => Box::new(output),
            None => Box::new(std::io::empty()),
        };
        let mut running = Self { child, output: Box::new(BufReader::new(output)) };
        let mut line = String::new();
        let read = running.output.read_line(&mut line);
        if read.is_ok() && line.trim() == "ready" {
            return Ok(running);
        }
        Err(format!("{} did not get ready; its message is above.", command.get_program().display()))
    }

    /// Waits for its end: what it printed.
    fn end(mut self) -> Outcome<Value> {
        let mut text = String::new();
        let read = self.output.read_to_string(&mut text).map_err(|error| error.to_string());
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("A client of the hub ended with {status}; its message is above."));
        }
        read.and_then(|_| serde_json::from_str(&text).map_err(|error| format!("A client printed no JSON ({error}).")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The middle, and what one in a hundred exceeds.
fn percentiles(times: &Value) -> Outcome<[f64; 2]> {
    let mut times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1))).copied();
    at(0.5).zip(at(0.99)).map(Into::into).ok_or_else(|| "A client measured nothing.".into())
}

fn table(clients: &[Client], figures: &[Figures]) -> Vec<Vec<String>> {
    let names = clients.iter().map(|client| client.name.to_owned());
    let mut table = vec![std::iter::once(String::new()).chain(names).chain(["ratio".to_owned()]).collect::<Vec<_>>()];
    for (number, row) in rows().iter().enumerate() {
        let show = |figures: &Figures| {
            let all = &figures.0[number];
            let (least, most) = span(all);
            let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
            format!("{:.0}{unit} ({least:.0} to {most:.0})", median(all).unwrap_or(0.0))
        };
        let mut cells = vec![row.title.clone()];
        cells.extend(figures.iter().map(show));
        let [own, other] = figures else { continue };
        let ratio = ratio(&own.0[number], &other.0[number]).unwrap_or(0.0);
        cells.push(if row.rate { format!("{ratio:.1} times as many") } else { format!("{ratio:.2} of it") });
        table.push(cells);
    }
    table
}

fn results(table: &[Vec<String>], amount: &Amount) -> String {
    let header: Vec<&str> = table.first().into_iter().flatten().map(String::as_str).collect();
    format!(
        "`cargo xtask bench hub{}` on {}. Medians of {} rounds in turn after one that does not count, with the least and the \
         most; {} round trips and {} events each. The ratio is the median of the ratios of neighbouring rounds, this \
         library's number to the official client's.\n\n{}",
        if amount.rounds == 5 { "" } else { " --quick" },
        document::machine(),
        amount.rounds,
        amount.round_trips,
        amount.events,
        document::markdown(&header, table.iter().skip(1).cloned())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_in_a_hundred_exceeds_the_second_percentile() {
        let times: Vec<u32> = (0..1000).rev().collect();
        assert_eq!(percentiles(&json!(times)).unwrap(), [500.0, 990.0]);
        assert_eq!(percentiles(&json!([7])).unwrap(), [7.0, 7.0]);
        assert!(percentiles(&json!([])).is_err());
    }

    #[test]
    fn the_document_has_the_marks() {
        let document = std::fs::read_to_string(root().join("docs/performance.md")).unwrap();
        assert!(document::replaced(&document, &MARKS, "").is_some());
    }
}
