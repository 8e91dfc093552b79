//! The few elements that the page is made of. Everything written here is escaped, except [`Cell::html`].

use std::fmt::Write;

use crate::report::text::clean;

/// Text as it may stand between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Line breaks are kept: the scenario has them.
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        for c in clean(line).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                _ => out.push(c),
            }
        }
        out.push_str(end);
    }
    out
}

/// `<name>text</name>` on a line of its own.
pub fn tag(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "<{name}>{}</{name}>", escape(text));
}

pub fn section(out: &mut String, title: &str, content: impl FnOnce(&mut String)) {
    out.push_str("<section>\n");
    tag(out, "h2", title);
    content(out);
    out.push_str("</section>\n");
}

pub fn details(out: &mut String, title: &str, content: impl FnOnce(&mut String)) {
    out.push_str("<details>\n");
    tag(out, "summary", title);
    content(out);
    out.push_str("</details>\n");
}

/// What stands in a table.
pub enum Cell {
    /// Already HTML, with its class.
    Html(String, &'static str),
    /// The title of the rows below, over all columns.
    Group(String),
}

impl Cell {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Html(escape(text.as_ref()), "")
    }

    pub fn classed(class: &'static str, text: impl AsRef<str>) -> Self {
        Self::Html(escape(text.as_ref()), class)
    }

    /// HTML that the caller has escaped.
    pub fn html(html: String) -> Self {
        Self::Html(html, "")
    }

    pub fn group(title: &str) -> Self {
        Self::Group(escape(title))
    }
}

/// So many columns do not fit the page at full size.
const WIDE: usize = 10;

/// A table whose first `names` columns hold names, on the left; the others numbers, on the right.
pub fn table(out: &mut String, heads: &[impl AsRef<str>], names: usize, rows: &[Vec<Cell>]) {
    let class = |column: usize| if column < names { "name" } else { "number" };
    let wide = if heads.len() >= WIDE { " wide" } else { "" };
    let _ = write!(out, "<div class=\"scroll{wide}\"><table>\n<thead><tr>");
    for (column, head) in heads.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\" class=\"{}\">{}</th>", class(column), escape(head.as_ref()));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = match cell {
                Cell::Group(title) => {
                    write!(
                        out,
                        "<th scope=\"colgroup\" class=\"group\" colspan=\"{}\">{title}</th>",
                        heads.len()
                    )
                }
                Cell::Html(html, "") => write!(out, "<td class=\"{}\">{html}</td>", class(column)),
                Cell::Html(html, more) => write!(out, "<td class=\"{} {more}\">{html}</td>", class(column)),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}
