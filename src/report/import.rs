//! What an import came to, for people.

use std::fmt::Write as _;

use super::text::{clean, count, hours, plural, quantity, ratio, seconds, window, wrap};
use crate::import::Summary;
use crate::report::markdown;

/// Blocks of a title and rows of two or more cells, the first of which names the row.
struct Block {
    title: &'static str,
    /// Of the columns, where a format has such.
    heads: &'static [&'static str],
    /// Whether the first column holds names from files or of this program.
    named: bool,
    rows: Vec<Vec<String>>,
}

/// For a terminal, in lines of at most `width` columns.
pub fn import_table(summary: &Summary, width: usize) -> String {
    let mut out = format!("{}\n", wrap(&headline(summary), width, 2));
    for block in blocks(summary).iter().filter(|block| !block.rows.is_empty()) {
        let _ = writeln!(out, "\n{}", block.title);
        let widest = |column: usize| {
            block.rows.iter().filter_map(|row| row.get(column)).map(|cell| super::text::width(cell)).max()
        };
        for row in &block.rows {
            let mut line = String::from(" ");
            for (column, cell) in row.iter().enumerate() {
                let pad = widest(column).unwrap_or(0) - super::text::width(cell);
                let last = column + 1 == row.len();
                let _ = write!(line, " {cell}{}", if last { String::new() } else { " ".repeat(pad + 1) });
            }
            let _ = writeln!(out, "{}", wrap_keeping(&line, width));
        }
    }
    for warning in &summary.warnings {
        let _ = writeln!(out, "{}", wrap(&format!("warning: {}", clean(warning)), width, 2));
    }
    out
}

/// Aligned cells keep their blanks; only a line that is too long is wrapped.
fn wrap_keeping(line: &str, width: usize) -> String {
    if super::text::width(line) <= width {
        line.to_owned()
    } else {
        format!("  {}", wrap(line, width - 2, 4))
    }
}

/// In GitHub's Markdown.
pub fn import_markdown(summary: &Summary) -> String {
    let mut out = format!("{}\n", markdown::prose(&headline(summary)));
    for block in blocks(summary).iter().filter(|block| !block.rows.is_empty()) {
        let _ = write!(out, "\n**{}**\n\n", block.title);
        let cell = |column: usize, text: &String| {
            if block.named && column == 0 { markdown::code(text) } else { markdown::prose(text) }
        };
        let cells = |row: &Vec<String>| {
            let mut cells: Vec<String> =
                row.iter().enumerate().map(|(column, text)| cell(column, text)).collect();
            cells.resize(block.heads.len(), String::new());
            cells
        };
        let rows: Vec<_> = block.rows.iter().map(cells).collect();
        markdown::table(&mut out, block.heads, block.heads.len(), &rows);
    }
    // A table ends with a blank line already.
    out.truncate(out.trim_end().len());
    out.push('\n');
    for warning in &summary.warnings {
        let _ = writeln!(out, "\n⚠ {}", markdown::prose(warning));
    }
    out
}

fn headline(summary: &Summary) -> String {
    format!(
        "{}: {} in {}, {}",
        plural(summary.rows, "row"),
        plural(summary.pods, "pod"),
        plural(summary.workflow_runs, "workflow run"),
        window(&summary.start, &summary.end)
    )
}

fn blocks(summary: &Summary) -> Vec<Block> {
    let evidence = &summary.evidence;
    let lines = |all: &[(u64, &str)]| -> Vec<Vec<String>> {
        let some = all.iter().filter(|(number, _)| *number > 0);
        some.map(|(number, what)| vec![plural(*number, "pod"), (*what).to_owned()]).collect()
    };
    let mut joins = lines(&[
        (summary.joined_pods, "joined to tasks"),
        (summary.pods_of_no_task, "of no known task, as rows of their own"),
        (summary.ambiguous_pods, "that would fit several tasks"),
        (evidence.at_floor, "with less than a second left after subtractions"),
    ]);
    if summary.impossible_runs > 0 {
        joins.push(vec![
            plural(summary.impossible_runs, "run"),
            "shorter than the work on their critical path".to_owned(),
        ]);
    }
    let running = summary.running_pods;
    vec![
        Block {
            title: "Files",
            heads: &["format", "files", "rows"],
            named: true,
            rows: summary
                .formats
                .iter()
                .map(|f| vec![f.format.clone(), plural(f.files, "file"), plural(f.rows, "row")])
                .collect(),
        },
        Block {
            title: "How work_seconds was found, best first",
            heads: &["method", "pods", "work"],
            named: true,
            rows: evidence
                .methods
                .iter()
                .map(|m| {
                    vec![m.method.clone(), plural(m.pods, "pod"), format!("{} of work", hours(m.work_hours))]
                })
                .chain((evidence.weak_share > 0.0).then(|| {
                    vec!["estimates".to_owned(), format!("{} of the pods", ratio(Some(evidence.weak_share)))]
                }))
                .collect(),
        },
        Block { title: "Pods and tasks", heads: &["count", "what"], named: false, rows: joins },
        Block {
            title: "Start-up where nobody measured it",
            heads: &["image", "start-up", "used for", "how"],
            named: true,
            rows: evidence
                .start_up
                .iter()
                .map(|s| {
                    let image = if s.image.is_empty() { "all other images" } else { &s.image };
                    let from = if s.from_rows > 0 {
                        format!(" ({})", plural(s.from_rows, "row"))
                    } else {
                        String::new()
                    };
                    vec![
                        clean(image).into_owned(),
                        seconds(Some(s.seconds)),
                        plural(s.rows, "row"),
                        format!("{}{from}", s.how),
                    ]
                })
                .collect(),
        },
        Block {
            title: "Left out",
            heads: &["format", "count", "reason"],
            named: true,
            rows: evidence
                .dropped
                .iter()
                .map(|d| vec![d.format.clone(), count(d.count), clean(&d.reason).into_owned()])
                .collect(),
        },
        Block {
            title: "Without, so that defaults stand in",
            heads: &["count", "what"],
            named: false,
            rows: lines(&[
                (summary.without_cpu_request, "without a CPU request"),
                (summary.without_memory_request, "without a memory request"),
                (summary.without_image_size, "without the size of the image"),
            ]),
        },
        Block {
            title: "Pods that ran at once, over time",
            heads: &["", "", "", ""],
            named: false,
            rows: vec![vec![
                format!("mean {}", quantity(running.mean)),
                format!("median {}", count(running.p50)),
                format!("p95 {}", count(running.p95)),
                format!("most {}", count(running.max)),
            ]],
        },
        Block {
            title: "Longest times in which nothing ran",
            heads: &["length", "when"],
            named: false,
            rows: summary
                .gaps
                .iter()
                .map(|gap| vec![seconds(Some(gap.seconds)), window(&gap.start, &gap.end)])
                .chain(
                    summary.typical_gap_seconds.map(|typical| {
                        vec![seconds(Some(typical)), "is the median of all of them".to_owned()]
                    }),
                )
                .collect(),
        },
    ]
}
