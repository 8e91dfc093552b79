//! `cost-sim man`: manual pages, made of the same text as `--help`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::EXIT_CODES;
use super::printer::Printer;
use crate::error::{Error, Result};
use crate::report::{Content, plural, write_files};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Write one page per command to this directory.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cost-sim man | man -l -
  cost-sim man --out ~/.local/share/man/man1";

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let mut program = super::Cli::command().disable_help_subcommand(true);
    // Gives subcommands their full names and the flags that every command takes.
    program.build();
    let Some(dir) = &args.out else { return printer.data(&page(&program)) };
    #[expect(clippy::disallowed_methods, reason = "the user asked for this directory")]
    std::fs::create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
    let mut pages = Vec::new();
    collect(&program, dir, &mut pages);
    let files = pages.iter().map(|(path, text)| {
        let content: Content = Box::new(|out| out.write_all(text.as_bytes()));
        (path.clone(), content)
    });
    let written = write_files(files)?.len();
    printer.note(&format!("wrote {} to {}", plural(written as u64, "page"), dir.display()));
    Ok(())
}

fn collect(command: &clap::Command, dir: &Path, pages: &mut Vec<(PathBuf, String)>) {
    pages.push((dir.join(format!("{}.1", name(command))), page(command)));
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        collect(subcommand, dir, pages);
    }
}

/// `cost-sim-replay`, as pages are named.
fn name(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &clap::Command) -> String {
    let man = Man::new(command.clone())
        .title(name(command).to_uppercase())
        .source(concat!("cost-sim ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut page = Vec::new();
    let rendered = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .and_then(
            |()| if command.has_subcommands() { man.render_subcommands_section(&mut page) } else { Ok(()) },
        );
    rendered.expect("memory takes what is written");
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let (exit_codes, examples): (Vec<&str>, Vec<&str>) =
        after.split("\n\n").partition(|paragraph| paragraph.starts_with("Exit codes"));
    let mut rest = Roff::new();
    section(&mut rest, "EXAMPLES", &examples.join("\n\n"));
    section(&mut rest, "EXIT STATUS", exit_codes.first().unwrap_or(&EXIT_CODES));
    // Every section comes with the definitions that a page needs once.
    let definitions = Roff::new().render();
    let page = String::from_utf8(page).expect("help is UTF-8").replace(&definitions, "");
    definitions + &page + &rest.to_roff()
}

/// A section of text that ends a `--help`: its heading becomes the section's, indented lines stay lines.
fn section(roff: &mut Roff, heading: &str, text: &str) {
    let mut lines = text.trim_end().lines().peekable();
    lines.next_if(|line| line.ends_with(':'));
    if lines.peek().is_none() {
        return;
    }
    roff.control("SH", [heading]);
    let mut as_it_is = false;
    for line in lines {
        if line.starts_with("  ") != as_it_is {
            as_it_is = !as_it_is;
            roff.control(if as_it_is { "nf" } else { "fi" }, []);
        }
        match line.trim() {
            "" => roff.control("PP", []),
            line => roff.text([roman(line)]),
        };
    }
    if as_it_is {
        roff.control("fi", []);
    }
}
