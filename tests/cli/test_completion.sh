#!/usr/bin/env bash
# What `violet completion bash` completes: the script is sourced, and asked as bash asks it.
. "$(dirname "$0")/harness.sh"
status=0 out='' err=''
"$VIOLET" completion bash >script.bash || exit 1
mkdir -p clips 'a folder'
touch one.json two.tsv 'with space.json'

# after WORD ...: the last word is the one that is being typed. Leaves $out, a candidate a line.
after() {
    COMP_WORDS=(violet "$@") COMP_CWORD=$# COMPREPLY=()
    ran="violet $*<TAB>"
    _violet violet "${!#}" "${COMP_WORDS[COMP_CWORD-1]}" 2>err.txt
    err=$(cat err.txt)
    [ -z "$err" ] || fail "the script complains"
    out=$(printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"})
}
# exactly CANDIDATE ...
exactly() {
    [ "$out" = "$(printf '%s\n' "$@")" ] || fail "expected exactly: $*"
}
among() { [[ $'\n'$out$'\n' == *$'\n'"$1"$'\n'* ]] || fail "expected '$1' among the candidates"; }
not_among() { [[ $'\n'$out$'\n' != *$'\n'"$1"$'\n'* ]] || fail "'$1' is no candidate"; }

commands() {
    after ''; for c in $("$VIOLET" man --list | sed -n 's/^violet-//p'); do among "$c"; done
    not_among --version
    after extr; exactly extract-frames extract-vq extract-tsv
    after --v; exactly --version
    after --check-args pretr; exactly pretrain
    after help fine; exactly finetune
    after man fine; exactly finetune
    after completion ''; exactly bash
    after no-such-command ''; exactly
}

options() {
    after pretrain --lr; exactly --lr --lr-end
    after pretrain one.json --no-; exactly --no-decay-all --no-keep
    after pretrain --check; exactly --checkpoint --checkpointing
    after --check-args pretrain --lr; exactly --lr --lr-end
    after pretrain ''; not_among --lr
    after score --check; exactly --checkpoint
    after ask clip.mp4 what --opt; exactly --options
    after man --l; exactly --list
    after info --; among --diff; among --for; among --help
    # every option of every table is there, as help spells it
    for c in pretrain finetune eval extract-frames train-dvae score convert plan; do
        after "$c" --
        for o in $("$VIOLET" help "$c" | sed -n 's/^  --\(\[\(no-\)\]\)\{0,1\}\([a-z0-9-]*\).*/--\2\3/p'); do among "$o"; done
    done
}

values() {
    after pretrain --shape ''; exactly upright square stored
    after pretrain --shape s; exactly square stored
    after finetune --type q; exactly qamc qaoe
    after pretrain --shape = ''; exactly upright square stored
    after pretrain --shape =; exactly upright square stored
    after pretrain --shape = sq; exactly square
    after eval --cache_dtype b; exactly bfloat16
    after pretrain --lr ''; exactly
    after info --for re; exactly retrieval
}

files() {
    after extract-frames --path ''; among clips; among 'a folder'; among two.tsv
    after extract-frames --path cl; exactly clips
    after pretrain --config ''; among violet1; among tiny; among one.json
    after pretrain --config t; exactly tiny two.tsv
    after pretrain --checkpoint t; exactly two.tsv
    after pretrain --path-ckpt t; exactly two.tsv
    after pretrain ''; among one.json; among 'with space.json'; among clips; not_among two.tsv
    after info t; exactly two.tsv
    after score w; exactly 'with space.json'
    after extract-frames ''; exactly
}

# As bash itself does it, where it can be asked without a terminal.
registered() {
    [ "$(complete -p violet)" = "complete -F _violet violet" ] || fail "not registered"
}

. ./script.bash
for t in commands options values files registered; do test_case $t $t; done
finish
