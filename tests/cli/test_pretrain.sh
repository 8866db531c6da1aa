#!/usr/bin/env bash
# violet pretrain from the command line on eight made-up videos: progress, interruption, resuming.
. "$(dirname "$0")/harness.sh"

toy_pictures 8 img_toy_train_0.tsv
head -2 img_toy_train_0.tsv >img_toy_val.tsv
captions() { for i in $(seq "$1"); do printf '%s"v%d": ["man %d walks"]' "${comma-}" "$i" "$i"; comma=,; done; }
printf '{"train": {%s}, "val": {%s}}' "$(comma= captions 8)" "$(comma= captions 2)" >txt_toy.json
toy_model
printf '{"type": "pretrain", "config": "small.json", "data": ".", "dataset": "toy", "size_img": 32,
 "size_txt": 8, "size_batch": 2, "threads": 1, "keep": false}' >args.json

pretrain_runs() {
    run pretrain args.json --steps 3 --output run; expect_status 0
    expect_out "step 1/3"; expect_out "step 3/3"; expect_out "validation toy"; expect_out "samples/s"
    for f in args.json log.json steps.jsonl last.safetensors; do [ -s run/$f ] || fail "no run/$f"; done
    [ "$(wc -l <run/steps.jsonl)" -eq 3 ] || fail "expected three lines in steps.jsonl"
    [[ $out != *$'\r'* ]] || fail "a file got carriage returns"
    run info run/last.safetensors; expect_status 0; expect_out "checkpoint"; expect_out "step             3"
    run plan run/args.json; expect_status 0
}

# interrupt FOLDER SIGNAL: runs until two steps are done, then stops it.
interrupt() {
    "$VIOLET" pretrain args.json --size-epoch 100000 --output "$1" >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for i in $(seq 600); do
        [ "$(cat "$1/steps.jsonl" 2>/dev/null | wc -l)" -ge 2 ] && break
        sleep 0.1
    done
    kill -"$2" $pid
    wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="pretrain, then $2"
}

interrupt_saves_and_tells() {
    interrupt stopped TERM; expect_status 130
    expect_err "stopping where it can go on later"
    expect_err "to go on: violet pretrain args.json --size-epoch 100000 --output stopped --resume"
    local n
    n=$(wc -l <stopped/steps.jsonl)
    run info stopped/last.safetensors; expect_status 0; expect_out "step             $n"
    run pretrain args.json --size-epoch 100000 --output stopped --resume --steps $((n + 2))
    expect_status 0; [ "$(wc -l <stopped/steps.jsonl)" -eq $((n + 2)) ] || fail "expected two more steps"
    interrupt other INT; expect_status 130
}

odd_words_are_quoted() {
    interrupt "it's odd" TERM; expect_status 130; expect_err "--output 'it'\\''s odd' --resume"
}

terminal_gets_one_line() {
    command -v script >/dev/null || skip "no script(1)"
    script -qec "stty cols 60; '$VIOLET' pretrain args.json --steps 2 --output tty" /dev/null >out.txt </dev/null
    status=$? out=$(cat out.txt) err='' ran="pretrain on a terminal"
    expect_status 0; expect_out $'\r\033[K'
    tr '\r' '\n' <out.txt | grep '^step' | awk 'length > 60 { exit 1 }' || fail "a line is too long"
}

wrong_runs_are_told() {
    run pretrain args.json --dataset none --output a; expect_status 1; expect_err "none"
    run pretrain args.json --path-ckpt nowhere.safetensors --output b; expect_status 1
    expect_err "nowhere.safetensors"
    run pretrain args.json --size-img 100 --output c; expect_status 1; expect_err "100"
    cut -c 1-200 img_toy_train_0.tsv >img_bad_train_0.tsv; cp img_toy_val.tsv img_bad_val.tsv
    cp txt_toy.json txt_bad.json
    run pretrain args.json --dataset bad --steps 2 --output d; expect_status 1; expect_err "violet: "
    : >file; run pretrain args.json --output file/run; expect_status 1; expect_err "Not a directory"
}

for t in pretrain_runs interrupt_saves_and_tells odd_words_are_quoted terminal_gets_one_line \
    wrong_runs_are_told; do
    test_case $t $t
done
finish
