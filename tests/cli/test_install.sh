#!/usr/bin/env bash
# The public header alone, `make install`, pkg-config, and the law of includes.
. "$(dirname "$0")/harness.sh"
status=0 out='' err='' ran=install
CC=${CC:-cc}

compiles() {
    command -v "$1" >/dev/null || skip "no $1"
    local compiler=$1
    shift
    printf '#include <violet.h>\nint main(void) { violet_hooks h = {0, 0, 0}; return h.user != 0; }\n' >a.src
    "$compiler" "$@" -Wall -Wextra -pedantic -Werror -I"$ROOT/include" -fsyntax-only a.src 2>err.txt ||
        { err=$(cat err.txt); fail "$compiler $* refuses violet.h"; }
}

smallest_program_of_the_header() {
    sed -n '/^ \*     #include <violet.h>/,/^ \* Conventions/{s/^ \*\( \{5\}\|$\)//p}' "$ROOT/include/violet.h" >small.c
    grep -q violet_pretrain small.c || fail "no program found in violet.h"
    ${CC} -std=c11 -Wall -Wextra -Wno-unused-parameter -Werror -I"$ROOT/include" \
        -fsyntax-only small.c 2>err.txt ||
        { err=$(cat err.txt); fail "the header's own example does not compile"; }
}

program_of_the_manual() {
    sed -n '/^```c$/,/^```$/{/^```/!p}' "$ROOT/docs/USE.md" >manual.c
    grep -q violet_video_encode manual.c || fail "no program found in docs/USE.md"
    ${CC} -std=c11 -Wall -Wextra -Werror -I"$ROOT/include" -fsyntax-only manual.c 2>err.txt ||
        { err=$(cat err.txt); fail "the example of docs/USE.md does not compile"; }
}

install_and_use() {
    [ "$(basename "$BUILD")" = release ] || skip "install is tested on the release build"
    unset MAKEFLAGS MAKELEVEL MFLAGS
    export BUILD="build/release"
    make -s -C "$ROOT" install DESTDIR="$WORK/root" PREFIX=/opt/violet >log.txt 2>&1 ||
        { err=$(tail -3 log.txt); fail "make install fails"; }
    local p=$WORK/root/opt/violet
    for f in bin/violet lib/libviolet.a lib/pkgconfig/violet.pc include/violet.h share/bash-completion/completions/violet; do
        [ -f "$p/$f" ] || fail "$f was not installed"
    done
    local gz=
    command -v gzip >/dev/null && gz=.gz
    for page in $("$p/bin/violet" man --list); do
        [ -s "$p/share/man/man1/$page.1$gz" ] || fail "the page $page was not installed"
    done
    [ "$(ls "$p/share/man/man1" | wc -l)" -eq "$("$p/bin/violet" man --list | wc -l)" ] || fail "other pages were installed"
    (. "$p/share/bash-completion/completions/violet" && complete -p violet) >/dev/null || fail "the completion is no script"
    "$p/bin/violet" --version >/dev/null || fail "the installed program does not run"
    printf '#include <stdio.h>\n#include <violet.h>\nint main(void) { violet_options *o; puts(violet_version());\n'\
'violet_plan_report r; int bad = violet_options_new(&o, "plan") || violet_plan(&r, o);\n'\
'violet_options_free(o); return bad; }\n' >use.c
    export PKG_CONFIG_PATH=$p/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=
    local flags
    flags=$(pkg-config --define-variable=prefix="$p" --cflags --libs violet) || fail "violet.pc"
    ${CC} use.c $flags -o use 2>err.txt || { err=$(head -3 err.txt); fail "does not link"; }
    [ "$(./use)" = "$(pkg-config --modversion violet)" ] || fail "the program does not run"
    ${CC} manual.c $flags -o manual 2>err.txt || { err=$(head -3 err.txt); fail "the manual's program does not link"; }
    ./manual nowhere.pt clip.mp4 "a man" 2>err.txt && fail "the manual's program needs no checkpoint"
    grep -q nowhere.pt err.txt || { err=$(cat err.txt); fail "the manual's program does not tell why"; }
    make -s -C "$ROOT" uninstall DESTDIR="$WORK/root" PREFIX=/opt/violet >log.txt 2>&1 || fail "uninstall"
    [ -z "$(find "$WORK/root" -type f -o -type l)" ] || fail "uninstall left files"
}

law_holds() { out=$("$ROOT/tests/include_law") || fail "the law of includes is broken"; }

# Each clause can fail: a tree with one wrong line.
law_can_fail() {
    broken() {
        rm -rf tree; mkdir -p "tree/$(dirname "$1")"; echo "$2" >"tree/$1"
        "$ROOT/tests/include_law" tree >/dev/null && fail "$1 may $2"
    }
    broken src/base/a.c '#include "tensor/tape.h"'
    broken src/text/a.c '#include "file/tsv.h"'
    broken src/data/a.c '#include "nn/ops.h"'
    broken src/model/a.c '#include "use/use.h"'
    broken src/use/a.c '#include "train/run.h"'
    broken src/nn/a.c '# include "cpu/ref/ref.h"'
    broken src/cpu/a.c '#include "tensor/tape.h"'
    broken src/cuda/a.cu '#include "nn/ops.h"'
    broken cli/a.c '#include "base/status.h"'
    broken cli/a.c '#include "../src/base/status.h"'
    broken src/odd/a.c '#include "base/status.h"'
    return 0
}

test_case header_alone_as_c11 compiles "$CC" -std=c11 -x c
test_case header_alone_as_cpp compiles g++ -std=c++11 -x c++
test_case header_example_compiles smallest_program_of_the_header
test_case manual_example_compiles program_of_the_manual
test_case install_and_pkg_config install_and_use
test_case include_law law_holds
test_case include_law_can_fail law_can_fail
finish
