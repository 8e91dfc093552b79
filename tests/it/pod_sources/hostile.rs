//! Broken and hostile files: an error with a place, and never a panic.

use proptest::prelude::*;

use super::*;

#[test]
fn broken_files_are_refused_where_they_are_broken() {
    for (text, expected) in [
        // Shapes.
        (r#"{"status":"ok","series":{"metric":"m"}}"#, ":1:"),
        (r#"{"status":"ok","series":[{"metric":"m","pointlist":[[1]]}]}"#, ":1:"),
        (r#"{"status":"ok","series":[{"metric":"m","pointlist":[[1,"x"]]}]}"#, ":1:"),
        // Numbers.
        (r#"{"status":"ok","series":[{"metric":"m","pointlist":[[1,1e400]]}]}"#, "out of range"),
        (r#"{"status":"ok","series":[{"metric":"m","pointlist":[[1e300,1]]}]}"#, "out of range"),
        (r#"{"status":"ok","series":[{"metric":"m","pointlist":[[-1,1]]}]}"#, "out of range"),
        // Keys twice, and an early end.
        (r#"{"series":[],"series":[],"query":"x"}"#, "twice"),
        ("{\"status\":\"ok\",\n\"series\":[{\"metric\":\"m\",\n\"pointlist\":[[1,2],", ":3:"),
        (
            r#"{"data":{"attributes":{"series":[{"group_tags":["pod_name:a"]}],"times":[1767571200000],"values":[[1,2]]}}}"#,
            "2 values",
        ),
        (r#"{"data":{"attributes":{"series":[],"times":[],"values":[[]]}}}"#, "0 series"),
        (
            r#"{"status":"success","data":{"result":[{"metric":{"pod":"a"},"values":[[1,"x"]]}]}}"#,
            "no number",
        ),
        (
            r#"{"status":"success","data":{"result":[{"metric":{"pod":"a"},"values":[[1e99,"1"]]}]}}"#,
            "out of range",
        ),
        (r#"{"status":"success","data":{"result":[{"metric":{"pod":"a"}}]}}"#, "neither values nor value"),
        (r#"{"kind":"Pod","metadata":{"name":"a","creationTimestamp":"yesterday"}}"#, "yesterday"),
        (r#"{"kind":"Pod","metadata":{}}"#, "no metadata.name"),
        (
            r#"{"kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"lots"}}}]}}"#,
            "cpu: \"lots\" is no quantity",
        ),
        ("time,pod_name,metric,value\nx,a,kubernetes.cpu.usage.total,1\n", ":2:"),
        ("time,pod_name,metric,value\n1767571200,a,kubernetes.cpu.usage.total,1e999\n", "no finite number"),
    ] {
        let said = refused("file", text);
        assert!(said.contains(expected), "{text}\n{said}");
    }
}

const SEEDS: [&str; 5] = [
    r#"{"status":"ok","series":[{"metric":"kubernetes.cpu.usage.total","tag_set":["pod_name:a"],"interval":60,"unit":[{"name":"nanocore"},null],"pointlist":[[1767571200000,1e9],[1767571260000,null]]}]}"#,
    r#"{"data":{"attributes":{"series":[{"group_tags":["pod_name:a"],"unit":[{"name":"nanocore"}]}],"times":[1767571200000],"values":[[1.5]]}}}"#,
    r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"kube_pod_created","pod":"a"},"values":[[1767571200,"1767571200"]]}]}}"#,
    r#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a","creationTimestamp":"2026-01-05T00:00:00Z"},"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}}]},"status":{"phase":"Running","containerStatuses":[{"name":"a","state":{"running":{"startedAt":"2026-01-05T00:01:00Z"}}}]}}]}"#,
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  creationTimestamp: 2026-01-05T00:00:00Z\nspec:\n  containers:\n  - name: a\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_never_panics(
        seed in 0..SEEDS.len(),
        at in any::<prop::sample::Index>(),
        with in "[\\x00-\\x7f]{0,3}|-1|1e400|9e18|null|\"\"|\\[\\]|\\{\\}",
        cut in 0usize..12,
    ) {
        let text = SEEDS[seed];
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        let damaged = format!("{}{with}{}", &text[..start], &text[end..]);
        let _ = import_with(&[("file", &damaged)], &Options::default());
    }
}
