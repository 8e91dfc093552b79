use std::path::Path;

use proptest::prelude::*;

use super::super::*;
use super::*;

fn parse(text: &str) -> Scenario {
    read(Path::new("s.yaml"), text).unwrap_or_else(|e| panic!("{}", e.render()))
}

#[test]
fn prints() {
    println!("{}", Scenario::default().to_yaml());
    println!("{:#?}", every_field());
}
