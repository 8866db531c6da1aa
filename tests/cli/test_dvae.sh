#!/usr/bin/env bash
# From videos to a pretraining with visual tokens of one's own, as docs/DVAE.md has it: train-dvae,
# extract-vq, pretrain, on made-up videos.
. "$(dirname "$0")/harness.sh"

# y4m FILE GREY: 20 frames of 32 x 32 pixels, brighter by 8 from frame to frame
y4m() {
    local k
    printf 'YUV4MPEG2 W32 H32 F25:1 A1:1 C420jpeg\n' >"$1"
    for k in $(seq 20); do
        printf 'FRAME\n'
        printf "\\x$(printf %x $((k * 8 + $2)))%.0s" $(seq 1536)
    done >>"$1"
}
mkdir videos
for i in 1 2 3 4 5 6; do y4m videos/v$i.y4m $((i * 10)); done
echo 'no video' >videos/w.mp4
printf '{"train": {' >captions.json
for i in 1 2 3 4 5 6; do printf '"v%d": ["a grey picture"], ' $i; done >>captions.json
printf '"w": ["none"]}}' >>captions.json
DVAE="--size 16 --n-hid 8 --n-init 8 --n-code 16 --size-batch 4 --threads 1"

train() {
    run train-dvae --path videos --frames 4 --hold 3 --steps 4 --valid-every 2 $DVAE --output dvae
    expect_status 0
    expect_out "16 pictures to train on (in memory), 8 held out"
    expect_out "validation held-out pictures, step 4"
    expect_err "warning: skipped: videos/w.mp4"
    expect_out "1 bad pictures skipped"
    for f in dvae.safetensors last.safetensors contact.png log.json steps.jsonl args.json; do
        [ -s dvae/$f ] || fail "no dvae/$f"
    done
    [ "$(wc -l <dvae/steps.jsonl)" -eq 4 ] || fail "other steps"
}

train_refuses() {
    run train-dvae; expect_error 1 "--path is missing"
    run train-dvae --path nowhere --output other; expect_error 1 "nowhere"
    run train-dvae --path videos --size 17 --output other; expect_error 1 "multiple of 8"
    run train-dvae --path videos --preset huge; expect_error 2 "small"
    run train-dvae --path videos $DVAE --output dvae; expect_status 1; expect_err "--resume"
}

stopped_and_resumed() {
    local pid
    "$VIOLET" train-dvae --path videos $DVAE --steps 1000000 --output long >out.txt 2>err.txt &
    pid=$!
    for i in $(seq 600); do [ "$(wc -l 2>/dev/null <long/steps.jsonl)" ] && break; sleep 0.05; done
    while [ "$(wc -l <long/steps.jsonl)" -lt 3 ]; do sleep 0.05; done
    kill -INT $pid
    wait $pid; status=$? out= err=$(cat err.txt) ran="interrupted train-dvae"
    expect_status 130; expect_err "to go on: violet train-dvae --path videos"; expect_err "--resume"
    local n; n=$(wc -l <long/steps.jsonl)
    run train-dvae --path videos $DVAE --steps $((n + 1)) --output long --resume
    expect_status 0; expect_out "resumed long/last.safetensors at step $n"
    [ "$(wc -l <long/steps.jsonl)" -eq $((n + 1)) ] || fail "other steps"
}

to_pretraining() {
    run extract-frames --path videos --output clips --sample 4; expect_status 0
    run extract-vq --path clips --frame 64 --dvae dvae/dvae.safetensors
    expect_status 0; expect_out "16 codes"
    run link --path clips --dataset clips --split train --captions captions.json; expect_status 0
    echo '{"preset": "tiny", "size_code": 16, "ct_layers": 1}' >model.json
    run pretrain --data _data --dataset clips --valid_split "" --config model.json --size_img 64 \
        --size_batch 3 --steps 1 --threads 1 --output run
    expect_status 0; expect_out "mvm"; [ -s run/last.safetensors ] || fail "no state"
}

test_case train train
test_case train_refuses train_refuses
test_case stopped_and_resumed stopped_and_resumed
test_case to_pretraining to_pretraining
finish
