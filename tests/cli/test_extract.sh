#!/usr/bin/env bash
# violet extract-frames, extract-tsv and link from the command line, on made-up uncompressed videos.
. "$(dirname "$0")/harness.sh"
SHARED=$ROOT/../shared/data

# y4m FILE FRAMES: 16 x 16 pixels, frame k of one grey
y4m() {
    local k
    printf 'YUV4MPEG2 W16 H16 F25:1 A1:1 C420jpeg\n' >"$1"
    for k in $(seq "$2"); do
        printf 'FRAME\n'
        printf "\\x$(printf %x $((k * 7 % 200 + 16)))%.0s" $(seq 384)
    done >>"$1"
}
mkdir -p videos/sub
y4m videos/a.y4m 12
y4m videos/b.y4m 3
y4m "videos/sub/c d.y4m" 30
echo 'no video' >videos/e.mp4
echo 'a note' >videos/readme.txt

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }

frames_of_a_folder() {
    run extract-frames --path videos/; expect_status 0
    expect_out "4 videos, 5 frames each"; expect_out "passed over: 1"; expect_out "videos 4/4  bad 1"
    expect_out "3 with frames, 1 failed (videos.manifest.jsonl tells why)"
    expect_err "warning: videos/e.mp4: "
    [ "$(cut -f 1 videos.tsv | tr '\n' ' ')" = "a b sub/c d " ] || fail "other ids"
    [ "$(wc -l <videos.lineidx)" -eq 3 ] && [ "$(wc -l <videos.manifest.jsonl)" -eq 5 ] || fail "other lines"
    run info videos.tsv; expect_status 0; expect_out "fits"
    run extract-frames --path videos/; expect_status 0; expect_out "finished before: 4 videos"
    run extract-frames --path videos/ --sample 4; expect_error 1 "begun with sample 5, now it is 4; --restart"
}

frames_by_shards() {
    run extract-frames --path videos --output whole --workers 3; expect_status 0
    for i in 1 2; do run extract-frames --path videos --output part --shard $i/2; expect_status 0; done
    run extract-frames --output part --merge 2; expect_status 0; expect_out "merged: 4 videos"
    for e in tsv lineidx manifest.jsonl; do same whole.$e part.$e; done
}

frames_that_are_none() {
    run extract-frames --path videos/e.mp4; expect_status 1; expect_err "none of 1 video gave frames"
    run extract-frames; expect_error 1 "--path is missing"
    run extract-frames --path nowhere; expect_error 1 "nowhere"
    run extract-frames --path videos/sub/.. --output x/y/z; expect_error 1 "x/y/z"
    run extract-frames --path .; expect_error 1 "--output is missing"
    run extract-frames --path videos --shard 5/4; expect_error 1 "expected i/n"
    run extract-frames --path videos --sample 0; expect_error 2 "sample"
}

interrupted_frames_go_on() {
    local i pid
    for i in $(seq 3000); do printf 'videos/a.y4m\tv%d\n' "$i"; done >list
    run extract-frames --path list --output all; expect_status 0
    "$VIOLET" extract-frames --path list --output "some" --restart >out.txt 2>err.txt </dev/null &
    pid=$!
    for i in $(seq 600); do
        [ "$(cat some.manifest.jsonl.partial 2>/dev/null | wc -l)" -ge 20 ] && break
        sleep 0.01
    done
    kill -TERM $pid
    wait $pid
    status=$? out=$(cat out.txt) err=$(cat err.txt) ran="extract-frames, then TERM"
    expect_status 130; expect_err "to go on: violet extract-frames --path list --output some"
    [[ $err != *--restart* ]] || fail "the advice would throw everything away"
    [ ! -e some.tsv ] || fail "some.tsv appeared too early"
    run extract-frames --path list --output some; expect_status 0; expect_out "going on after"
    for e in tsv lineidx manifest.jsonl; do same all.$e some.$e; done
}

tsv_of_pickle_and_back() {
    run extract-frames --path videos --output x --pkl also; expect_status 0
    run extract-tsv --path x.pkl --output y; expect_status 0; expect_out "3 videos: y.tsv"
    same x.tsv y.tsv; same x.lineidx y.lineidx
    run extract-tsv --path y.tsv; expect_status 0; expect_out "y.pkl"; same x.pkl y.pkl
    rm y.lineidx; run extract-tsv --path y.tsv --output z.pkl; expect_status 0; same x.pkl z.pkl
    command -v python3 >/dev/null || skip "no python3"
    python3 -c '
import pickle
rows = [l.rstrip("\n").split("\t") for l in open("x.tsv")]
assert pickle.load(open("z.pkl", "rb")) == {r[0]: r[1:] for r in rows}
pickle.dump({"b": ["/9j/1"], "none": [], "a": ("/9j/2", "/9j/3")}, open("odd.pkl", "wb"), 2)
pickle.dump({"b": [7]}, open("number.pkl", "wb"))
pickle.dump({"b\tc": ["/9j/1"]}, open("tab.pkl", "wb"))
pickle.dump(["x"], open("list.pkl", "wb"))' || fail "python reads something else"
    run extract-tsv --path odd.pkl; expect_status 0; expect_err "'none' has no frames: left out"
    [ "$(cat odd.tsv)" = $'b\t/9j/1\na\t/9j/2\t/9j/3' ] && [ "$(cat odd.lineidx)" = $'0\n8' ] || fail "other lines"
    run extract-tsv --path number.pkl; expect_status 1; expect_err "number.pkl: 'b': frame 0 is no string"
    run extract-tsv --path tab.pkl; expect_status 1; expect_err "tab.pkl: id 'b"
    run extract-tsv --path list.pkl; expect_status 1; expect_err "list.pkl: expected {video: "
    for f in number tab list; do [ ! -e $f.tsv ] && [ ! -e $f.tsv.partial ] || fail "$f.tsv is left"; done
}

outputs_that_are_none() {
    run extract-frames --path videos --output sub/; expect_error 1 "--output 'sub/', expected a name behind the folder"
    run extract-frames --path videos --output sub/.tsv; expect_error 1 "expected a name behind the folder"
    run extract-frames --path videos --output ''; expect_error 1 "--output"
    [ ! -e sub ] || fail "sub was made"
    run extract-frames --path videos/a.y4m --output w1 --pkl also; expect_status 0; expect_out "1 video: w1.pkl"
    run extract-tsv --path w1.pkl --output sub/; expect_error 1 "expected a name behind the folder"
    run extract-tsv --path w1.pkl --output w2; expect_status 0; expect_out "1 video: w2.tsv"
    cp w1.pkl w3.pkl
    ln -s w3.pkl w3.tsv
    run extract-tsv --path w3.pkl; expect_error 1 "w3.tsv would be written, but it is the input w3.pkl"
    same w1.pkl w3.pkl
    mkdir -p lists; echo ../videos/a.y4m >lists/mylist.tsv
    (cd lists && run extract-frames --path mylist.tsv && expect_error 1 "it is the input" &&
        run extract-frames --path mylist.tsv --restart && expect_error 1 "it is the input") || exit 1
    [ "$(cat lists/mylist.tsv)" = ../videos/a.y4m ] || fail "the list is lost"
}

frames_tried_again() {
    mkdir again; cp videos/a.y4m again/a.y4m; echo none >again/b.mp4
    run extract-frames --path again; expect_status 0
    run extract-frames --path again; expect_status 0; expect_out "--retry tries them again"
    cp videos/b.y4m again/b.mp4
    run extract-frames --path again --retry; expect_status 0; expect_out "trying again those that failed: 1"
    expect_out "2 videos: 2 with frames, 0 failed"
    run extract-frames --path again --output new; expect_status 0
    for e in tsv lineidx manifest.jsonl; do same again.$e new.$e; done
}

tsv_that_is_wrong() {
    run extract-tsv --path x.txt; expect_error 1 "expected X.pkl or X.tsv"
    run extract-tsv; expect_error 1 "--path is missing"
    run extract-tsv --path no.pkl; expect_error 1 "no.pkl"
    run extract-tsv --path no.tsv; expect_error 1 "no.tsv"
    printf 'a\t/9j/1\nb\t/9j/' >cut.tsv
    run extract-tsv --path cut.tsv; expect_status 1; expect_err "cut.tsv line 2: truncated"
    [ ! -e cut.pkl ] || fail "cut.pkl is left"
    printf 'a\t/9j/1\nb\t/9j/2\n' >stale.tsv
    printf '0\n999\n' >stale.lineidx
    run extract-tsv --path stale.tsv
    expect_error 1 "stale.tsv: stale.lineidx: line 2 starts at byte 999, the file has 16; remove or remake it"
    printf '0\n4\n' >stale.lineidx
    run extract-tsv --path stale.tsv; expect_status 1
    expect_err "stale.tsv line 1: stale.lineidx: next line at byte 4, expected 8; remove or remake it"
    printf '0\n' >stale.lineidx
    run extract-tsv --path stale.tsv; expect_status 1
    expect_err "stale.tsv line 1: stale.lineidx: next line at byte 16, expected 8; remove or remake it"
    rm stale.lineidx; run extract-tsv --path stale.tsv; expect_status 0
}

published_tsv() {
    [ -e "$SHARED/msrvtt.pkl" ] || skip "../shared/data is not here"
    run extract-tsv --path "$SHARED/msrvtt.pkl" --output msrvtt; expect_status 0
    same msrvtt.tsv "$SHARED/msrvtt.tsv"; same msrvtt.lineidx "$SHARED/msrvtt.lineidx"
    run extract-tsv --path msrvtt.tsv; expect_status 0
    run extract-tsv --path msrvtt.pkl --output again; expect_status 0; same again.tsv msrvtt.tsv
}

link_gives_names() {
    run extract-frames --path videos --output l1 --pkl also; expect_status 0
    cp l1.pkl l1_vq.pkl; echo '{}' >captions.json
    run link --path l1 --dataset toy --split train --captions captions.json; expect_status 0
    expect_out "_data/img_toy_train_0.tsv -> ../l1.tsv"; expect_out "_data/txt_toy.json -> ../captions.json"
    for f in img_toy_train_0.tsv:l1.tsv img_toy_train_0.lineidx:l1.lineidx vq_toy.pkl:l1_vq.pkl \
        txt_toy.json:captions.json; do
        [ -L _data/"${f%%:*}" ] || fail "no link ${f%%:*}"
        same _data/"${f%%:*}" "${f##*:}"
    done
    run link --path l1.tsv --dataset toy --split train --part 1; expect_status 0
    run link --path l1 --dataset toy --split val; expect_status 0
    run link --path l1 --dataset toy; expect_status 0
    run link --path l1 --dataset toy --task downstream; expect_status 0
    for f in img_toy_train_1.tsv img_toy_val.lineidx img_toy.tsv img_toy.pkl; do
        [ -e _data/$f ] || fail "no $f"
    done
    cp captions.json txt_toy-qa.json
    run link --path l1 --dataset toy --task downstream --captions txt_toy-qa.json; expect_status 0
    expect_out "_data/img_toy.pkl: is there"; [ -e _data/txt_toy-qa.json ] || fail "no txt_toy-qa.json"
}

link_elsewhere() {
    mkdir -p 'far away/real'; ln -s 'far away/real' near
    run link --path l1 --dataset q --data near/data; expect_status 0
    expect_out "-> ../../../l1.tsv"; expect_out "near/data/txt_q.json is not there yet"
    same near/data/img_q.tsv l1.tsv
    (cd 'far away' && run link --path ../near/data/img_q.tsv --dataset r --data real/data) || exit 1
    same near/data/img_r.lineidx l1.lineidx
}

link_does_not_overwrite() {
    mkdir data2; echo other >data2/vq_toy.pkl
    run link --path l1 --dataset toy --data data2; expect_error 1 "another file than l1_vq.pkl; --force"
    expect_err "--no-tokens"
    [ "$(ls data2)" = vq_toy.pkl ] || fail "it did a part"
    run link --path l1 --dataset toy --data data2 --no-tokens; expect_status 0
    [ "$(cat data2/vq_toy.pkl)" = other ] || fail "overwritten"
    run link --path l1 --dataset toy --data data2 --force; expect_status 0; same data2/vq_toy.pkl l1_vq.pkl
    run link --path l1 --dataset toy --data data2 --copy; expect_status 0; expect_out "copy of l1.tsv"
    [ ! -L data2/img_toy.tsv ] || fail "still a link"
    run link --path l1 --dataset toy --data data2; expect_status 0; expect_out "img_toy.tsv: is there"
    rm data2/img_toy.tsv; ln -s nowhere data2/img_toy.tsv
    run link --path l1 --dataset toy --data data2; expect_error 1 "another file than l1.tsv"
    [ -z "$(find data2 -name '*.tmp.*')" ] || fail "a temporary file is left"
}

link_that_is_wrong() {
    run link --dataset x; expect_error 1 "--path is missing"
    run link --path l1; expect_error 1 "--dataset is missing"
    run link --path l1 --dataset a/b; expect_error 1 "dataset is 'a/b'"
    run link --path l1 --dataset a --part 1; expect_error 1 "--part needs --split"
    run link --path nowhere --dataset a; expect_error 1 "neither nowhere.tsv nor nowhere.pkl"
    run link --path l1 --dataset a --captions nowhere.json; expect_error 1 "nowhere.json"
    cp l1.pkl p.pkl
    run link --path p --dataset a --split train; expect_error 1 "violet extract-tsv --path p.pkl"
    cp l1.tsv t.tsv
    run link --path t --dataset a --task downstream; expect_error 1 "violet extract-tsv --path t.tsv"
    : >file; run link --path l1 --dataset a --data file/x; expect_error 1 "file"
}

for t in frames_of_a_folder frames_by_shards frames_that_are_none interrupted_frames_go_on \
    outputs_that_are_none frames_tried_again tsv_of_pickle_and_back tsv_that_is_wrong \
    published_tsv link_gives_names link_elsewhere link_does_not_overwrite \
    link_that_is_wrong; do
    test_case $t $t
done
finish
