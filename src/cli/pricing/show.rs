//! `cost-sim pricing show`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::catalog::CapacityType;
use crate::cli::inputs::snapshot;
use crate::cli::printer::Printer;
use crate::error::{Error, Result};
use crate::platform::Settings;
use crate::pricing;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  cost-sim pricing show
  cost-sim pricing show m6i c7g.xlarge --region eu-west-1
  cost-sim pricing show m7 --capacity-type spot --format csv")]
pub struct Args {
    /// Instance types: a name (m6i.large), a family (m6i), or how names begin (m6). Without any, what the snapshot has.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// AWS region, such as ap-northeast-1; us-east-1 unless given.
    #[arg(long)]
    region: Option<String>,
    /// Directory of another price snapshot, with the files of the embedded one.
    #[arg(long, value_name = "DIR")]
    prices: Option<PathBuf>,
    /// Show only the prices of this capacity type.
    #[arg(long, value_enum, value_name = "on-demand|spot", hide_possible_values = true, requires = "names")]
    capacity_type: Option<Capacity>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Capacity {
    OnDemand,
    Spot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let snapshot = snapshot(args.prices.as_deref())?;
    let assumed = Settings::default().region.name;
    let catalog = snapshot.region(args.region.as_deref().unwrap_or(&assumed))?;
    if args.region.is_none() {
        printer.note(&format!("The region {assumed} is assumed: give yours with --region."));
    }
    let (width, color) = (printer.width(), printer.colored());
    if args.names.is_empty() {
        let summary = pricing::summary(&snapshot, &catalog);
        return printer.data(&match args.format {
            Format::Table => pricing::summary_table(&summary, width, color),
            Format::Json => pricing::summary_json(&summary),
            Format::Csv => pricing::summary_csv(&summary),
        });
    }
    let types = pricing::select(&catalog, &args.names)?;
    let capacity_type = args.capacity_type.map(|capacity| match capacity {
        Capacity::OnDemand => CapacityType::OnDemand,
        Capacity::Spot => CapacityType::Spot,
    });
    let rows = pricing::type_prices(&catalog, &types, capacity_type);
    if let (true, Some(capacity_type)) = (rows.is_empty(), capacity_type) {
        let message = format!("no {capacity_type} price is known for any of these in {}", catalog.region);
        return Err(Error::usage(message, "leave out --capacity-type to see those that are"));
    }
    printer.data(&match args.format {
        Format::Table => pricing::table(&catalog, &rows, width, color),
        Format::Json => pricing::json(&snapshot, &catalog, &rows),
        Format::Csv => pricing::csv(&catalog, &rows),
    })
}
