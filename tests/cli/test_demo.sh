#!/usr/bin/env bash
# script/demo --quick: every step runs, is skipped when done, and goes on where it was stopped.
# QUICK leaves it out.
. "$(dirname "$0")/harness.sh"
[ -z "${QUICK:-}" ] || { demo() { skip "QUICK is set"; }; test_case demo demo; finish; }

# As in a checkout whose build/violet is the one under test.
mkdir -p tree/script tree/build
cp "$ROOT/script/demo" tree/script
ln -s "$VIOLET" tree/build/violet
demo() {
    tree/script/demo --no-build --quick --output made "$@" >out.txt 2>err.txt </dev/null
    status=$?
    out=$(cat out.txt) err=$(cat err.txt) ran="script/demo $*"
}

it_stops_and_goes_on() {
    tree/script/demo --no-build --quick --output made >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for ((i = 0; i < 600; i++)); do
        [ -s made/pretrain/steps.jsonl ] && break
        sleep 0.1
    done
    for i in $(cat "/proc/$pid/task/$pid/children"); do kill -INT "$i"; done
    wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="script/demo, interrupted"
    [ $status -ne 0 ] || skip "it was done before it was interrupted"
    expect_err "stopped in '"
    local step=${err##*"stopped in '"}
    step=${step%%"'"*}
    [ ! -e "made/done/$step" ] || fail "a stopped step counts as done"
    demo; expect_status 0
    [ "$step" != pretrain ] || expect_out "--resume"
    expect_out "Look at made/report.html"
}

it_ends_in_a_page() {
    [ -s made/report.html ] || fail "no made/report.html"
    for word in '<img ' '<polyline' 'R@1' 'Questions and answers'; do
        grep -q -F -- "$word" made/report.html || fail "no '$word' in the page"
    done
    [ -s made/retrieval/eval-test/found.jsonl ] || fail "no predictions"
}

what_is_done_is_skipped() {
    local before
    before=$(cksum <made/pretrain/last.safetensors)
    demo; expect_status 0
    [ "$(grep -c '^done before$' out.txt)" -eq 14 ] || fail "expected 14 steps done before"
    [ "$(cksum <made/pretrain/last.safetensors)" = "$before" ] || fail "trained again"
}

wrong_usage_is_told() {
    demo --seed x; expect_status 2; expect_err "--seed N"
    demo --fast; expect_status 2; expect_err "--quick"
}

for t in it_stops_and_goes_on it_ends_in_a_page what_is_done_is_skipped wrong_usage_is_told; do
    test_case $t $t
done
finish
