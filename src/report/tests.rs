//! What every output looks like, and what holds of outputs of any report.

use proptest::prelude::*;

use super::text::width;
use super::*;

#[test]
fn the_table_at_80_columns() {
    let mut report = sample::report();
    insta::assert_snapshot!(table(&report, 80, false), @r"
    12,000 pods in 195 workflow runs, 2026-03-01 to 2026-03-08 UTC (7d00h)
    us-east-1, prices of 2026-02-01 to 2026-02-20, 1 of them inferred

                         cost    vs      start     makespan  tasks  lost  peak  CPU
    platform      cost /month today  p50   p99    p50   p99 killed  work nodes fill
    fargate    $412.75 $1,793 today  46s 1m31s 25m00s 2h05m      0 0.0 h 1,234 97 %
    node-group $259.60 $1,128 -37 % 3.2s 1m24s 22m00s 2h01m      3 0.2 h    42 71 %
    killed on node-group: 3 by scale_down

    node-group would cost 37 % less than fargate (today) ($259.60 instead of
    $412.75)
    warning: 12,000 pods have no image size; 350 MiB is assumed
    ");
    report.platforms.push(sample::incomplete());
    report.inputs.synthetic = true;
    report.inputs.region_source = "assumed".into();
    insta::assert_snapshot!(table(&report, 80, false), @r"
    SYNTHETIC trace: invented data, not a measurement. The region us-east-1 is
      assumed: give yours with --region.
    12,000 pods in 195 workflow runs, 2026-03-01 to 2026-03-08 UTC (7d00h)
    prices of 2026-02-01 to 2026-02-20, 1 of them inferred

                               cost    vs      start     makespan  tasks  lost  peak
    platform            cost /month today  p50   p99    p50   p99 killed  work nodes
    fargate          $412.75 $1,793 today  46s 1m31s 25m00s 2h05m      0 0.0 h 1,234
    node-group       $259.60 $1,128 -37 % 3.2s 1m24s 22m00s 2h01m      3 0.2 h    42
    a-small-fixed… !       –      –     – 3.2s 1m24s      –     –      3 0.2 h    42
    killed on node-group: 3 by scale_down
    ! a-small-fixed-group-of-nodes is incomplete, its cost cannot be compared: 200
      pods are unschedulable: they ask for more than a node has
    killed on a-small-fixed-group-of-nodes: 3 by scale_down
    – a-small-fixed-group-of-nodes has no cost: no price for m9z.large in us-east-1
    left out to fit the width: CPU fill

    node-group would cost 37 % less than fargate (today) ($259.60 instead of
    $412.75)
    warning: 12,000 pods have no image size; 350 MiB is assumed
    ");
}

#[test]
fn the_table_at_120_columns() {
    let mut report = sample::report();
    report.platforms.push(sample::incomplete());
    insta::assert_snapshot!(table(&report, 120, false), @r"
    12,000 pods in 195 workflow runs, 2026-03-01 to 2026-03-08 UTC (7d00h)
    us-east-1, prices of 2026-02-01 to 2026-02-20, 1 of them inferred

                                                  cost     vs  start delay       makespan   tasks   lost   peak   CPU
    platform                           cost    a month  today   p50    p99     p50    p99  killed   work  nodes  fill
    fargate                         $412.75  $1,793.50  today   46s  1m31s  25m00s  2h05m       0  0.0 h  1,234  97 %
    node-group                      $259.60  $1,128.02  -37 %  3.2s  1m24s  22m00s  2h01m       3  0.2 h     42  71 %
    a-small-fixed-group-of-nodes !        –          –      –  3.2s  1m24s       –      –       3  0.2 h     42  71 %
    killed on node-group: 3 by scale_down
    ! a-small-fixed-group-of-nodes is incomplete, its cost cannot be compared: 200 pods are unschedulable: they ask for more
      than a node has
    killed on a-small-fixed-group-of-nodes: 3 by scale_down
    – a-small-fixed-group-of-nodes has no cost: no price for m9z.large in us-east-1

    node-group would cost 37 % less than fargate (today) ($259.60 instead of $412.75)
    warning: 12,000 pods have no image size; 350 MiB is assumed
    ");
}

#[test]
fn without_colour_there_is_no_escape_and_with_it_the_text_is_the_same() {
    let report = sample::report();
    let plain = table(&report, 80, false);
    assert!(!plain.contains('\u{1b}'));
    let mut coloured = table(&report, 80, true);
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"] {
        coloured = coloured.replace(code, "");
    }
    assert_eq!(coloured, plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_of_a_table_is_too_long(report in sample::reports(), columns in 60usize..130) {
        for line in table(&report, columns, false).lines() {
            prop_assert!(width(line) <= columns, "{line:?}");
        }
    }
}

#[test]
fn the_summary_has_a_row_per_platform() {
    let report = sample::report();
    insta::assert_snapshot!(summary_csv(&report), @r"
    platform,kind,today,complete,total_usd,usd_per_month,difference_usd,pods_usd,daemonsets_usd,startup_usd,idle_usd,shared_usd,savings_plan_usd,lower_bound_usd,billed_hours,start_delay_mean_s,start_delay_p50_s,start_delay_p99_s,start_delay_max_s,turnaround_mean_s,turnaround_p50_s,turnaround_p99_s,turnaround_max_s,makespan_mean_s,makespan_p50_s,makespan_p99_s,makespan_max_s,pods,succeeded,failed,unschedulable,canceled,not_run,restarted,nodes_launched,nodes_peak,node_hours,cpu_requested_ratio,memory_requested_ratio,tasks_killed,lost_work_hours,spot_node_hours_ratio,spot_interruptions
    fargate,fargate,true,true,412.750000000000005,1793.497023809523831,0.00,395.950000000000005,0.00,0.00,0.00,16.80,0.00,301.25,168,51.15,46.5,91,109.2,330,300,1900,2280,1650,1500,7500,9000,12000,11990,10,0,0,0,0,12000,1234,15000,0.97,0.84,0,0,0,0
    node-group,node-group,false,true,259.60,1128.023809523809524,-153.150000000000005,180.40,10.15,8.05,44.20,16.80,0.00,171.00,168,3.575,3.25,84,100.8,286,260,1880,2256,1452,1320,7260,8712,12000,11990,10,0,0,0,0,400,42,1250,0.71,0.5,3,0.25,0,0
    ");
}

#[test]
fn the_markdown_is_a_comment_on_a_pull_request() {
    let mut report = sample::report();
    report.platforms.push(sample::incomplete());
    insta::assert_snapshot!(markdown(&report), @r"
    <!-- cost-sim -->
    **node-group would cost 37 % less than fargate (today) ($259.60 instead of $412.75)**

    12,000 pods in 195 workflow runs, 2026-03-01 to 2026-03-08 UTC, us-east-1.

    | platform | cost | cost a month | change | start delay p50 / p99 | makespan p50 / p99 | tasks killed | peak nodes | CPU fill |
    |---|---:|---:|---:|---:|---:|---:|---:|---:|
    | `fargate` (today) | $412.75 | $1,793.50 | – | 46s / 1m31s | 25m00s / 2h05m | 0 | 1,234 | 97 % |
    | `node-group` | $259.60 | $1,128.02 | -37 % | 3.2s / 1m24s | 22m00s / 2h01m | 3 | 42 | 71 % |
    | `a-small-fixed-group-of-nodes` ⚠ | – | – | – | 3.2s / 1m24s | – / – | 3 | 42 | 71 % |

    ⚠ a-small-fixed-group-of-nodes is incomplete, its cost cannot be compared: 200 pods are unschedulable: they ask for more than a node has

    `a-small-fixed-group-of-nodes` has no cost: no price for m9z.large in us-east-1

    <details><summary>Cost of fargate: $412.75</summary>

    | item | detail | quantity | rate | cost |
    |---|---|---:|---:|---:|
    | Fargate vCPU | `Fargate-vCPU-Hours:perCPU` | 7,500 vCPU-hours | $0.04048 | $303.60 |
    | Fargate memory | `Fargate-GB-Hours` | 20,775 GB-hours | $0.004445 | $92.35 |
    | EKS control plane | `AmazonEKS-Hours:perCluster` | 168.0 hours | $0.10 | $16.80 |

    </details>

    <details><summary>Cost of node-group: $259.60</summary>

    | item | detail | quantity | rate | cost |
    |---|---|---:|---:|---:|
    | EC2 on-demand | `BoxUsage:m6i.xlarge` | 1,250 hours | $0.192 | $240.00 |
    | EBS root volumes | `EBS:VolumeUsage.gp3` | 35.0 GB-months | $0.08 | $2.80 |
    | EKS control plane | `AmazonEKS-Hours:perCluster` | 168.0 hours | $0.10 | $16.80 |

    </details>

    <details><summary>What the money was for</summary>

    | platform | pods | DaemonSets | start-up | idle | shared |
    |---|---:|---:|---:|---:|---:|
    | `fargate` | $395.95 | $0.00 | $0.00 | $0.00 | $16.80 |
    | `node-group` | $180.40 | $10.15 | $8.05 | $44.20 | $16.80 |

    </details>

    <details><summary>Workflows</summary>

    | workflow | runs | `fargate`: cost, p99 makespan | `node-group`: cost, p99 makespan | `a-small-fixed-group-of-nodes`: cost, p99 makespan |
    |---|---:|---:|---:|---:|
    | `daily-load` | 7 | $200.25, 2h05m | $90.20, 2h01m | $90.20, 2h01m |
    | `<script>alert(1)</script>` | 168 | $195.70, 10m00s | $90.20, 8m00s | $90.20, 8m00s |
    | pods without a workflow | 20 | <$0.0001, 1m00s | $0.00, 15s | $0.00, 15s |

    </details>

    <details><summary>Machines</summary>

    | platform | machine | capacity | nodes | node-hours | CPU fill | memory fill | cost |
    |---|---|---|---:|---:|---:|---:|---:|
    | `fargate` | `0.5 vCPU 2 GB` | fargate | 12,000 | 15,000 | 97 % | 84 % | $395.95 |
    | `node-group` | `m6i.xlarge` | on-demand | 400 | 1,250 | 71 % | 50 % | $242.80 |
    | `a-small-fixed-group-of-nodes` | `m6i.xlarge` | on-demand | 400 | 1,250 | 71 % | 50 % | – |

    </details>

    <details><summary>Prices used</summary>

    | price | as of | note | rate |
    |---|---|---|---:|
    | `BoxUsage:m6i.xlarge` | 2026-02-20 |  | $0.192 per hour |
    | `EBS:VolumeUsage.gp3` | 2026-02-01 | inferred: the price in us-east-1 | $0.08 per GB-month |

    </details>

    <details><summary>Assumptions that differ from the defaults</summary>

    | assumption | value | default | source |
    |---|---|---|---|
    | `startup.containerStart` | `2s` | `1s` | a measurement |

    </details>

    <details><summary>All assumptions</summary>

    | assumption | value | default | source |
    |---|---|---|---|
    | `startup.containerStart` | `2s` | `1s` | a measurement |
    | `orchestrator.detectionLag` | `5s` | `5s` | docs/model.md |

    </details>

    <details><summary>1 warning</summary>

    - 12,000 pods have no image size; 350 MiB is assumed

    </details>
    ");
}

#[test]
fn a_savings_plan_is_shown_where_there_is_one() {
    let mut report = sample::report();
    report.platforms.push(sample::with_savings_plan());
    let text = markdown(&report);
    let shown: Vec<&str> = text.lines().filter(|line| line.contains("Savings Plan")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    | Savings Plan commitment | `SavingsPlanRecurringFee:ComputeSP` | 168.0 hours | $0.50 | $84.00 |
    | covered by the Savings Plan | `SavingsPlanNegation:m6i` | -100.0 USD at list price | $1.00 | -$100.00 |
    Savings Plan of $0.50 an hour: 89 % of the commitment is used, $9.00 of $84.00 is lost; 42 % of the usage it can cover is covered.
    | platform | pods | DaemonSets | start-up | idle | shared | Savings Plan |
    ");
    let page = html(&report, &[]);
    assert!(page.contains("Savings Plan <b>-$16.00</b>") && page.contains("class=\"savings-plan\""));
    assert!(page.contains("Savings Plan of $0.50 an hour: 89 % of the commitment is used, $9.00 of $84.00"));
    assert!(!html(&sample::report(), &[]).contains("Savings Plan"));
    let csv = summary_csv(&report);
    let row = csv.lines().last().unwrap();
    assert!(row.contains(",44.20,16.80,-16.00,,168,"), "{row}");
    let text = json(&report);
    assert_eq!(parse("report.json", &text).unwrap(), report);
    let broken = text.replace("\"-16.00\"", "\"about -16\"");
    let message = parse("report.json", &broken).unwrap_err().render();
    assert!(message.contains("platforms[2].cost.allocation.savings_plan_usd"), "{message}");
}

/// The best commitment may be none; and older reports do not say how much an hour it was.
#[test]
fn what_a_savings_plan_committed_is_said_where_it_is_known() {
    let sentence = |per_hour: Option<&str>| {
        let cost = sample::with_savings_plan().cost.unwrap();
        let commitment_per_hour_usd = per_hour.map(str::to_owned);
        view::plan_use(&SavingsPlanReport { commitment_per_hour_usd, ..cost.savings_plan.unwrap() })
    };
    assert_eq!(sentence(Some("0.00")), "Savings Plan: no commitment would have paid.");
    assert!(sentence(Some("0.125")).starts_with("Savings Plan of $0.125 an hour: 89 % of the commitment"));
    assert!(sentence(None).starts_with("Savings Plan: 89 % of the commitment"));
}

/// A report from before there were Savings Plans, and one without a plan, say nothing of them.
#[test]
fn a_report_without_a_savings_plan_needs_no_word_of_it() {
    let report = sample::report();
    let text = json(&report);
    assert!(!text.contains("savings_plan_usd"));
    let old = text.replace(
        "\n        \"lower_bound_usd\": \"301.25\",\n        \"savings_plan\": null",
        "\n        \"lower_bound_usd\": \"301.25\"",
    );
    assert_ne!(old, text);
    assert_eq!(parse("report.json", &old).unwrap(), report);
}

#[test]
fn the_page_escapes_names_and_loads_nothing() {
    let mut report = sample::report();
    let hostile = "\"'><img src=x onerror=alert(1)>&amp;\u{1b}[31m";
    report.finding = hostile.into();
    report.scenario = hostile.into();
    report.inputs.region = hostile.into();
    report.inputs.traces[0].path = hostile.into();
    report.warnings = vec![hostile.into()];
    for platform in &mut report.platforms {
        platform.name = hostile.into();
        platform.complete = false;
        platform.incomplete_reasons = vec![hostile.into()];
        platform.workflows[0].workflow = hostile.into();
        platform.capacity.by_instance_type[0].machine = hostile.into();
        platform.disruption.evictions.insert(hostile.into(), 1);
        let cost = platform.cost.as_mut().unwrap();
        (cost.items[0].item, cost.items[0].detail) = (hostile.into(), hostile.into());
    }
    let page = html(&report, &[]);
    assert!(page.contains("&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for forbidden in ["<script", "<img", "\u{1b}", "http", "url(", "@import", "<link"] {
        assert!(!page.contains(forbidden), "{forbidden} in the page");
    }
}

#[test]
fn the_page_is_balanced() {
    let mut report = sample::report();
    report.platforms.push(sample::incomplete());
    let charts = charts(&ChartData::new(&report, &[]));
    let page = html(&report, &charts);
    // The page has no room for a chart that shows nothing: there is no back-test here.
    assert_eq!(page.matches("<figure>").count(), charts.len() - 1);
    assert!(!page.contains("http") && !page.contains(" id="));
    for name in [
        "main", "section", "table", "tr", "td", "th", "div", "ul", "li", "details", "article", "span",
        "figure", "svg", "text",
    ] {
        let opened = page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
        assert_eq!(opened, page.matches(&format!("</{name}>")).count(), "{name}");
    }
    let no_numbers = ["NaN", "inf%", "width:-"];
    assert!(no_numbers.iter().all(|text| !page.contains(text)));
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let report = sample::report();
    let text = json(&report);
    assert!(text.ends_with("}\n"));
    assert_eq!(parse("report.json", &text).unwrap(), report);
}

#[test]
fn a_report_that_cannot_be_read_says_where() {
    let text = json(&sample::report());
    let render = |text: &str| parse("report.json", text).unwrap_err().render();
    insta::assert_snapshot!([
        render(&text.replace("\"schema_version\": 2", "\"schema_version\": 3")),
        render(&text.replace("\"pods\": 12000", "\"pods\": \"many\"")),
        render(&text.replace("\"259.60\"", "\"about 260\"")),
        render("{}"),
        render(""),
        render("platform,cost\n"),
    ].join("\n"), @r#"
    error: report.json:2:3: schema_version is 3, and this version reads 2
      2 | "schema_version": 3,
        | ^^^^^^^^^^^^^^^^^^^^
      hint: it was written by a newer cost-sim: use that one, or make the report anew

    error: report.json:17:18: not a report: invalid type: string "many", expected u64
      17 | "pods": "many",
         | ^^^^^^^^^^^^^^^
      hint: give a report.json that cost-sim wrote

    error: report.json: platforms[1].cost.total_usd is not an amount of money
       | about 260
       | ^^^^^^^^^
      hint: amounts are decimal numbers in quotes, such as "12.50"

    error: report.json: schema_version is missing
      hint: give a report.json that cost-sim wrote

    error: report.json:1:1: not a report: EOF while parsing a value
      hint: the file ends too early: make the report anew with cost-sim replay, and keep its report.json whole

    error: report.json:1:1: not a report: expected value
      1 | platform,cost
        | ^^^^^^^^^^^^^
      hint: give a report.json that cost-sim wrote
    "#);
}

/// A file of the documentation, written anew first where the tests are told to.
#[expect(clippy::disallowed_methods, reason = "tests read and, when asked to, write the documentation")]
pub(crate) fn committed(name: &str, current: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if !current.is_empty() && std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, current).expect("docs can be written");
    }
    std::fs::read_to_string(&path).unwrap_or_default()
}

#[test]
fn the_committed_schema_is_current() {
    let current = schema();
    let same = committed("report.schema.json", &current) == current;
    assert!(same, "docs/report.schema.json is out of date: run the tests with UPDATE_DOCS=1");
}

#[test]
fn the_documentation_names_every_key_and_column() {
    let text = committed("report.md", "");
    let mut keys = Vec::new();
    collect_keys(&serde_json::from_str(&schema()).unwrap(), &mut keys);
    let csv = summary_csv(&sample::report());
    keys.extend(csv.lines().next().unwrap().split(',').map(str::to_owned));
    assert!(keys.len() > 100, "the schema was not understood");
    let missing: Vec<_> = keys.iter().filter(|key| !text.contains(&format!("`{key}"))).collect();
    assert!(missing.is_empty(), "docs/report.md does not name {missing:?}");
}

/// The names of all properties of a schema.
fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(serde_json::Value::Object(properties)) = map.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| collect_keys(value, keys));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}
