#!/usr/bin/env bash
# violet convert, and info --diff and --for: arguments, refusals, exit codes, files there and back.
# tests/unit/test_convert.c looks at the bits.
. "$(dirname "$0")/harness.sh"
CHECKPOINTS=$ROOT/tests/golden/checkpoints
MADE=$PWD


# y4m FILE GREY: 4 frames of 32 x 32 pixels
y4m() {
    printf 'YUV4MPEG2 W32 H32 F25:1 A1:1 C420jpeg\n' >"$1"
    for k in 1 2 3 4; do
        printf 'FRAME\n'
        printf "\\x$(printf %x $((k * 8 + $2)))%.0s" $(seq 1536)
    done >>"$1"
}
mkdir videos
for i in 1 2 3 4; do y4m videos/v$i.y4m $((i * 10)); done
printf '{"train": {"v1": ["a"], "v2": ["b"], "v3": ["c"], "v4": ["d"]}}' >captions.json
toy_model
"$VIOLET" pretrain --videos videos --config small.json --data . --dataset captions --size-img 32 --size-frame 2 \
    --size-txt 8 --size-batch 2 --threads 1 --steps 2 --output run >run.txt 2>&1 || cat run.txt

help_tells() {
    run help convert; expect_status 0
    expect_out "Usage: violet convert IN OUT"; expect_out "--dtype"; expect_out "--only"
    expect_out "--drop"; expect_out "--force"; expect_out ".safetensors"
    run help info; expect_out "--diff"; expect_out "--for"
    run man convert; expect_out "violet convert"; expect_out "\\-\\-dtype"
}

wrong_arguments() {
    run convert; expect_error 1 "expected IN and OUT"
    run convert one; expect_error 2 "expected IN and OUT, found 1 argument"
    run convert one two three; expect_error 2 "found 3 arguments"
    run convert one two.pt --dtype int8; expect_error 2 "expected one of same|float32|bfloat16|float16"
    run convert one two.pt --dtpye float16; expect_error 2 "did you mean 'dtype'?"
    run convert one two.pt --only; expect_error 2 "its value is missing"
    run convert nowhere.pt two.pt; expect_error 1 "nowhere.pt"
    run convert "$CHECKPOINTS/state_zip.pt" two.onnx
    expect_error 1 "two.onnx: its ending tells no format, expected .safetensors, .pt, .pth, .bin or .pkl"
    run convert "$CHECKPOINTS/state_zip.pt" nowhere/two.pt; expect_error 1 "nowhere/two.pt"
    run convert "$CHECKPOINTS/evil.pkl" two.pt; expect_error 1 "evil.pkl"
    [ ! -e two.pt ] || fail "two.pt was written"
}

there_and_back() {
    run convert "$CHECKPOINTS/nested_ddp.pt" a.safetensors; expect_status 0
    expect_out "a.safetensors: 13 tensors, 89 parameters"; expect_out "names without 'state_dict.module.'"
    run convert a.safetensors b.pt; expect_status 0; expect_out "b.pt: 13 tensors"
    run convert -- b.pt c.safetensors; expect_status 0
    cmp -s a.safetensors c.safetensors || fail "other bytes after there and back"
    run convert --input a.safetensors --output=d.bin; expect_status 0
    cmp -s b.pt d.bin || fail "the name of a file changes its bytes"
    run info --diff b.pt "$CHECKPOINTS/nested_ddp.pt"; expect_status 0; expect_out "equal              13"
}

refusals() {
    run convert "$CHECKPOINTS/state_zip.pt" a.pt; expect_status 0
    run convert "$CHECKPOINTS/state_legacy.pt" a.pt; expect_error 1 "a.pt is there already; --force replaces it"
    run convert "$CHECKPOINTS/state_legacy.pt" a.pt --force; expect_status 0
    ln -s a.pt link.safetensors
    run convert a.pt link.safetensors --force; expect_error 1 "are one file"
    run convert a.pt ./a.pt --force; expect_error 1 "are one file"
    run convert a.pt b.pt --only 'a.*,nothing*'; expect_error 1 "--only 'nothing*' fits none of the 13 names"
    run convert a.pt b.pt --drop '*'; expect_error 1 "none of its 13 tensors would go along"
    mkdir folder.pt
    run convert a.pt folder.pt --force; expect_error 1 "folder.pt is a folder"
    [ ! -e b.pt ] || fail "b.pt was written"
    [ -z "$(find . -name '*.tmp.*')" ] || fail "a temporary file is left"
}

patterns_and_types() {
    run convert "$CHECKPOINTS/state_zip.pt" a.safetensors --only 'a.*,half,long' --drop '*.bias' --dtype bfloat16
    expect_status 0; expect_out "3 tensors"; expect_out "left out as asked: 10 tensors"; expect_out "bfloat16, int64"
    run info --verbose a.safetensors; expect_out "a.weight"; expect_out "long"
    [[ $out != *a.bias* ]] || fail "a.bias was to be dropped"
}

a_run_becomes_weights() {
    [ -s "$MADE/run/last.safetensors" ] || { ran=nothing; fail "no run to convert"; }
    run convert "$MADE/run/last.safetensors" last.pt; expect_status 0
    expect_out "moments of AdamW"; expect_out "left out: the state of a training run"
    expect_out "'fc_mtm.predictions.bias' also as 'fc_mtm.predictions.decoder.bias'"
    run info last.pt; expect_status 0; expect_out "training state       no"; expect_out "embed_dim        4"
    expect_out "second names         1"
    run info --diff last.pt "$MADE/run/last.safetensors"; expect_status 1; expect_out "only in b"
    expect_out "second names       1"; expect_out "adam.m/"
    run convert last.pt weights.safetensors; expect_status 0
    run info --diff weights.safetensors last.pt; expect_status 0; expect_out "has the same tensors"
    run convert "$MADE/run/last.safetensors" copy.safetensors; expect_status 0
    cmp -s "$MADE/run/last.safetensors" copy.safetensors || fail "a copy has other bytes"
    cp -r "$MADE/run" "$MADE/again" && mv copy.safetensors "$MADE/again/last.safetensors" && cd "$MADE" || exit 1
    run pretrain run/args.json --output again --steps 3 --resume; expect_status 0; expect_out "step 3/3"
}

differences_have_exit_codes() {
    "$VIOLET" convert "$CHECKPOINTS/state_zip.pt" a.pt >/dev/null
    "$VIOLET" convert a.pt b.safetensors --dtype float16 --drop long >/dev/null
    run info --diff a.pt b.safetensors; expect_status 1; expect_out "a.pt: differs"
    expect_out "only in a          1"; expect_out "other type"; expect_out "largest difference"
    run info --diff --json a.pt b.safetensors; expect_status 1; expect_out '"only in a": ['; expect_out '"name": "long"'
    run info --diff a.pt a.pt; expect_status 0
    run info --diff a.pt nowhere.pt; expect_error 2 "nowhere.pt"
    run info --diff a.pt "$CHECKPOINTS/evil.pkl"; expect_error 2 "evil.pkl"
    run info --diff a.pt; expect_error 2 "expects two files"
}

what_a_task_would_take() {
    [ -s "$MADE/run/last.safetensors" ] || { ran=nothing; fail "no run to look at"; }
    run info --for pretrain "$MADE/run/last.safetensors"; expect_status 0; expect_out "VIOLET"
    run info --for=qaoe "$MADE/run/last.safetensors"; expect_status 0; expect_out "fc.3.weight"
    run info --for fib "$MADE/run/last.safetensors"; expect_status 0; expect_out "as a model for fib"
    run info --for retrieval --json "$MADE/run/last.safetensors"; expect_status 0; expect_out '"matched"'
    run info --for chess "$MADE/run/last.safetensors"; expect_error 2 "expected pretrain, retrieval, qamc, qaoe or fib"
    run info --for qamc "$CHECKPOINTS/state_zip.pt"; expect_status 1; expect_err "state_zip.pt"
    head=$(printf '{"__metadata__":{"config":"{\\"hidden\\": \\"many\\"}"},"fc.1.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
    { printf "\\x$(printf %02x ${#head})\0\0\0\0\0\0\0"; printf '%s1234' "$head"; } >bad.safetensors
    run info --for qaoe bad.safetensors; expect_error 1 "bad.safetensors: metadata 'config': 'hidden'"
    mkdir -p folder.pt; run info --for qaoe folder.pt; expect_error 1 "folder.pt"
    run info --for qamc --config tiny "$MADE/run/last.safetensors"; expect_status 1; expect_err "last.safetensors"
    printf '{"preset": "tiny", "embed_dim": 4, "hidden": 32, "heads": [1, 2, 2, 2], "depths": [1, 1, 1, 1],
     "ct_layers": 1, "ct_heads": 2, "ct_mlp": 32, "grid": [3, 3]}' >three.json
    run info --for pretrain --config three.json "$MADE/run/last.safetensors"; expect_status 1
    expect_out "does not fit, a run refuses it: enc_img.emb_pos: was learned on 1 x 1 patches"; expect_err "3 x 3"
    run info --for pretrain --config three.json --interpolate "$MADE/run/last.safetensors"; expect_status 0
    expect_out "grid of 1 x 1 patches interpolated to 3 x 3"
    run info --interpolate "$MADE/run/last.safetensors"; expect_error 2 "--interpolate is of use with --for only"
    run convert "$MADE/run/last.safetensors" three.pt --config three.json; expect_status 0
    run info --for pretrain --config three.json three.pt; expect_status 0
    run convert three.pt lost.pt --drop enc_img.emb_cls; expect_status 0
    run info --for pretrain lost.pt; expect_status 0; expect_out "not in the file, keep what they had: enc_img.emb_cls"
    # one that says no sizes, and whose shapes do not tell them
    head='{"enc_img.emb_pos":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    { printf "\\x$(printf %02x ${#head})\0\0\0\0\0\0\0"; printf '%s1234' "$head"; } >lost.safetensors
    run info --for pretrain lost.safetensors
    expect_error 1 "lost.safetensors: its sizes cannot be told, --config gives them"; expect_err "enc_img.swin.patch_embed.proj.weight"
    # a value that is not finite
    head='{"fc.1.bias":{"dtype":"F32","shape":[64],"data_offsets":[0,256]}}'
    { printf "\\x$(printf %02x ${#head})\0\0\0\0\0\0\0"; printf %s "$head"; printf '\0\0\300\177'
      head -c 252 /dev/zero; } >nan.safetensors
    run info --for qamc --config three.json nan.safetensors; expect_status 1
    expect_out "would take 1 of"; expect_err "nan.safetensors: tensor 'fc.1.bias': value 0 is nan"
    run info --for qamc --config nowhere.json "$MADE/run/last.safetensors"; expect_status 1; expect_err "nowhere.json"
}

a_full_disk_leaves_nothing() {
    # a limit on the size of files is what a full disk is to a writer
    (ulimit -f 8; "$VIOLET" convert "$MADE/run/last.safetensors" full.pt >out.txt 2>err.txt; echo $? >status.txt)
    status=$(cat status.txt) out='' err=$(cat err.txt) ran="convert with a limit"
    expect_status 1; expect_one_line; expect_err "full.pt"
    [ ! -e full.pt ] || fail "half a file"
    [ -z "$(find . -name '*.tmp.*')" ] || fail "a temporary file is left"
}

# Two GB of zeros that take no place on the disk: long enough to be stopped in the midst of.
# start_long ENV_OPTION: what the program finds a signal set to; it has begun to write then.
start_long() {
    local header='{"t":{"dtype":"F32","shape":[536870912],"data_offsets":[0,2147483648]}}' i
    { printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0"; printf %s "$header"; } >big.safetensors
    truncate -s $((8 + ${#header} + 2147483648)) big.safetensors
    env "$1" "$VIOLET" convert big.safetensors big.pt >out.txt 2>err.txt </dev/null & pid=$!
    for i in $(seq 2000); do
        [ -n "$(find . -name 'big.pt.tmp.*' -size +0)" ] && break
        sleep 0.005
    done
}

written() { stat -c %s big.pt.tmp.* 2>/dev/null || echo 0; }

# stop_by SIGNAL WORDS
stop_by() {
    kill -"$1" $pid; wait $pid
    status=$? out='' err=$(cat err.txt) ran="convert, then $1, $2"
    expect_status 130; expect_err "to go on: violet convert big.safetensors big.pt"
    [ ! -e big.pt ] || fail "big.pt was written"
    [ -z "$(find . -name '*.tmp.*')" ] || fail "a temporary file is left"
}

an_interrupt_leaves_nothing() {
    start_long --default-signal=INT; stop_by INT "as in a terminal"
    start_long --ignore-signal=INT; stop_by INT "behind a script's &" # who asks for it by kill means it
}

a_closed_terminal_leaves_nothing() { start_long --default-signal=HUP; stop_by HUP "in a terminal"; }

# What nohup began does not end with the terminal, but is stopped as ever.
nohup_outlives_a_terminal() {
    local i was
    start_long --ignore-signal=HUP
    kill -HUP $pid; was=$(written)
    for i in $(seq 2000); do
        [ "$(written)" -gt "$was" ] && break
        sleep 0.005
    done
    status=0 out='' err=$(cat err.txt) ran="nohup convert, then HUP"
    [[ $err != *"stopping"* ]] || fail "it stops"
    [ "$(written)" -gt "$was" ] || fail "it does not go on"
    stop_by TERM "after nohup and HUP"
}

# The published encoder's kind of file, for --dvae.
a_dvae_module() {
    local module=$ROOT/../shared/oracle/checkpoints/encoder_module_zip.pkl
    [ -e "$module" ] || skip "no $module"
    run convert "$module" dvae.safetensors; expect_status 0; expect_out "74 tensors"
    run info dvae.safetensors; expect_status 0; expect_out "dVAE checkpoint"
    run info --diff "$module" dvae.safetensors; expect_status 0
    "$VIOLET" extract-frames --path "$MADE/videos" --sample 2 --output frames >/dev/null || fail "no frames"
    run extract-vq --path frames --dvae "$module" --frame 64 --threads 1 --output one; expect_status 0
    run extract-vq --path frames --dvae dvae.safetensors --frame 64 --threads 1 --output two; expect_status 0
    local a=(one*.pkl) b=(two*.pkl)
    cmp -s "${a[0]}" "${b[0]}" || fail "other tokens: ${a[0]} ${b[0]}"
}

in_a_folder() { mkdir "$1"; cd "$1" || exit 1; "$1"; }
for t in help_tells wrong_arguments there_and_back refusals patterns_and_types a_run_becomes_weights \
    differences_have_exit_codes what_a_task_would_take a_full_disk_leaves_nothing \
    an_interrupt_leaves_nothing a_closed_terminal_leaves_nothing nohup_outlives_a_terminal \
    a_dvae_module; do
    test_case $t in_a_folder $t
done
finish
