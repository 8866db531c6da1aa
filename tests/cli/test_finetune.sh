#!/usr/bin/env bash
# violet finetune from the command line on four made-up videos: progress, the test, interruption.
. "$(dirname "$0")/harness.sh"

toy_pictures 4 img_toy.tsv
toy_questions 4 "is it grey"
toy_model
toy_args

finetune_runs() {
    run finetune args.json --size-epoch 2 --output run; expect_status 0
    expect_out "step 4/4"; expect_out "validation toy, step 2, epoch 1:"
    expect_out "accuracy 50.0%"; expect_out "test on split 'test', weights of step 2, epoch 1:"
    for f in args.json log.json steps.jsonl last.safetensors best.safetensors test.json; do
        [ -s run/$f ] || fail "no run/$f"
    done
    run info run/best.safetensors; expect_status 0
    run finetune run/args.json --resume; expect_status 0
    run finetune args.json --output run; expect_status 1; expect_err "--resume"
}

the_last_weights_are_of_the_last_epoch() {
    run finetune args.json --size-epoch 3 --valid-split "" --output last; expect_status 0
    expect_out "test on split 'test', weights of step 6, epoch 3:"
}

interrupt_saves_and_tells() {
    "$VIOLET" finetune args.json --size-epoch 100000 --output stopped >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for i in $(seq 600); do
        [ "$(cat stopped/steps.jsonl 2>/dev/null | wc -l)" -ge 2 ] && break
        sleep 0.1
    done
    kill -TERM $pid
    wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="finetune, then TERM"
    expect_status 130
    expect_err "to go on: violet finetune args.json --size-epoch 100000 --output stopped --resume"
}

wrong_runs_are_told() {
    run finetune args.json --type caption --output a; expect_status 1
    expect_err "expected retrieval, qamc, qaoe or fib"
    run finetune args.json --task nothing --output a; expect_status 1; expect_err "nothing"
    run finetune --patience x; expect_error 2 "patience"
    run help finetune; expect_status 0; expect_out "--patience"; expect_out "fib (fill"
}

for t in finetune_runs the_last_weights_are_of_the_last_epoch interrupt_saves_and_tells wrong_runs_are_told; do
    test_case $t $t
done
finish
