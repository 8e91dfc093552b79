//! Traces that come with the program: `cost-sim replay --example wear` needs no file.
//!
//! Each is a directory of `examples/` whose README says where it is from, and under which licence.

use crate::trace::Embedded;

/// A trace by name.
#[derive(Debug)]
pub struct Example {
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    pub trace: Embedded,
}

macro_rules! example {
    ($name:literal, $about:literal) => {
        Example {
            name: $name,
            about: $about,
            trace: Embedded {
                path: concat!("example:", $name),
                content: include_bytes!(concat!("../examples/", $name, "/trace.csv.gz")),
                meta: include_bytes!(concat!("../examples/", $name, "/trace.meta.json")),
            },
        }
    };
}

static ALL: [Example; 4] = [
    example!(
        "wear",
        "a synthetic week of batch workflows on EKS Fargate, shaped like those of a fashion app"
    ),
    example!(
        "flowbench",
        "502 real runs of a radio-astronomy workflow, by the FlowBench authors (CC BY 4.0)"
    ),
    example!("incident", "a synthetic week in which consolidation evicts long jobs"),
    example!("small", "a synthetic nightly workflow of ten pods, too small to move"),
];

impl Example {
    pub const ALL: &'static [Self] = &ALL;

    pub fn of_name(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|example| example.name == name)
    }
}
