//! `make bench`: one table of this house's decisions beside casbin-rs and cedar-policy, in process and on the same
//! distinct questions, of its answers over HTTPS beside a bare server's, and of its sign-ins beside bare argon2; and the
//! goals.
//!
//! Each cell is measured in a process of its own, so that memory is the engine's alone. Made to be hard to please:
//! questions are distinct, in random order, half of them permitted; each is timed on its own, the clock's own cost
//! included; ours with its record pushed to a recorder that writes. Every answer of the others is compared with ours.
//!
//! `bailiwick-peers [--short] [--only PART] [--picture FILE]`; `--short` measures the smallest cells only, and the parts are
//! `decisions`, `https` and `door`.

#[path = "../../../tests/load/client.rs"]
mod client;
mod conditions;
mod engines;
mod https;
mod picture;
mod sign_in;
#[path = "../../town/mod.rs"]
#[expect(dead_code, reason = "the other benchmark uses more of it")]
mod town;

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use engines::Table;
use picture::thousands;
use serde_json::Value;

const ENGINES: [&str; 3] = ["ours", "casbin", "cedar"];
const ROWS: [usize; 3] = [100, 1_000, 10_000];
const GRANTS: [usize; 3] = [1_000, 100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["measure", engine, rows, grants] => {
            let number = |text: &str| text.parse().expect("a number");
            println!("{}", engines::measure(engine, number(rows), number(grants)));
        }
        ["serve", "door", port, directory] => {
            sign_in::serve(port.parse().expect("a port"), Path::new(directory))
        }
        ["serve", kind, port, directory] => {
            https::serve(kind, port.parse().expect("a port"), Path::new(directory))
        }
        _ => bench(&arguments),
    }
}

fn bench(arguments: &[&str]) {
    let short = arguments.contains(&"--short");
    let named = |option| {
        let place = arguments.iter().position(|argument| *argument == option)?;
        Some(*arguments.get(place + 1).expect("a word after the option"))
    };
    let wanted = |part| named("--only").is_none_or(|only| only == part);
    let span = Duration::from_secs(if short { 1 } else { 10 });
    if wanted("decisions") {
        in_process(short, named("--picture"));
    }
    if wanted("https") {
        over_https(span);
    }
    if wanted("door") {
        at_the_door(span);
    }
}

fn in_process(short: bool, picture: Option<&str>) {
    let cells = if short { 1 } else { GRANTS.len() };
    println!(
        "one decision in process, each of its questions timed alone, half of them permitted; reading the clock costs {} \
         of it\n",
        told(town::clock_cost().as_nanos() as f64)
    );
    println!(
        "{:>7} {:>10}  {:<7} {:>8} {:>10} {:>10} {:>10} {:>9} {:>10} {:>9}",
        "rows", "grants", "", "asked", "median", "p99", "× ours", "load", "one change", "memory"
    );
    let mut table = Table::new();
    for grants in &GRANTS[..cells] {
        for rows in &ROWS[..if short { 2 } else { ROWS.len() }] {
            for engine in ENGINES {
                let cell = measured(engine, *rows, *grants);
                table.insert((*rows, *grants, engine), cell);
                print_cell(&table, (*rows, *grants, engine));
            }
        }
    }
    goals(&table);
    let (text, median, high) = conditions::dearest();
    let word = if high <= Duration::from_millis(1) { "met" } else { "NOT MET" };
    let [median, high] = [median, high].map(|time| told(time.as_nanos() as f64));
    println!("the dearest condition, {text}: {median}, p99 {high} (goal ≤ 1 ms)  {word}");
    if let Some(file) = picture {
        let svg = picture::draw(&table, &ROWS, GRANTS[cells - 1]);
        std::fs::write(file, svg).expect("the picture is written");
    }
}

/// One cell, measured in a process of its own.
fn measured(engine: &str, rows: usize, grants: usize) -> Value {
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["measure", engine, &rows.to_string(), &grants.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{engine} at {rows} rows and {grants} grants");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("what was measured")
}

fn number(cell: &Value, what: &str) -> f64 {
    cell[what].as_f64().unwrap_or(f64::NAN)
}

fn print_cell(table: &Table, (rows, grants, engine): (usize, usize, &'static str)) {
    let (cell, ours) = (&table[&(rows, grants, engine)], &table[&(rows, grants, "ours")]);
    let ratio = number(cell, "median") / number(ours, "median");
    println!(
        "{:>7} {:>10}  {engine:<7} {:>8} {:>10} {:>10} {:>10} {:>9} {:>10} {:>6} MB",
        thousands(rows),
        thousands(grants),
        thousands(number(cell, "asked") as usize),
        told(number(cell, "median")),
        told(number(cell, "p99")),
        if engine == "ours" { String::new() } else { thousands(ratio as usize) },
        told(number(cell, "load")),
        told(number(cell, "change")),
        thousands(number(cell, "memory") as usize / 1024),
    );
}

/// What DESIGN asks for, and what came out.
fn goals(table: &Table) {
    println!();
    let of = |grants: usize, engine: &'static str, what: &str| {
        table.get(&(10_000, grants, engine)).map(|cell| number(cell, what))
    };
    let goal = |text: &str, found: Option<f64>, is_met: fn(f64) -> bool, shown: fn(f64) -> String| {
        let Some(found) = found else { return };
        let word = if is_met(found) { "met" } else { "NOT MET" };
        println!("{text:<66} {:>10}  {word}", shown(found));
    };
    let times = |ratio: f64| format!("{}×", thousands(ratio as usize));
    let median = |grants, engine| of(grants, engine, "median");
    let ratio = |engine| Some(median(1_000_000, engine)? / median(1_000_000, "ours")?);
    let small = table.get(&(1_000, 1_000, "ours")).map(|cell| number(cell, "median"));
    goal(
        "10,000 rows, 100,000 people: median ≤ 400 ns",
        median(1_000_000, "ours"),
        |found| found <= 400.0,
        told,
    );
    goal("the same: p99 ≤ 1.5 µs", of(1_000_000, "ours", "p99"), |found| found <= 1_500.0, told);
    goal("1,000 rows, 100 people: median ≤ 150 ns", small, |found| found <= 150.0, told);
    goal("≥ 10,000 times as fast as casbin-rs", ratio("casbin"), |found| found >= 10_000.0, times);
    goal("≥ 10 times as fast as cedar-policy", ratio("cedar"), |found| found >= 10.0, times);
    goal(
        "one grant changed among 1,000,000: median ≤ 100 µs",
        of(1_000_000, "ours", "change"),
        |found| found <= 100_000.0,
        told,
    );
}

fn over_https(span: Duration) {
    println!("\none decision over HTTPS, connections that stay open, {} s each\n", span.as_secs());
    println!("{:<24} {:>10} {:>10} {:>10} {:>10}", "", "a second", "of bare", "median", "p99");
    let lines = https::measure(span);
    let bare = lines[0].per_second;
    for line in &lines {
        let share = line.per_second / bare;
        let goal = match line.name {
            "other data" => Some(0.85),
            "personal data" => Some(0.60),
            _ => None,
        };
        let word = goal.map_or_else(String::new, |goal| {
            format!("goal ≥ {:.0} %: {}", goal * 100.0, if share >= goal { "met" } else { "NOT MET" })
        });
        println!(
            "{:<24} {:>10} {:>8.0} % {:>10} {:>10}  {word}",
            line.name,
            thousands(line.per_second as usize),
            share * 100.0,
            told(line.median.as_nanos() as f64),
            told(line.high.as_nanos() as f64),
        );
        if let Some((permitted, recorded, denied)) = line.recorded {
            let missing = permitted.saturating_sub(recorded);
            println!(
                "{:<24} {} permitted, {missing} of them unrecorded, {denied} denied for want of room",
                "",
                thousands(permitted as usize)
            );
        }
    }
}

fn at_the_door(span: Duration) {
    println!("\nsign-ins with a password over HTTPS, each hashed with the parameters in force\n");
    let found = sign_in::measure(span);
    let share = found.sign_ins / found.bare;
    println!("{:<24} {:>10.1} a second", "bare argon2", found.bare);
    println!("{:<24} {:>10.1} a second {:>8.0} %", "sign-ins", found.sign_ins, share * 100.0);
    println!(
        "a storm of {} at once: {} signed in, {} told to come back, {} otherwise",
        sign_in::STORM,
        found.storm.signed_in,
        found.storm.sent_away,
        found.storm.otherwise
    );
    println!("{:<24} {:>10} {:>10} {:>10}", "p99 of", "idle", "storm", "ratio");
    for (name, idle, storm, goal) in found.meanwhile {
        let ratio = storm.as_secs_f64() / idle.as_secs_f64();
        let word = goal.map_or_else(String::new, |goal| {
            format!("goal ≤ {goal:.0}: {}", if ratio <= goal { "met" } else { "NOT MET" })
        });
        let [idle, storm] = [idle, storm].map(|time| told(time.as_nanos() as f64));
        println!("{name:<24} {idle:>10} {storm:>10} {ratio:>9.1}×  {word}");
    }
}

/// Nanoseconds in the unit that fits.
pub fn told(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 10e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 10e6 => format!("{:.1} µs", nanos / 1e3),
        nanos if nanos < 10e9 => format!("{:.1} ms", nanos / 1e6),
        nanos => format!("{:.1} s", nanos / 1e9),
    }
}
