#!/usr/bin/env bash
# Commands, options, help, and how violet fails.
. "$(dirname "$0")/harness.sh"

version() { run --version; expect_status 0; expect_out "violet 0."; }

help_lists_commands() {
    run help; expect_status 0
    for c in pretrain make-corpus extract-frames extract-tsv extract-vq train-dvae link convert plan info help man; do expect_out "  $c "; done
    cp out.txt first.txt
    run --help; expect_status 0; cmp -s out.txt first.txt || fail "--help differs from help"
    run; expect_status 2
}

help_on_each_command() {
    for c in pretrain make-corpus extract-frames extract-tsv extract-vq train-dvae link convert plan info help man; do
        run help $c; expect_status 0; expect_out "Usage: violet $c"
        cp out.txt first.txt
        run $c --help; expect_status 0; cmp -s out.txt first.txt || fail "$c --help differs"
    done
    run help pretrain; expect_out "--size-batch"; expect_out "learning rate"
    run help nonsense; expect_error 2 "unknown command 'nonsense'"
}

unknown_commands_suggest() {
    run pretrian; expect_error 2 "unknown command 'pretrian'; did you mean 'pretrain'?"
    run inf; expect_error 2 "did you mean 'info'?"
    run xyzzyxyzzy; expect_error 2 "'violet help' lists them"
    run --verison; expect_error 2 "unknown command"
}

unknown_options_suggest() {
    run plan --size-btach 3; expect_error 2 "did you mean 'size_batch'?"
    run pretrain --lrr=1; expect_error 2 "did you mean 'lr'?"
    run info --verbse x; expect_error 2 "unknown option '--verbse'"
}

bad_values_are_told() {
    run plan --size-batch many; expect_error 2 "size_batch is 'many', expected a whole number from"
    run plan --size-batch -3; expect_error 2 "size_batch"
    run plan --size-batch 99999999999999999999; expect_error 2 "size_batch"
    run plan --drop nan; expect_error 2 "drop"
    run plan --compat v9; expect_error 2 "expected one of none|violet1"
    run plan --size-batch; expect_error 2 "its value is missing"
    run plan a.json b.json; expect_error 2 "expected one ARGS.json"
    run man x; expect_error 2 "expected no argument"
    run info; expect_error 2 "expected a file"
    run info --diff a; expect_error 2 "--diff expects two files, found 1"
    run info --diff a b c; expect_error 2 "found 3"
    run info --diff --for qaoe a b; expect_error 2 "not both"
    run info --for; expect_error 2 "option --for: its value is missing"
    run info --config tiny a; expect_error 2 "of use with --for only"
}

bad_json_has_its_place() {
    printf '{\n  "size_batch": 3,\n  "lr": }\n' >bad.json
    run plan bad.json; expect_error 1 "bad.json line 3 column "
    printf '{"size_batch": 3, "size_batch": 4}' >twice.json
    run plan twice.json; expect_error 1 "twice.json line 1"
    printf '[1]' >list.json
    run plan list.json; expect_error 2 "list.json: "
    printf '{"size_batch": "three"}' >word.json
    run pretrain word.json; expect_error 2 "word.json: option size_batch is 'three'"
    printf '{"size_btch": 3}' >unknown.json
    run pretrain unknown.json; expect_error 2 "did you mean 'size_batch'?"
    printf '' >empty.json
    run plan empty.json; expect_error 1 "empty.json line 1"
}

missing_files() {
    run plan nowhere.json; expect_error 1 "nowhere.json"
    run pretrain nowhere.json; expect_error 1 "No such file"
    run info nowhere.tsv; expect_error 1 "open 'nowhere.tsv': No such file"
    run pretrain --data nowhere --output out; expect_status 1; expect_err "nowhere"
    run plan --config nowhere.json; expect_error 1 "nowhere.json"
    run plan --config nowhere.safetensors; expect_error 1 "nowhere.safetensors"
}

unwritable_folder() {
    [ "$(id -u)" -eq 0 ] && output=/proc/violet || { mkdir -p locked; chmod 500 locked; output=locked/run; }
    run pretrain --config tiny --data . --output $output
    expect_status 1; expect_one_line
}

full_disk() {
    [ -w /dev/full ] || skip "no /dev/full"
    "$VIOLET" help >/dev/full 2>err.txt
    status=$? out= err=$(cat err.txt) ran="violet help >/dev/full"
    expect_error 1 "cannot write"
}

flags_win_over_the_file() {
    printf '{"type": "pretrain", "size_img": 64, "size_batch": 2, "size_epoch": 3, "task": "x"}' >args.json
    run plan args.json --json; expect_status 0
    two=$(grep '"step_flops"' out.txt)
    run plan --json --size-batch 4 args.json; expect_status 0
    [ "$two" != "$(grep '"step_flops"' out.txt)" ] || fail "the flag changed nothing"
    run plan args.json --json --size_batch=2; [ "$two" = "$(grep '"step_flops"' out.txt)" ] || fail "differs"
}

plan_tells() {
    run plan; expect_status 0; expect_out "197.6 M"; expect_out "116.9 GFLOP"; expect_out "memory"
    run plan --peak 100; expect_status 0; expect_out "samples/s"
    printf '{"type": "retrieval", "task": "x", "items": "y", "patience": 3, "test_split": "test", "size_txt": 25,
        "size_batch": 6, "path_ckpt": "./not/there.pt"}' >args_ret.json
    run plan args_ret.json; expect_status 0; expect_out "6 texts a video)"; expect_out "159.7 M"
    printf '{"type": "qaoe", "size_vocab": 10, "size_batch": 10}' >args_qaoe.json
    run plan args_qaoe.json --json; expect_status 0; expect_out '"attended_flops": 0,'; expect_out '"text_passes": 1'
    run plan --type caption; expect_error 1 "expected pretrain, retrieval"
    run plan --size-img 100; expect_error 1 "multiples of 32"
    run plan --size-batch 1000000 --accumulate 1000000; expect_status 0; expect_out "from smaller batches"
}

man_page_is_troff() {
    run man; expect_status 0; expect_out ".TH VIOLET 1"; expect_out "\\-\\-size\\-batch"
    expect_out ".SH EXIT STATUS"
    command -v groff >/dev/null || skip "no groff"
    groff -man -Tutf8 -ww out.txt >page.txt 2>err.txt || fail "groff fails"
    [ ! -s err.txt ] || { err=$(cat err.txt); fail "groff warns"; }
}

for t in version help_lists_commands help_on_each_command unknown_commands_suggest \
    unknown_options_suggest bad_values_are_told bad_json_has_its_place missing_files \
    unwritable_folder full_disk flags_win_over_the_file plan_tells man_page_is_troff; do
    test_case $t $t
done
finish
