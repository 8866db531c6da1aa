#!/usr/bin/env bash
# A model of the published size goes to PyTorch and back without a bit changed: ours as torch.load
# takes it, PyTorch's as we read it, both containers, float32 and float16. Values follow from the
# parameters' names; exchange.py makes them with numpy. QUICK: the tiny configuration.
#
# PyTorch is looked for in $VIOLET_TORCH_PYTHON, then where bench/peer/setup puts it. What of this
# needs no PyTorch: tests/unit/test_torch_files.c.
. "$(dirname "$0")/harness.sh"
PYTHON=${VIOLET_TORCH_PYTHON:-$ROOT/bench/peer/venv/bin/python}
MODEL="--config $([ -n "${QUICK:-}" ] && echo tiny || echo violet1) --seed 5"

# One process for all: loading PyTorch takes longer than what is asked of it.
have_torch=
if "$PYTHON" -c 'import importlib.util as u; exit(not (u.find_spec("torch") and u.find_spec("numpy")))' 2>/dev/null; then
    have_torch=1
    mkfifo asked answered || exit 1
    "$PYTHON" -B "$ROOT/tests/cli/exchange.py" serve <asked >answered 2>serve.txt &
    exec 7>asked 8<answered
fi
need_torch() {
    [ -n "$have_torch" ] || skip "exchange with PyTorch: no PyTorch (VIOLET_TORCH_PYTHON, or bench/peer/setup)"
}
exchange() {
    ran="exchange $*"
    echo "$*" >&7
    read -r status <&8 || { status=1 out='' err=$(tail -1 serve.txt); fail "it is no longer there"; }
    out=$(cat out.txt) err=$(cat err.txt)
}
hash_model() {
    "$BUILD/hash-model" "$@" >out.txt 2>err.txt
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="hash-model $*"
}

# ours DTYPE
ours() {
    need_torch
    hash_model $MODEL --dtype "$1" ours.pt
    expect_status 0
    exchange check ours.pt $MODEL --dtype "$1"
    expect_status 0
    expect_out " tensors, "
    if command -v unzip >/dev/null; then
        unzip -tq ours.pt >out.txt 2>err.txt
        status=$? out=$(cat out.txt) err=$(cat err.txt) ran="unzip -tq ours.pt"
        expect_status 0
    fi
    rm ours.pt
}

# theirs DTYPE [--legacy]
theirs() {
    need_torch
    exchange write theirs.pt $MODEL --dtype "$@"
    expect_status 0
    run convert theirs.pt back.safetensors
    expect_status 0
    exchange compare back.safetensors $MODEL --dtype "$1"
    expect_status 0
    expect_out " tensors"
    rm theirs.pt back.safetensors
}

# The comparison itself can fail: another seed, another type, a tensor more.
sees_differences() {
    need_torch
    local tiny="--config tiny"
    hash_model $tiny --seed 5 a.pt
    expect_status 0
    exchange check a.pt $tiny --seed 6
    expect_status 1
    expect_err "differs"
    exchange check a.pt $tiny --seed 5 --dtype float16
    expect_status 1
    hash_model $tiny --seed 5 --heads match b.pt
    exchange check b.pt $tiny --seed 5
    expect_status 1
    expect_err "names differ"
    run convert a.pt back.safetensors
    expect_status 0
    exchange compare back.safetensors $tiny --seed 6
    expect_status 1
    expect_err "differs"
}

# Needs no PyTorch: what hash-model writes is one model in both formats, and what was asked for.
made_models() {
    hash_model --config tiny --seed 5 a.pt
    expect_status 0
    hash_model --config tiny --seed 5 a.safetensors
    expect_status 0
    run info --diff a.pt a.safetensors
    expect_status 0
    hash_model --config a.pt --seed 6 b.pt
    expect_status 0
    run info --diff a.pt b.pt
    expect_status 1
    hash_model --config tiny --heads answer --dtype bfloat16 c.pt
    expect_status 0
    run info c.pt
    expect_out "fc (1000 answers)"
    expect_out "bfloat16"
    hash_model --config tiny --seed x d.pt
    expect_status 2
    hash_model --config tiny --heads all d.pt
    expect_status 2
    hash_model --config tiny d.onnx
    expect_status 2
    expect_err ".safetensors, .pt"
    [ ! -e d.pt ] || fail "d.pt is there"
}

test_case made_models made_models
test_case ours_float32 ours float32
test_case ours_float16 ours float16
test_case theirs_zip_float32 theirs float32
test_case theirs_zip_float16 theirs float16
test_case theirs_legacy_float32 theirs float32 --legacy
test_case theirs_legacy_float16 theirs float16 --legacy
test_case sees_differences sees_differences
finish
