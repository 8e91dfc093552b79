#!/bin/sh
# Plays on this machine through what pull-request.yml does: a baseline, a change that costs nothing, and one that is
# stopped. Needs cost-sim on the path; leaves nothing behind.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

echo "== the baseline, as a scheduled job or a person writes it"
cost-sim replay trace.csv --scenario scenario.yaml --out "$out/baseline" --quiet

echo "== nothing changed: the check passes"
cost-sim check trace.csv --baseline "$out/baseline/report.json" --scenario scenario.yaml

echo "== nodes are kept for half an hour instead of a minute: the check fails"
sed 's/consolidateAfter: 1m/consolidateAfter: 30m/' scenario.yaml >"$out/proposal.yaml"
code=0
cost-sim check trace.csv --baseline "$out/baseline/report.json" --scenario "$out/proposal.yaml" || code=$?
if [ "$code" != 1 ]; then
    echo "exit code $code where a limit should be exceeded" >&2
    exit 1
fi
echo "== exit code 1: in a pull request, this would stop it"
