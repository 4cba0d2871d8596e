//! The growth as a picture: the median of a question over the number of rows, both axes in powers of ten.

use std::fmt::Write;

use crate::engines::Table;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 48.0;
/// The height of a line of text.
const LINE: f64 = 14.0;
/// From ten nanoseconds to a hundred milliseconds, in powers of ten.
const LOWEST: f64 = 1.0;
const HIGHEST: f64 = 8.0;
const ENGINES: [(&str, &str, &str); 3] =
    [("ours", "Bailiwick", ""), ("cedar", "cedar-policy", "6 3"), ("casbin", "casbin-rs", "2 3")];

/// The picture of one number of grants.
pub fn draw(table: &Table, rows: &[usize], grants: usize) -> String {
    let x = |rows: usize| {
        let share = ((rows as f64).log10() - 2.0) / 2.0;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    };
    let y = |nanos: f64| {
        let share = (nanos.log10() - LOWEST) / (HIGHEST - LOWEST);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"title\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title id=\"title\">Median time of one decision over the rows of the policy, {} grants</title>\n\
         <style>svg {{ color: #1c2321; background: #fff }} @media (prefers-color-scheme: dark) {{ svg {{ color: #e8ecea; \
         background: #161b19 }} }} text {{ fill: currentColor }}</style>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"14\">One decision, median, {} grants</text>\n",
        thousands(grants),
        thousands(grants)
    );
    for power in LOWEST as i32..=HIGHEST as i32 {
        let at = y(10f64.powi(power));
        let label = ["1 ns", "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms"];
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"currentColor\" opacity=\"0.15\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            label[power as usize]
        );
    }
    for rows in rows {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} rows</text>",
            x(*rows),
            HEIGHT - BOTTOM + 20.0,
            thousands(*rows)
        );
    }
    let mut labels: Vec<f64> = Vec::new();
    for (engine, name, dashes) in ENGINES {
        let found = |rows: &usize| Some((*rows, table.get(&(*rows, grants, engine))?["median"].as_f64()?));
        let points: Vec<(usize, f64)> = rows.iter().filter_map(found).collect();
        let Some((last_rows, last)) = points.last() else { continue };
        let line: Vec<String> =
            points.iter().map(|(rows, nanos)| format!("{:.1},{:.1}", x(*rows), y(*nanos))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" \
             stroke-dasharray=\"{dashes}\"/>",
            line.join(" ")
        );
        for point in &line {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"currentColor\"/>");
        }
        // Below any that it would stand on.
        let mut label = y(*last) + 4.0;
        while labels.iter().any(|other| (other - label).abs() < LINE) {
            label += 1.0;
        }
        labels.push(label);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{label:.1}\">{name}, {}</text>",
            x(*last_rows) + 10.0,
            crate::told(*last)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// A number with commas.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
