#!/usr/bin/env bash
# violet info on every kind of file, whole, cut and broken. tests/unit/test_info.c makes the kinds
# that a shell cannot.
. "$(dirname "$0")/harness.sh"

json_kinds() {
    printf '{"train": {"v1": ["a", "b"], "v2": ["c"]}, "val": {}}' >txt_a.json
    run info txt_a.json; expect_status 0; expect_out "captions (pretraining)"; expect_out "captions         3"
    printf '{"train": [{"video": "a", "caption": "x"}, {"video": "a", "caption": "y"}]}' >txt_b.json
    run info txt_b.json; expect_status 0; expect_out "retrieval"; expect_out "entries          2"
    printf '{"test": [{"video": "a", "question": "x", "option_0": "y", "answer": 0}]}' >txt_c.json
    run info txt_c.json; expect_status 0; expect_out "multiple choice"
    printf '{"test": [{"video": "a", "question": "x", "answer": -1}], "vocab": {"yes": 0}}' >txt_d.json
    run info txt_d.json; expect_status 0; expect_out "open-ended"; expect_out "not in vocab 1"
    printf '{"type": "pretrain", "lr": 2e-5}' >args.json
    run info args.json; expect_status 0; expect_out "arguments of a run"; expect_out "2e-05"
    printf '{"cc3m": {"ls_mtm": [3, 2], "ac_mtm": [0.1, 0.25]}}' >log.json
    run info log.json; expect_status 0; expect_out "log of a run"; expect_out "0.25"
    printf '{"a": [1, }' >bad.json
    run info bad.json; expect_error 1 "bad.json line 1 column"
    printf '{}' >none.json; run info none.json; expect_status 0
    printf '[1, 2]' >list.json; run info list.json; expect_status 0; expect_out "entries"
}

# The same entries in other files are told the same; other records by their fields.
records() {
    printf '[{"video": "a", "question": "x", "option_0": "y", "option_1": "z", "answer": -1}]' >txt_e_test.json
    run info txt_e_test.json; expect_status 0; expect_out "multiple choice"; expect_out "answers not known    1"
    printf '\357\273\277{"video": "a", "caption": ["x", "y"], "split": "train"}\n\n{"video": "b", "caption": ["x"]}\n' >txt_f.jsonl
    run info txt_f.jsonl; expect_status 0; expect_out "captions (retrieval), an object a line"
    expect_out "captions         2"; expect_out "without a split"
    printf '{"video": "a", "question": "x", "answer": "y"}\n{"video": "a", "question": "z", "answer": -1}' >txt_g_val.jsonl
    run info txt_g_val.jsonl; expect_status 0; expect_out "questions, open-ended, an object a line"
    expect_out "entries              2"; expect_out "videos               1"; expect_out "not in vocab 1"
    printf 'video,question,option_0,option_1,option_2,answer,split\na,x,y,z,,0,val\nb,x,y,z,"u, v",-1,val\n' >txt_h.csv
    run info txt_h.csv; expect_status 0; expect_out "questions, multiple choice, a table"; expect_out "val"
    expect_out "columns"; expect_out "options          2 to 3"; expect_out "answers not known 1"
    run info txt_h.csv --json; expect_status 0; expect_out '"entries": 2'
    printf 'video,caption\n' >none.csv; run info none.csv; expect_status 0; expect_out "columns"; expect_out "rows                 0"
    printf '{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 1.25}\n' >steps.jsonl
    run info steps.jsonl; expect_status 0; expect_out "lines                2"; expect_out "1.25"
    printf '{"video": "a", "caption": "x", "top": [{"video": "a"}]}\n' >p.jsonl
    run info p.jsonl; expect_status 0; expect_out "fields               video, caption, top"
    printf '{"a": 1}\n{"b": }\n' >bad.jsonl; run info bad.jsonl; expect_error 1 "bad.jsonl line 2 byte"
    printf '{"a": %s%s}\n' "$(printf '[%.0s' $(seq 200))" "$(printf ']%.0s' $(seq 200))" >deep.jsonl
    run info deep.jsonl; expect_error 1 "brackets"
    printf 'a,b\n1\n' >bad.csv; run info bad.csv; expect_error 1 "bad.csv line 2"
}

line_indices() {
    printf '0\n10\n25\n' >a.lineidx
    run info a.lineidx; expect_status 0; expect_out "lines                3"
    printf '0\n10\n5\n' >b.lineidx; run info b.lineidx; expect_error 1 "entry 3: 5, expected more than 10"
    printf '0\nten\n' >c.lineidx; run info c.lineidx; expect_error 1 "entry 2: expected a byte offset"
    printf '0\n99999999999999999999999\n' >d.lineidx; run info d.lineidx; expect_error 1 "entry 2"
    printf '\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0' >e.lineidx.8b
    run info e.lineidx.8b; expect_status 0; expect_out "lines                2"
    printf '\0\0\0\0\0' >f.lineidx.8b; run info f.lineidx.8b; expect_error 1 "expected a byte offset"
}

videos() {
    { printf 'YUV4MPEG2 W16 H32 F5:1 Ip A1:1 C420\n'
      for i in 1 2 3; do printf 'FRAME\n'; head -c 768 /dev/zero; done; } >v.y4m
    run info v.y4m; expect_status 0; expect_out "video"; expect_out "16x32"; expect_out "rawvideo"
    # the same bytes on every run: random ones may look like something else
    { printf 'x'; seq 1 40 | tr '0-9\n' '\201-\212\213'; } >noise2.mp4
    run info noise2.mp4; expect_error 1 "noise2.mp4: expected a video"
}

checkpoints_and_pickles() {
    run info "$ROOT/tests/golden/checkpoints/expected_float32.safetensors" --verbose
    expect_status 0; expect_out "safetensors"; expect_out "deviation"; expect_out "not finite"
    for p in 2 3 4 5; do
        run info "$ROOT/tests/golden/checkpoints/numpy_proto$p.pkl"; expect_status 0; expect_out "pickle"
    done
    run info "$ROOT/tests/golden/checkpoints/evil.pkl"; expect_status 1; expect_one_line
    run info "$ROOT/tests/golden/checkpoints/state_zip.pt"; expect_status 0; expect_out "PyTorch, zip"
    run info "$ROOT/tests/golden/checkpoints/nested_ddp.pt" --verbose
    expect_status 0; expect_out "names without        state_dict.module."; expect_out "view_t"
    run info "$ROOT/tests/golden/checkpoints/state_legacy.pt"; expect_status 0; expect_out "PyTorch, legacy"; expect_out "tensors              13"
    printf 'PK\3\4' >no.pt; run info no.pt; expect_error 1 "no central directory"
}

cut_files() {
    for f in expected_float32.safetensors numpy_proto4.pkl plain_proto2.pkl state_zip.pt state_legacy.pt; do
        size=$(stat -c %s "$ROOT/tests/golden/checkpoints/$f")
        for n in 1 2 7 9 40 100 $((size / 2)) $((size - 1)); do
            [ "$n" -lt "$size" ] || continue
            head -c $n "$ROOT/tests/golden/checkpoints/$f" >"$f"
            run info "$f"; expect_status 1; expect_one_line
        done
    done
}

odd_files() {
    : >empty.bin; run info empty.bin; expect_error 1 "the file is empty"
    : >empty.tsv; run info empty.tsv; expect_status 0; expect_out "rows                 0"
    printf '<html>no model here</html>' >page.pt
    run info page.pt; expect_error 1 "page.pt: of an unknown format, expected a file of tensors"
    mkdir folder; run info folder; expect_error 1 "this is a folder"
    mkfifo pipe; timeout 5 "$VIOLET" info pipe </dev/null >out.txt 2>err.txt & pid=$!
    : >pipe; wait $pid; status=$? out=$(cat out.txt) err=$(cat err.txt) ran="info pipe"
    expect_error 1 "pipe"
    printf 'id\tnot base64!\n' >bad.tsv; run info bad.tsv; expect_status 1; expect_one_line
    printf '\377\330\377\340cut' >cut.jpg; run info cut.jpg; expect_error 1 "cut.jpg: "
    printf 'a\033[31mb\tx' >escape.tsv; run info escape.tsv; expect_status 1
    [[ $err != *$'\033'* ]] || fail "an escape reached the terminal"
    printf '{"a": 1}' >"$(printf 'odd\nname.json')"; run info "$(printf 'odd\nname.json')"; expect_status 0
    printf '{"a": 1}' >-dash.json; run info -- -dash.json; expect_status 0
}

several_files_and_json() {
    printf '{"a": 1}' >a.json; printf '0\n4\n' >a.lineidx
    run info a.json nowhere a.lineidx; expect_status 1; expect_out "settings"; expect_out "line index"
    expect_err "nowhere"
    run info --json a.lineidx; expect_status 0; expect_out '"lines": 2'
}

for t in json_kinds records line_indices videos checkpoints_and_pickles cut_files odd_files \
    several_files_and_json; do
    test_case $t $t
done
finish
