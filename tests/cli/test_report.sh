#!/usr/bin/env bash
# violet report from the command line: a training, an evaluation with predictions, their page.
. "$(dirname "$0")/harness.sh"

toy_pictures 6 img_toy.tsv
toy_questions 6 "is it <grey>"
toy_model
toy_args
evaluate() {
    run eval args.json --config '' --checkpoint demo/run/best.safetensors "$@"; expect_status 0
}

# How often a pattern is in the page.
count() { grep -o -- "$1" "$2" | wc -l; }
expect_page() { grep -q -F -- "$2" "$1" || fail "no '$2' in $1"; }

a_page_of_a_run_and_its_evaluation() {
    run finetune args.json --size-epoch 3 --output demo/run; expect_status 0
    evaluate --output demo/eval --predictions demo/eval/answers.jsonl
    evaluate --output other
    run report demo --baseline "the other=other"; expect_status 0
    expect_out "demo/report.html: 2 phases"
    local page=demo/report.html
    for word in 'Loss: answers' 'Accuracy: answers' 'Questions and answers' 'is it &lt;grey&gt;' \
        '>the other</th>' '50.0' 'Always answering' 'violet finetune' '--config small.json' \
        'violet eval' 'By type of question' 'cores,' 'Right answers and given ones'; do
        expect_page $page "$word"
    done
    [ "$(count '<img ' $page)" -eq 12 ] || fail "expected two pictures of each of six questions"
    [ "$(count '<script' $page)" -eq 0 ] || fail "a script"
    run report demo --baseline=the=other --baseline again=demo/eval -o b.html --examples 0
    expect_status 0; expect_page b.html '>again</th>'
    [ "$(count '<img ' b.html)" -eq 0 ] || fail "pictures"
    sed 's/"split": "test"/"split": "val"/' other/result.json >moved.json
    mkdir -p third && mv moved.json third/result.json
    run report demo --baseline lonely=third -o c.html; expect_status 0
    expect_err "baseline 'lonely': no evaluation of the report has its type"
}

options_of_an_evaluation_do_it_again() {
    [ -s demo/eval/eval_args.json ] || skip "no evaluation"
    run eval demo/eval/eval_args.json --output again --predictions again/p.jsonl; expect_status 0
    cmp demo/eval/result.json again/result.json || fail "another result"
    cmp demo/eval/answers.jsonl again/p.jsonl || fail "other predictions"
}

it_is_found_from_elsewhere() {
    [ -s demo/eval/eval_args.json ] || skip "no evaluation"
    mkdir -p elsewhere && cd elsewhere || exit 1
    run report ../demo -o page.html; expect_status 0
    [ "$(count '<img ' page.html)" -eq 12 ] || fail "no pictures from elsewhere"
    mv ../img_toy.tsv ../hidden.tsv
    run report ../demo -o page.html; expect_status 0
    mv ../hidden.tsv ../img_toy.tsv
    [ "$(count '<img ' page.html)" -eq 0 ] || fail "pictures that are not there"
    expect_page page.html "The pictures are not there any more"
}

wrong_usage_is_told() {
    mkdir -p nothing
    run report nothing; expect_error 1 "nothing: no run"
    run report; expect_error 2 "expected the folder of a run"
    run report nowhere; expect_error 1 "nowhere"
    run report nothing --exampels 3; expect_error 2 "did you mean 'examples'"
    run report other --baseline x; expect_error 1 "expected NAME=FOLDER"
    run report other -o nothing/sub/r.html; expect_error 1 "nothing/sub"
    run help report; expect_status 0; expect_out "--baseline"
}

for t in a_page_of_a_run_and_its_evaluation options_of_an_evaluation_do_it_again \
    it_is_found_from_elsewhere wrong_usage_is_told; do
    test_case $t $t
done
finish
