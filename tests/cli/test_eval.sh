#!/usr/bin/env bash
# violet eval from the command line: text and JSON, predictions, interruption, parts, wrong usage.
. "$(dirname "$0")/harness.sh"

toy_pictures 40 img_toy.tsv
items() { for i in $(seq "$1"); do printf '%s{"video": "v%d", "caption": "man %d walks"}' "${comma-}" "$i" "$i"; comma=,; done; }
printf '{"test": [%s]}' "$(comma= items 40)" >txt_toy.json
printf '{"train": [{"video": "v1", "question": "what walks?", "answer": "man"}],
 "test": [{"video": "v1", "question": "what walks?", "answer": "man"},
          {"video": "v2", "question": "who walks?", "answer": "nobody"}], "vocab": ["man", "dog"]}' >txt_oe.json
toy_model ', "grid": [1, 1], "size_answer": 2'
printf '{"type": "retrieval", "dataset": "toy", "task": "toy", "size_img": 32, "size_txt": 8, "size_epoch": 20,
 "size_batch": 6, "lr": 1.2e-5, "decay": 1e-3, "path_ckpt": "m.safetensors"}' >args.json
"$BUILD/hash-model" --config small.json --heads match m.safetensors >/dev/null &&
    "$BUILD/hash-model" --config small.json --heads answer a.safetensors >/dev/null || exit 1

eval_tells() {
    run eval args.json --data .; expect_status 0
    expect_out "retrieval on ./txt_toy.json, test: m.safetensors"
    expect_out "text to video: 40 captions, each ranks 40 videos; equal scores share the middle"
    expect_out "video to text: 40 videos"; expect_out "R@10"; expect_out "mean rank"
    expect_out "intervals: 95 %"; expect_out "pairs/s"; expect_out "measured peak"
    [ -s eval/scores.bin ] && [ -s eval/result.json ] || fail "nothing in the folder"
    run eval args.json --data .; expect_status 0; expect_out "R@1 "
}

json_is_alone_on_stdout() {
    command -v python3 >/dev/null || skip "no python3"
    run eval args.json --data . --json --output json --predictions p.jsonl --top 3; expect_status 0
    python3 -c 'import json, sys
r = json.load(open("out.txt")); m = r["metrics"]["t2v_recall_1"]
assert 0 <= m["interval"][0] <= m["value"] <= m["interval"][1] <= 1 and m["n"] == 40, m
assert r["speed"]["pairs"] == 1600
lines = [json.loads(l) for l in open("p.jsonl")]
assert len(lines) == 80 and all(len(l["top"]) == 3 for l in lines)' || fail "not the JSON expected"
    expect_err "pairs 1600/1600"
}

questions_have_two_denominators() {
    run eval args.json --data . --type qaoe --task oe --path-ckpt a.safetensors --output oe
    expect_status 0; expect_out "accuracy: 2 questions; 1 whose answer is not in the list are counted wrong"
    expect_out "accuracy on the list: 1 questions"; expect_out "who"
}

# Long enough to be interrupted: every video with many captions.
interrupt_goes_on() {
    (comma=; printf '{"test": ['
     for i in $(seq 2000); do printf '%s{"video": "v%d", "caption": "man %d walks"}' "$comma" $((i % 40 + 1)) "$i"; comma=,; done
     printf ']}') >txt_many.json
    local many="eval args.json --data . --task many --output"
    "$VIOLET" $many stopped >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for i in $(seq 600); do
        [ "$(du -k stopped/scores.bin 2>/dev/null | cut -f1)" -ge 20 ] 2>/dev/null && break
        sleep 0.05
    done
    kill -TERM $pid; wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="eval, then TERM"
    expect_status 130; expect_err "to go on: violet eval args.json --data . --task many --output stopped"
    [ ! -e stopped/result.json ] || fail "a result"
    run eval args.json --data . --task toy --output stopped; expect_status 1; expect_err "--restart"
    run $many stopped; expect_status 0
    run $many whole; expect_status 0
    cmp stopped/scores.bin whole/scores.bin && cmp stopped/result.json whole/result.json || fail "other bytes"
}

killed_goes_on() {
    local many="eval args.json --data . --task many --output"
    [ -e txt_many.json ] || skip "no items"
    "$VIOLET" $many killed >out.txt 2>err.txt </dev/null &
    local pid=$! i
    for i in $(seq 600); do
        [ "$(du -k killed/scores.bin 2>/dev/null | cut -f1)" -ge 20 ] 2>/dev/null && break
        sleep 0.05
    done
    kill -KILL $pid; wait $pid 2>/dev/null
    run $many killed; expect_status 0
    cmp killed/scores.bin whole/scores.bin && cmp killed/result.json whole/result.json || fail "other bytes"
}

parts_are_put_together() {
    for i in 2/2 1/2; do run eval args.json --data . --output parts --shard $i; expect_status 0; done
    expect_out "part 1 of 2 is done; when all are: --merge 2"
    run eval args.json --data . --output parts --merge 2; expect_status 0; expect_out "R@1 "
    run eval args.json --data . --output one; expect_status 0
    cmp parts/scores.bin one/scores.bin && cmp parts/result.json one/result.json || fail "other bytes"
}

# A training's options are its evaluation's: its split, its best weights, a folder of its own.
training_args_are_evaluated() {
    printf '{"train": [%s], "test2": [%s], "val": []}' "$(comma= items 12)" "$(comma= items 30)" >txt_tune.json
    run finetune args.json --data . --task tune --valid-split '' --test-split test2 --size-frame 2 --steps 2 --output tuned
    expect_status 0
    cp tuned/args.json before.json
    run eval tuned/args.json; expect_status 0
    expect_out "txt_tune.json, test2: tuned/best.safetensors"; expect_out "30 captions"
    [ -s tuned/eval-test2/result.json ] || fail "not in its folder"
    [ ! -e tuned/result.json ] && [ ! -e tuned/scores.bin ] && [ ! -e eval-test2 ] || fail "a result elsewhere"
    cmp -s tuned/args.json before.json || fail "the training's options were changed"
    run eval tuned/args.json --split train; expect_status 0; expect_out "12 captions"
    [ -s tuned/eval-train/result.json ] || fail "not in the folder of the split"
    run eval tuned/args.json --output other --checkpoint m.safetensors; expect_status 0
    expect_out "test2: m.safetensors"; [ -s other/result.json ] || fail "not where it was asked for"
}

# What no option says the checkpoint does.
sizes_are_the_checkpoints() {
    [ -e tuned/best.safetensors ] || skip "no checkpoint"
    run eval --type retrieval --data . --dataset toy --task tune --split test2 \
        --checkpoint tuned/best.safetensors --output sizes
    expect_status 0; expect_out "30 captions"
    case $err in *"was fine-tuned with size"*) fail "sizes differ";; esac
    cmp sizes/scores.bin tuned/eval-test2/scores.bin || fail "other scores"
    run eval --type retrieval --data . --dataset toy --task tune --split test2 --size-txt 7 \
        --checkpoint tuned/best.safetensors --output ''
    expect_status 0; expect_err "was fine-tuned with size_txt 8, this is 7"
}

lists_without_splits_are_whole() {
    for i in 1 2 3; do echo "{\"video\": \"v$i\", \"caption\": \"man $i\"}"; done >mine.jsonl
    run eval --type retrieval --data . --dataset toy --items mine.jsonl --checkpoint m.safetensors --size-img 32 \
        --size-txt 8 --output any
    expect_status 0; expect_out "retrieval on mine.jsonl, all: m.safetensors"; expect_out "3 captions"
}

# Whether predictions can be written is known before the work; if in the end they cannot, the metrics are still told.
predictions_lose_no_metrics() {
    run eval args.json --data . --output nowhere --predictions gone/p.jsonl; expect_status 1; expect_err "gone/p.jsonl"
    case $err in *pairs*) fail "after the work";; esac
    (ulimit -f 24; "$VIOLET" eval args.json --data . --output full --predictions p.jsonl >out.txt 2>err.txt </dev/null)
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="eval with little room"
    expect_status 1; expect_out "R@10"; expect_err "write 'p.jsonl"
    [ -s full/result.json ] || fail "no result"
}

wrong_usage_is_told() {
    run eval args.json --data . --top 0; expect_error 2 "top"
    run eval args.json --data . --typ x; expect_error 2 "did you mean 'type'"
    run eval args.json --data . --type pretrain --output w; expect_error 1 "expected retrieval, qamc, qaoe or fib"
    run eval args.json --data . --path-ckpt a.safetensors --output w; expect_error 1 "has no head that matches"
    run eval args.json --data . --split dev --output w; expect_error 1 "dev"
    run help eval; expect_status 0; expect_out "--cache-dtype"; expect_out "--shard"
}

for t in eval_tells json_is_alone_on_stdout questions_have_two_denominators interrupt_goes_on \
    killed_goes_on parts_are_put_together training_args_are_evaluated sizes_are_the_checkpoints \
    lists_without_splits_are_whole predictions_lose_no_metrics wrong_usage_is_told; do
    test_case $t $t
done
finish
