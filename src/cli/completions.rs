//! `cost-sim completions`: what shells need to complete commands and flags.

use clap::{Args as ClapArgs, CommandFactory as _};
use clap_complete::Shell;

use super::printer::Printer;
use crate::error::Result;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "Examples:
  cost-sim completions bash > ~/.local/share/bash-completion/completions/cost-sim
  cost-sim completions zsh > ~/.zfunc/_cost-sim
  cost-sim completions fish > ~/.config/fish/completions/cost-sim.fish";

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "cost-sim", &mut script);
    printer.data(&String::from_utf8_lossy(&script))
}
