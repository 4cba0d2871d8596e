//! Two texts side by side: which lines stay, go and come, with a few lines around each place that differs.
//!
//! Rule: the work is bounded; two texts that differ in too much are shown one after the other. Pure.

use serde::Serialize;

/// How many lines stand around what differs.
const AROUND: usize = 3;
/// The largest table of lines against lines that is made.
const MOST_WORK: usize = 4_000_000;
/// The most lines that are shown of one file.
pub const MOST_LINES: usize = 2_000;

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `same`, `gone`, `new`, or `skipped` for lines that are left out.
    pub kind: &'static str,
    /// The line, or how many are left out.
    pub text: String,
}

fn line(kind: &'static str, text: &str) -> Line {
    Line { kind, text: text.to_owned() }
}

/// What differs between two texts; empty if nothing does.
pub fn lines(before: &str, after: &str) -> Vec<Line> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (old, new) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<Line> = before[..head].iter().map(|text| line("same", text)).collect();
    all.extend(between(old, new));
    all.extend(before[before.len() - tail..].iter().map(|text| line("same", text)));
    let mut shown = near(all);
    if shown.len() > MOST_LINES {
        let left = shown.len() - MOST_LINES;
        shown.truncate(MOST_LINES);
        shown.push(Line { kind: "skipped", text: format!("{left} more lines") });
    }
    shown
}

/// The shortest way from one list of lines to another.
fn between(old: &[&str], new: &[&str]) -> Vec<Line> {
    let (rows, columns) = (old.len() + 1, new.len() + 1);
    if rows.saturating_mul(columns) > MOST_WORK {
        let gone = old.iter().map(|text| line("gone", text));
        return gone.chain(new.iter().map(|text| line("new", text))).collect();
    }
    // The length of the longest common part of what is left from each place on.
    let mut common = vec![0_u32; rows * columns];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * columns + j] = if old[i] == new[j] {
                common[(i + 1) * columns + j + 1] + 1
            } else {
                common[(i + 1) * columns + j].max(common[i * columns + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(line("same", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * columns + j] >= common[i * columns + j + 1])
        {
            lines.push(line("gone", old[i]));
            i += 1;
        } else {
            lines.push(line("new", new[j]));
            j += 1;
        }
    }
    lines
}

/// Leaves out what stays and stands far from what does not.
fn near(all: Vec<Line>) -> Vec<Line> {
    let mut keep = vec![false; all.len()];
    for place in all.iter().enumerate().filter(|(_, line)| line.kind != "same").map(|(place, _)| place) {
        let until = (place + AROUND + 1).min(all.len());
        keep[place.saturating_sub(AROUND)..until].fill(true);
    }
    let mut shown = Vec::new();
    let mut skipped = 0;
    for (line, keep) in all.into_iter().zip(keep) {
        if keep {
            if skipped > 0 {
                shown.push(left_out(skipped));
                skipped = 0;
            }
            shown.push(line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        shown.push(left_out(skipped));
    }
    shown
}

fn left_out(count: usize) -> Line {
    let text = if count == 1 { "1 line as it is".to_owned() } else { format!("{count} lines as they are") };
    Line { kind: "skipped", text }
}

#[cfg(test)]
mod tests {
    use super::{Line, lines};

    fn written(lines: &[Line]) -> String {
        let sign = |line: &Line| match line.kind {
            "gone" => '-',
            "new" => '+',
            "skipped" => '.',
            _ => ' ',
        };
        lines.iter().map(|line| format!("{}{}\n", sign(line), line.text)).collect()
    }

    #[test]
    fn equal_texts_do_not_differ() {
        assert!(lines("a\nb\n", "a\nb\n").is_empty());
        assert!(lines("", "").is_empty());
    }

    #[test]
    fn what_goes_and_comes_stands_among_what_stays() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
        let expected = ".1 line as it is\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n+10\n";
        assert_eq!(written(&lines(before, after)), expected);
        assert_eq!(written(&lines("", "a\n")), "+a\n");
        assert_eq!(written(&lines("a\n", "")), "-a\n");
    }

    #[test]
    fn undoing_a_difference_gives_back_both_texts() {
        let texts = ["", "a", "b\na\nb", "a\nb\nc\nd", "d\nc\nb\na", "a\na\na", "x\na\ny\na\nz\nb"];
        for before in texts {
            for after in texts {
                let found = lines(before, after);
                let side = |gone: &str| {
                    let own = found.iter().filter(|line| line.kind != gone);
                    own.map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
                };
                if !found.is_empty() {
                    assert_eq!((side("new"), side("gone")), (before.to_owned(), after.to_owned()));
                }
            }
        }
    }

    #[test]
    fn texts_too_long_to_compare_are_shown_and_cut() {
        let many = |word: &str| (0..3_000).map(|number| format!("{word}{number}\n")).collect::<String>();
        let found = lines(&many("old"), &many("new"));
        assert_eq!(found.len(), super::MOST_LINES + 1);
        assert_eq!(found.last().map(|line| line.text.as_str()), Some("4000 more lines"));
    }
}
