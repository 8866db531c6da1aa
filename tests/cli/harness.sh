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

# ---- toys: what tests of whole runs begin with ----

# 32 x 32 pixels of one grey
JPEG=/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAgACADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDxqiiigAooooAKKKKACiiigD//2Q==

# toy_pictures N FILE: videos v1 to vN of two frames
toy_pictures() { local i; for i in $(seq "$1"); do printf 'v%d\t%s\t%s\n' "$i" "$JPEG" "$JPEG"; done >"$2"; }

# toy_questions N QUESTION: txt_toy-qa_SPLIT.csv of the three splits, an answer of two for each of N videos
toy_questions() {
    local i split
    for split in train val test; do
        { echo 'video,question,answer'; for i in $(seq "$1"); do echo "v$i,$2,$((i % 2))x"; done; } >txt_toy-qa_$split.csv
    done
}

# toy_model [MORE]: small.json, a model of few weights; MORE of its sizes, as JSON from a comma on
toy_model() {
    printf '{"preset": "tiny", "embed_dim": 4, "hidden": 32, "heads": [1, 2, 2, 2], "depths": [1, 1, 1, 1],
 "ct_layers": 1, "ct_heads": 2, "ct_mlp": 32%s}' "${1-}" >small.json
}

# args.json: fine-tuning of the model on the questions.
toy_args() {
    printf '{"type": "qaoe", "config": "small.json", "data": ".", "dataset": "toy", "task": "toy-qa", "size_img": 32,
 "size_txt": 8, "size_batch": 2, "size_frame": 2, "threads": 1}' >args.json
}
