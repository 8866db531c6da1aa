#!/usr/bin/env bash
# Commands, options, help, and how violet fails.
. "$(dirname "$0")/harness.sh"

COMMANDS=$("$VIOLET" man --list | sed -n 's/^violet-//p')

version() {
    run --version; expect_status 0; expect_out "violet 0."
    expect_out "oneDNN "; expect_out "FFmpeg "; expect_out "processor: "
    [ "$(wc -l <out.txt)" -eq 3 ] || fail "expected three lines"
    VIOLET_ISA=avx2 run --version; expect_out "processor: AVX2; "
    VIOLET_ISA=mmx run --version; expect_status 0; expect_out "expected avx2 or avx512"
}

help_lists_commands() {
    [ "$(wc -w <<<"$COMMANDS")" -ge 16 ] || fail "too few commands: $COMMANDS"
    run help; expect_status 0
    for c in $COMMANDS; do expect_out "  $c "; done
    for g in "Make data" Train Measure "Use on your videos" "Files and plans" Help; do expect_out "
$g:
"; done
    [ -z "$(awk 'length > 80' out.txt)" ] || fail "a line is too long"
    cp out.txt first.txt
    run --help; expect_status 0; cmp -s out.txt first.txt || fail "--help differs from help"
}

alone_it_lists_names() {
    run; expect_status 2; expect_no_out; expect_err "Train               pretrain finetune"
    [ "$(wc -l <err.txt)" -le 12 ] || fail "expected few lines"
    for c in $COMMANDS; do expect_err "$c"; done
}

help_on_each_command() {
    for c in $COMMANDS; do
        run help $c; expect_status 0; expect_out "Usage: violet $c"; expect_out "Examples:
  # "; expect_out "
  violet $c"
        for page in $(sed -n 's|^See also: \(docs/[A-Z_]*.md\).*|\1|p' out.txt); do
            [ -f "$ROOT/$page" ] || fail "there is no $page"
        done
        cp out.txt first.txt
        run $c --help; expect_status 0; cmp -s out.txt first.txt || fail "$c --help differs"
    done
    run help pretrain; expect_out "--size-batch"; expect_out "learning rate"; expect_out "Reads   "; expect_out "Writes  "
    expect_out "--data PATH"; expect_out "--config violet1|tiny|PATH"; expect_out "See also: docs/"
    run help nonsense; expect_error 2 "unknown command 'nonsense'; 'violet help' lists them"
    run help pretrian; expect_error 2 "did you mean 'pretrain'?"
    run help pretrain finetune; expect_error 2 "expected one command, found 2"
}

unknown_commands_suggest() {
    run pretrian; expect_error 2 "unknown command 'pretrian'; did you mean 'pretrain'?"
    run inf; expect_error 2 "did you mean 'info'?"
    run extract; expect_error 2 "did you mean 'extract-frames'?"
    run xyzzyxyzzy; expect_error 2 "'violet help' lists them"
    run --verison; expect_error 2 "unknown command '--verison'; did you mean '--version'?"
}

unknown_options_suggest() {
    run plan --size-btach 3; expect_error 2 "did you mean 'size_batch'?"
    run pretrain --lrr=1; expect_error 2 "did you mean 'lr'?"
    run info --verbse x; expect_error 2 "unknown option 'verbse'; did you mean 'verbose'?"
    run pretrain --batch 3; expect_error 2 "did you mean 'size_batch'?"
}

# What is in the folder is what could have been meant, as pictures, captions or items.
unknown_data_sets_suggest() {
    mkdir -p some/videos_clips
    touch some/img_mine_train_0.tsv some/img_others.pkl some/txt_mine.json some/txt_colours_train.jsonl some/vq_nime.pkl
    run pretrain --config tiny --data some --dataset mien --valid-split "" --output mien; expect_status 1; expect_one_line
    expect_err "data set 'mien': no "; expect_err " in 'some'; did you mean 'mine'?"
    run pretrain --config tiny --data some --dataset other --valid-split "" --output other; expect_err "did you mean 'others'?"
    run pretrain --config tiny --data some --dataset clip --valid-split "" --output clip; expect_err "did you mean 'clips'?"
    run pretrain --config tiny --data some --dataset entirely --valid-split "" --output no; expect_status 1; [[ $err != *"did you mean"* ]] || fail "nothing is near"
    run finetune --config tiny --type qaoe --task colors --dataset mine --data some --output colors; expect_status 1; expect_one_line
    expect_err "task 'colors': no "; expect_err "did you mean 'colours'?"
}

bad_values_are_told() {
    run plan --size-batch many; expect_error 2 "size_batch is 'many', expected a whole number from"
    run plan --size-batch -3; expect_error 2 "size_batch"
    run plan --size-batch 99999999999999999999; expect_error 2 "size_batch"
    run plan --drop nan; expect_error 2 "drop"
    run plan --compat v9; expect_error 2 "expected one of none|violet1"
    run plan --compat vilet1; expect_error 2 "expected one of none|violet1; did you mean 'violet1'?"
    run plan --config tinny; expect_error 1 "preset 'tinny': there are violet1 and tiny; did you mean 'tiny'?"
    echo '{"embed_dmi": 24}' >sizes.json
    run plan --config sizes.json; expect_error 1 "'embed_dmi' is not a size of the model; did you mean 'embed_dim'?"
    run finetune --type retreival --task t --dataset d; expect_error 1 "did you mean 'retrieval'?"
    run eval --type qaeo --task t --dataset d; expect_error 1 "did you mean 'qaoe'?"
    run info --for retreival sizes.json; expect_error 2 "did you mean 'retrieval'?"
    run plan --size-batch; expect_error 2 "its value is missing"
    run plan a.json b.json; expect_error 2 "expected one ARGS.json"
    run man x; expect_error 2 "unknown command 'x'"
    run man info plan; expect_error 2 "expected one command or --list, found 'plan'"
    run completion; expect_error 2 "expected the name of a shell: bash"
    run completion fish; expect_error 2 "there is none for 'fish'"
    run info; expect_error 2 "expected a file"
    run info --diff a; expect_error 2 "--diff expects two files, found 1"
    run info --diff a b c; expect_error 2 "found 3"
    run info --diff --for qaoe a b; expect_error 2 "not both"
    run info --for; expect_error 2 "option for: its value is missing"
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

# What can be wrong is told as by the command itself, files apart.
check_args_runs_nothing() {
    run --check-args; expect_error 2 "expected a command"
    run --check-args pretrain nowhere.json --lr 1e-4; expect_status 0; expect_out "violet pretrain: these arguments can be"
    run --check-args pretrain --lr 11; expect_error 2 "option lr is '11', expected a number from 0 to 10"
    run --check-args pretrain --lrr 1; expect_error 2 "did you mean 'lr'?"
    run --check-args pretrian; expect_error 2 "did you mean 'pretrain'?"
    run --check-args score clip.mp4 --checkpoint a.pt; expect_error 2 "found 1 argument"
    run --check-args score clip.mp4 "a dog" --checkpoint a.pt; expect_status 0
    run --check-args ask clip.mp4 "what?" --options a b; expect_status 0
    run --check-args embed clip.mp4 --output x.npy; expect_status 0
    run --check-args embed clip.mp4 --output x.txt; expect_error 2 "ends in .npy"
    run --check-args convert a.pt; expect_error 2 "expected IN and OUT, found 1 argument"
    run --check-args make-corpus a b; expect_error 2 "expected DIR, found 2 arguments"
    run --check-args convert a.pt b.pt; expect_status 0
    run --check-args info --diff a.pt; expect_error 2 "expects two files"
    run --check-args info a.pt; expect_status 0
    run --check-args plan --size-frame 65; expect_error 2 "size_frame"
    run --check-args plan; expect_status 0
    run --check-args eval a.json --json; expect_status 0; [ "$(wc -l <out.txt)" -eq 1 ] || fail "expected one line"
    run --check-args help; expect_status 0; run --check-args man info; expect_status 0; run --check-args completion bash; expect_status 0
    [ ! -e run ] && [ ! -e eval ] && [ ! -e b.pt ] || fail "something was written"
}

man_pages_are_troff() {
    run man; expect_status 0; expect_out ".TH VIOLET 1"; expect_out ".SH EXIT STATUS"; expect_out "violet\\-pretrain"
    run man pretrain; expect_status 0; expect_out ".TH VIOLET\\-PRETRAIN 1"; expect_out "\\-\\-size\\-batch"
    expect_out ".SH EXAMPLES"; expect_out ".SH FILES"
    for c in "" $COMMANDS; do "$VIOLET" man $c >violet${c:+-$c}.1 || fail "man $c"; done
    [ "$(ls violet*.1 | sed 's/\.1$//' | LC_ALL=C sort)" = "$("$VIOLET" man --list | LC_ALL=C sort)" ] || fail "--list differs"
    command -v groff >/dev/null || skip "no groff"
    groff -man -Tutf8 -ww -z violet*.1 >page.txt 2>err.txt || fail "groff fails"
    [ ! -s err.txt ] || { err=$(cat err.txt); fail "groff warns"; }
    [[ $(groff -man -Tascii violet-convert.1) == *"'enc_img.*'"* ]] || fail "quotes of the shell are lost"
}

for t in version help_lists_commands alone_it_lists_names help_on_each_command unknown_commands_suggest \
    unknown_options_suggest unknown_data_sets_suggest bad_values_are_told bad_json_has_its_place missing_files \
    unwritable_folder full_disk flags_win_over_the_file plan_tells check_args_runs_nothing man_pages_are_troff; do
    test_case $t $t
done
finish
