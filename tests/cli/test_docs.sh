#!/usr/bin/env bash
# The commands in README.md and docs/ stay true. Each must be one that the program takes (`violet
# --check-args`: a command and options that there are, values in range; no file is needed); a synopsis
# must name options that there are; a script must be there. A code block behind a line <!-- run --> is
# really run, all of a document's in one folder that has
#
#     videos/a.y4m ... f.y4m, clip.mp4    clips of 8 frames
#     captions.json, captions/txt_mine.json    a caption each: a to d are train, e and f val
#     captions/txt_questions.jsonl    questions about them, for open-ended answers
#     small.json    sizes of a model that takes no time
#     encoder.pkl    a dVAE
#     build/violet, script/    as in the sources; violet is in the path
#
# tests/cli/commands.awk tells what counts as a command. Links between the documents lead to a file
# and to a heading in it, and a page that is named (docs/X.md) is there.
. "$(dirname "$0")/harness.sh"
status=0 out='' err='' ran=docs
DOCS=$WORK
HERE=$ROOT/tests/cli
mkdir -p plain/bin plain/build plain/.local/share/bash-completion/completions
cat >plain/bin/violet <<EOF
#!/bin/sh
case \$1 in --*) exec "$VIOLET" "\$@" ;; esac
exec "$VIOLET" --check-args "\$@"
EOF
chmod +x plain/bin/violet
ln -s ../bin/violet plain/build/violet
for c in $("$VIOLET" man --list | sed -n 's/^violet-//p'); do "$VIOLET" help "$c" >"help-$c.txt"; done

# complaint PLACE COMMAND WHY
complaint() { echo "$1: $2"; echo "    $3"; n_bad=$((n_bad + 1)); }

check_script() {
    local -a word
    read -ra word <<<"$2"
    local path=$ROOT/${word[0]}
    if [ ! -x "$path" ]; then complaint "$1" "$2" "there is no such script"
    elif [[ ${word[1]:-} == [a-z]* ]] && ! grep -qw -- "${word[1]}" "$path"; then
        complaint "$1" "$2" "the script knows no '${word[1]}'"
    fi
}
check_command() {
    local told
    told=$(cd "$DOCS/plain" && HOME=$PWD PATH=$PWD/bin:$PATH bash -o pipefail -c "$2" 2>&1 </dev/null) ||
        complaint "$1" "$2" "$told"
}
# Whatever else stands there, the command and its options are to be known.
check_synopsis() {
    local -a word
    local name
    read -ra word <<<"${2//[\[\]|()]/ }"
    [[ ${word[1]} == --* ]] && return # the program's own
    [[ ${word[1]} == COMMAND* ]] && return
    [ -f "$DOCS/help-${word[1]}.txt" ] || { complaint "$1" "$2" "there is no command '${word[1]}'"; return; }
    for name in "${word[@]:2}"; do
        [[ $name =~ ^--([a-z][a-z0-9_-]*) ]] || continue
        name=${BASH_REMATCH[1]//_/-}
        grep -qE -- "--(\[no-\])?(${name#no-}|$name)([^a-z0-9-]|\$)" "$DOCS/help-${word[1]}.txt" ||
            complaint "$1" "$2" "'${word[1]}' has no option --$name"
    done
}
# check FILE ...: every command but those that are run
check() {
    local place kind line n=0
    n_bad=0
    while IFS=$'\t' read -r place kind line; do
        n=$((n + 1))
        case $kind-$line in
        run-*) ;;
        check-script/*) check_script "$place" "$line" ;;
        check-*) check_command "$place" "$line" ;;
        *) check_synopsis "$place" "$line" ;;
        esac
    done < <(awk -f "$HERE/commands.awk" "$@")
    [ "$n" -gt 0 ] || { echo "no command was found in $*"; return 1; }
    return $((n_bad > 0))
}

# ---- run -----------------------------------------------------------------------------------------

# y4m FILE GREY: 8 frames of 64 x 64 pixels
y4m() {
    printf 'YUV4MPEG2 W64 H64 F25:1 A1:1 C420jpeg\n' >"$1"
    for k in 1 2 3 4 5 6 7 8; do
        printf 'FRAME\n'
        printf "\\x$(printf %x $((k * 8 + $2)))%.0s" $(seq 6144)
    done >>"$1"
}
prepare() {
    mkdir videos captions build bin
    local i=0 v
    for v in a b c d e f; do y4m videos/$v.y4m $((i++ * 30 + 10)); done
    cp videos/a.y4m clip.mp4
    printf '{"train": {"a": ["a black square"], "b": ["a dark square"], "c": ["a grey square"], "d": ["a light square"]},
"val": {"e": ["a bright square"], "f": ["a white square"]}}' | tee captions.json >captions/txt_mine.json
    for v in a b c d e f; do
        for i in train val test; do
            printf '{"video": "%s", "question": "how bright is it?", "answer": "%s", "split": "%s"}\n' $v $v $i
        done
    done >captions/txt_questions.jsonl
    printf '{"preset": "tiny", "embed_dim": 8, "hidden": 64, "heads": [1, 2, 2, 2], "depths": [1, 1, 1, 1],
"ct_layers": 1, "ct_heads": 2, "ct_mlp": 64}' >small.json
    ln -s "$VIOLET" build/violet
    ln -s "$VIOLET" bin/violet
    ln -s "$ROOT/script" script
    export OMP_NUM_THREADS=2 HOME=$PWD PATH=$PWD/bin:$PATH
    violet train-dvae --path videos --size 32 --n-hid 8 --n-init 8 --n-code 16 --steps 2 --hold 0 --valid-every 0 \
        --save-every 0 --size-batch 4 --output dvae.made &&
        violet convert dvae.made/dvae.safetensors encoder.pkl && rm -r dvae.made
}
# run_blocks FILE: as a script that stops at what fails; 2: there are none
run_blocks() {
    awk -f "$HERE/commands.awk" "$1" | awk -F '\t' '$2 == "run"' >blocks.txt
    [ -s blocks.txt ] || return 2
    local place kind line
    while IFS=$'\t' read -r place kind line; do
        printf 'echo %q\n%s\n' "$place: $line" "$line"
    done <blocks.txt >script.sh
    prepare >log.txt 2>&1 && bash -e -o pipefail script.sh >>log.txt 2>&1 </dev/null || { tail -5 log.txt; return 1; }
}
in_a_folder() { mkdir "$1"; cd "$1" || exit 1; run_blocks "$2"; }
runs() {
    local n=0 file status
    for file in "$@"; do
        (in_a_folder "$(basename "$file").d" "$file")
        status=$?
        [ $status -eq 1 ] && return 1
        [ $status -eq 0 ] && n=$((n + 1))
    done
    [ "$n" -gt 0 ] || { echo "no document has a block that is run"; return 1; }
}

# ---- links ---------------------------------------------------------------------------------------

# headings FILE: as links name them
headings() {
    sed -n 's/^##* *//p' "$1" | tr 'A-Z' 'a-z' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
check_link() { # FILE TARGET
    local path=${2%%#*} file
    file=$(dirname "$1")/$path
    [ -n "$path" ] || file=$1
    if [ ! -e "$file" ]; then complaint "$1" "$2" "there is no such file"
    elif [[ $2 == *'#'* ]] && ! headings "$file" | grep -qxF -- "${2#*#}"; then
        complaint "$1" "$2" "there is no such heading"
    fi
}
targets() { grep -oE '\]\([^()]+\)' "$1" | sed 's/^](//; s/)$//' | grep -v '^https*:'; }
pages_named() { grep -oE '\bdocs/[A-Z_]+\.md\b' "$1" | sort -u; }
# links TOP FILE ...: TOP is where docs/ is
links() {
    local file to top=$1
    shift
    n_bad=0
    for file in "$@"; do
        while read -r to; do check_link "$file" "$to"; done < <(targets "$file")
        while read -r to; do
            [ -e "$top/$to" ] || complaint "$file" "$to" "there is no such page"
        done < <(pages_named "$file")
    done
    return $((n_bad > 0))
}

# ---- cases ---------------------------------------------------------------------------------------

examples_of_help() {
    local c
    for c in help-*.txt; do
        { echo '```'; sed -n '/^Examples:/,/^$/s/^  violet/violet/p' "$c"; echo '```'; } >"${c%.txt}.md"
    done
    check help-*.md
}

# Each kind of mistake is seen, and nothing else is.
mistakes_are_seen() {
    cat >wrong.md <<'EOF'
Use `violet plan --size-batch N`, not `violet plan --batches N`.

    violet pretrian args.json
    build/violet pretrain --lr 1e-4 \
        --bogus 3          # goes on
    violet plan --size-frame 65
    $ violet score clip.mp4 --checkpoint a.pt
    some output
    violet convert IN OUT [--dtype float32|float16] [--nothing]
                  [--only PATTERNS] [--nor-this]
    violet dance ...
    script/nowhere
    script/bench dance

```sh
violet info --vrebose x.pt
violet info x.pt    # fine, "--so" is this
violet info [FILE]
```
EOF
    check wrong.md >told.txt && fail "no mistake was seen"
    out=$(grep -o '^wrong.md:[0-9]*' told.txt | cut -d: -f2 | tr '\n' ' ')
    [ "$out" = "1 3 4 6 7 9 9 11 12 13 16 " ] || fail "other lines than expected: $(cat told.txt)"
    printf 'Text.\n\n<!-- run -->\n\n    test -f videos/a.y4m\n    $ false\n' >wrong.md
    (in_a_folder one.d "$DOCS/wrong.md") >told.txt; status=$?
    [ $status -eq 1 ] || fail "a block that fails was not seen: $(cat told.txt)"
    printf 'Text.\n\n<!-- run -->\n```\nviolet info clip.mp4 >x.txt\ntest -s x.txt\n```\n\n    false\n' >right.md
    (in_a_folder two.d "$DOCS/right.md") >told.txt; status=$?
    [ $status -eq 0 ] || fail "a good block failed: $(cat told.txt)"
}

wrong_links_are_seen() {
    mkdir docs
    printf '# A page\n\n## The `x`, or y\n' >docs/ONE.md
    printf '[a](docs/ONE.md) [b](docs/ONE.md#the-x-or-y) [c](#top)\n## Top\n' >good.md
    printf 'docs/ONE.md, [d](http://no.where)\n' >>good.md
    links . good.md >told.txt || fail "good links failed: $(cat told.txt)"
    printf '[a](docs/NONE.md)\n' >a.md
    printf '[b](docs/ONE.md#the-z)\n' >b.md
    printf '[c](#top)\n' >c.md
    printf 'See docs/NO_SUCH.md.\n' >d.md
    local file
    for file in a b c d; do
        links . $file.md >told.txt && fail "the link in $file.md was not seen"
    done
    return 0
}

cd "$ROOT" && FILES=(README.md CONTRIBUTING.md docs/*.md) && cd "$WORK" || exit 1
ABSOLUTE=("${FILES[@]/#/$ROOT/}")
test_case commands_of_the_documents check "${ABSOLUTE[@]}"
test_case examples_of_help examples_of_help
test_case blocks_that_are_run runs "${ABSOLUTE[@]}"
test_case mistakes_are_seen mistakes_are_seen
test_case links_lead_somewhere links "$ROOT" "${ABSOLUTE[@]}"
test_case wrong_links_are_seen wrong_links_are_seen
finish
