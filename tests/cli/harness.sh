# What the shell tests share; sourced. Prints cmocka's lines, so that tests/run can count them.
#
#     test_case name_of_test command arguments...     runs it in a subshell; its status decides
#     finish                                          the exit status
#
# Inside a test: run ARGS... runs violet and leaves $status, $out and $err; the expectations below
# end the test with a message when they do not hold.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "$ROOT" && cd "${BUILD:-build/release}" && pwd) || exit 1
VIOLET=$BUILD/violet
WORK=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
n_failed=0

test_case() {
    local name=$1
    shift
    echo "[ RUN      ] $name"
    if ("$@"); then
        echo "[       OK ] $name"
    elif [ $? -eq 77 ]; then
        echo "[  SKIPPED ] $name"
    else
        echo "[  FAILED  ] $name"
        n_failed=$((n_failed + 1))
    fi
}

skip() { echo "skip: $*"; exit 77; }

finish() { exit $((n_failed > 0)); }

run() {
    "$VIOLET" "$@" >out.txt 2>err.txt </dev/null
    status=$?
    out=$(tr -d '\0' <out.txt) err=$(tr -d '\0' <err.txt)
    ran="violet $*"
}

fail() {
    echo "$ran: $*"
    echo "  status $status"
    echo "  out: $out" | head -5
    echo "  err: $err" | head -5
    exit 1
}

expect_status() { [ "$status" -eq "$1" ] || fail "expected status $1"; }
expect_out() { [[ $out == *"$1"* ]] || fail "expected '$1' on stdout"; }
expect_err() { [[ $err == *"$1"* ]] || fail "expected '$1' on stderr"; }
expect_no_out() { [ -z "$out" ] || fail "expected nothing on stdout"; }
# An error is one line, from violet.
expect_one_line() {
    [ "$(wc -l <err.txt)" -eq 1 ] && [[ $err == "violet: "* ]] || fail "expected one line"
}
# expect_error STATUS WORDS
expect_error() { expect_status "$1"; expect_err "$2"; expect_one_line; expect_no_out; }
