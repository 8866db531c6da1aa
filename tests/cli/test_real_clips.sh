#!/usr/bin/env bash
# Seven real MSR-VTT clips learnt by heart by a small model, from the video files to the answers: frames are taken,
# each task is fine-tuned, and the files themselves are evaluated, searched and asked about. Captions and questions
# were written for this project (tests/data/txt_msrvtt*.json). About 20 s of one core; QUICK leaves it out.
. "$(dirname "$0")/harness.sh"
CLIPS=$ROOT/../shared/data/msrvtt
SIZES="--size-img 64 --size-txt 20 --size-frame 3"
REASON=
[ -d "$CLIPS" ] || REASON="no clips at ../shared/data/msrvtt"
[ -z "${QUICK:-}" ] || REASON="QUICK is set"

cp "$ROOT"/tests/data/txt_msrvtt*.json .
printf '{"preset": "tiny", "embed_dim": 8, "depths": [1, 1, 1, 1], "heads": [1, 1, 2, 2], "window": [2, 4, 4],
 "hidden": 64, "ct_layers": 2, "ct_heads": 2, "ct_mlp": 128}' >small.json
printf '{"config": "small.json", "data": ".", "dataset": "clips", "size_img": 64, "size_txt": 20, "size_frame": 3,
 "lr": 1e-3, "clip": 1, "warmup": 0.1, "schedule": "linear", "drop": 0, "drop_path": 0, "save_every": 0,
 "save_seconds": 600, "valid_split": "", "test_split": "train", "threads": 1}' >args.json
if [ -z "$REASON" ]; then "$VIOLET" extract-frames --path "$CLIPS" --output img_clips --sample 3 --max-side 320 >made.txt 2>&1 || exit 1; fi

# learn TYPE TASK BATCH EPOCHS ...: the run's folder is TYPE
learn() {
    [ -z "$REASON" ] || skip "$REASON"
    run finetune args.json --type "$1" --task "$2" --size-batch "$3" --size-epoch "$4" --output "$1" "${@:5}"
    expect_status 0
}

# evaluate TYPE TASK: over the files of the clips, not over the pictures that were learnt from
evaluate() {
    run eval --type "$1" --task "$2" --data . --split train --videos "$CLIPS" $SIZES --threads 1 --output "" \
        --checkpoint "$1/best.safetensors"
    expect_status 0
}

# right NAME ITEMS LINES: so many lines say 100 % of so many items
right() {
    local n
    n=$(grep -cE "^ +$1 +100\.00 % .* n $2\$" out.txt)
    [ "$n" -ge "$3" ] || fail "expected $3 lines '$1 100.00 % ... n $2'"
}

# Best first: the line that is to be the first has this at its end.
first_is() { [[ $(head -1 out.txt) == *"  $1" ]] || fail "expected '$1' first"; }

retrieval_finds_every_clip() {
    learn retrieval msrvtt 7 80
    expect_out "recall_1 100.0%"
    evaluate retrieval msrvtt
    expect_out "left out: 3 of 10 videos, with 3 of 10 items: 3 unknown" # captions of clips that are not here
    right R@1 7 2                                                       # both directions
    run score "$CLIPS/video7012.mp4" "judges in red chairs watch a girl sing with a flower in her hair" \
        "a man in a blue shirt and a brown jacket talks at his desk and moves his hands" --checkpoint retrieval/best.safetensors
    expect_status 0; first_is "a man in a blue shirt and a brown jacket talks at his desk and moves his hands"
}

# Asked about three clips, the same question has three answers; and three about one clip have three.
open_questions_are_answered() {
    learn qaoe msrvtt-qa 16 200
    expect_out "accuracy 100.0%"
    evaluate qaoe msrvtt-qa
    right all 16 2
    local k
    for k in 7012:blue 7013:purple 7015:green; do
        run ask "$CLIPS/video${k%:*}.mp4" "what colour is the shirt?" --checkpoint qaoe/best.safetensors
        expect_status 0; first_is "${k#*:}"
    done
    run ask "$CLIPS/video7015.mp4" "what is behind the man?" --checkpoint qaoe/best.safetensors
    expect_status 0; first_is staircase
}

# From the weights of retrieval, whose matching head serves.
choices_are_answered() {
    [ -n "$REASON" ] || [ -s retrieval/best.safetensors ] || skip "retrieval has no weights"
    learn qamc msrvtt-choice 10 120 --checkpoint retrieval/best.safetensors
    expect_out "accuracy 100.0%"
    evaluate qamc msrvtt-choice
    right all 10 1
    run ask "$CLIPS/video7013.mp4" "what does the man do?" --checkpoint qamc/best.safetensors --options \
        "he dances by the stairs" "he writes on a board" "he talks in a chair" "he paints eggs"
    expect_status 0; first_is "he writes on a board"
}

for t in retrieval_finds_every_clip open_questions_are_answered choices_are_answered; do
    test_case $t $t
done
finish
