#!/usr/bin/env bash
# violet make-corpus from the command line: what it writes, the tools that read it, what it refuses.
. "$(dirname "$0")/harness.sh"

small() { run make-corpus "$1" --clips 12 --val 3 --test 9 --size 32 --frames 8 "${@:2}"; }

makes_a_corpus() {
    small world --seed 7; expect_status 0
    expect_out "24 clips: 12 train, 3 val, 9 test"
    expect_out "9 test clips"; expect_out "chance: recall at 1 11.1%"; expect_out "text alone:"
    expect_out "violet finetune --type qaoe --task world-qaoe --data world"
    [ "$(ls world/videos | wc -l)" -eq 24 ] || fail "expected 24 videos"
    [ "$(wc -l <world/scenes.jsonl)" -eq 24 ] || fail "expected 24 scenes"
    for t in "" -retrieval -qaoe -qamc -fib; do
        run info world/txt_world$t.json; expect_status 0
    done
    grep -q '"seed": 7,' world/corpus.json || fail "no seed in corpus.json"
}

the_same_again() {
    cp -r world before
    small world --seed 7; expect_status 0
    diff -r world before >diff.txt || fail "$(cat diff.txt)"
    small again --seed 7 --workers 1; expect_status 0
    diff -r world again >diff.txt || fail "$(cat diff.txt)"
    small world --seed 8; expect_error 1 "of a corpus with another 'seed'"
}

frames_come_out() {
    run extract-frames --path world/videos --output world/img_world --sample 4; expect_status 0
    expect_out "24 videos: 24 with frames, 0 failed"
}

# The commands that it tells to type next.
next_commands_run() {
    small next --seed 1; expect_status 0
    printf '{"preset": "tiny", "embed_dim": 4, "hidden": 32, "heads": [1, 2, 2, 2],
        "depths": [1, 1, 1, 1], "ct_layers": 1, "ct_heads": 2, "ct_mlp": 32}' >small.json
    grep '^  violet ' out.txt | sed 's/^  violet //; s/--config tiny/--config small.json/' >commands.txt
    [ "$(wc -l <commands.txt)" -eq 3 ] || fail "expected three commands"
    while read -r -a words; do
        run "${words[@]}" --size-img 32 --size-batch 4 --size-epoch 1 --threads 1; expect_status 0
    done <commands.txt
}

mpeg4_if_wished() {
    small m4 --codec mpeg4; expect_status 0
    grep -q '"codec": "mpeg4"' m4/corpus.json || fail "no codec in corpus.json"
    run extract-frames --path m4/videos --output m4/frames; expect_status 0
    grep -q '"codec": "mpeg4"' m4/frames.manifest.jsonl || fail "not MPEG-4"
}

an_interrupt_tells_how_to_go_on() {
    "$VIOLET" make-corpus big --clips 20000 --seed 1 >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for i in $(seq 300); do
        [ "$(ls big/videos 2>/dev/null | wc -l)" -ge 3 ] && break
        sleep 0.1
    done
    kill -TERM $pid
    wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="make-corpus, then TERM"
    expect_status 130
    expect_err "to go on: violet make-corpus big --clips 20000 --seed 1"
    rm -rf big
}

wrong_calls_are_told() {
    run make-corpus; expect_error 1 "DIR is missing"
    run make-corpus a b; expect_error 2 "expected DIR, found 2 arguments"
    run make-corpus a --clips 0; expect_error 2 "clips is '0'"
    run make-corpus a --codec vp9; expect_error 2 "codec"
    run make-corpus a --name a/b; expect_error 1 "name is 'a/b'"
    run make-corpus a --size 33; expect_error 1 "size is 33"
    run make-corpus a --sede 3; expect_error 2 "did you mean 'seed'?"
    mkdir -p taken/videos
    run make-corpus taken; expect_error 1 "no corpus.json"
    [ ! -e a ] || fail "a is there"
    run help make-corpus; expect_status 0; expect_out "--clips"
}

for t in makes_a_corpus the_same_again frames_come_out next_commands_run mpeg4_if_wished \
    an_interrupt_tells_how_to_go_on wrong_calls_are_told; do
    test_case $t $t
done
finish
