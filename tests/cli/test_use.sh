#!/usr/bin/env bash
# violet score, ask, embed and search: lines for people and objects, what is best first, notes, refusals and
# exit codes; a model that `violet finetune` made. tests/unit/test_use.c looks at the numbers.
. "$(dirname "$0")/harness.sh"
MADE=$PWD
MSRVTT=$ROOT/../shared/data/msrvtt

# y4m FILE GREY: 8 frames of 32 x 32 pixels
y4m() {
    printf 'YUV4MPEG2 W32 H32 F25:1 A1:1 C420jpeg\n' >"$1"
    for k in 1 2 3 4 5 6 7 8; do
        printf 'FRAME\n'
        printf "\\x$(printf %x $((k * 8 + $2)))%.0s" $(seq 1536)
    done >>"$1"
}
mkdir videos
for i in 1 2 3 4; do y4m videos/v$i.y4m $((i * 40)); done
VIDEO=$MADE/videos/v1.y4m
toy_model ', "size_answer": 3'
"$BUILD/hash-model" --config small.json --heads pretrain match.safetensors >make.txt 2>&1 &&
    "$BUILD/hash-model" --config small.json --heads answer answer.pt >>make.txt 2>&1 || cat make.txt
printf '{"vocab": {"red": 2, "green": 0, "blue": 1}, "train": []}' >answers.json
printf '["a", "b", "c", "d"]' >four.json
MATCH=(--checkpoint "$MADE/match.safetensors" --threads 1) ANSWER=(--checkpoint "$MADE/answer.pt" --threads 1)

help_tells() {
    local c
    for c in score ask embed search; do
        run help $c; expect_status 0
        expect_out "Usage: violet $c "; expect_out "--checkpoint"; expect_out "--size-frame"; expect_out "--json"
    done
    run help ask; expect_out "--answers"; expect_out "--top"; expect_out "--options"
    run help score; [[ $out != *--answers* ]] || fail "score has no answers"
    run man embed; expect_out "violet embed"; expect_out "\\-\\-fast\\-video"
}

# Lines of a score, best first: three columns, or two of one sentence.
scores() {
    run score "$VIDEO" "a grey square" "a man plays the guitar" "dogs" "${MATCH[@]}"; expect_status 0
    [ -z "$err" ] || fail "nothing to note"
    [ "$(wc -l <out.txt)" -eq 3 ] || fail "expected three lines"
    awk '{ if (NR > 1 && $1 > last) exit 1; last = $1; sum += $2; if ($3 != "%") exit 1 }
        END { exit !(sum > 99.7 && sum < 100.3) }' out.txt || fail "expected scores that fall and shares of 100 %"
    cp out.txt all.txt
    run score "$VIDEO" dogs "${MATCH[@]}"; expect_status 0
    [ "$(awk '{ print NF }' out.txt)" = 2 ] || fail "expected score and sentence alone"
    awk -v is="$(awk '{ print $1 }' out.txt)" '$4 == "dogs" && ($1 - is)^2 < 1e-6 { found = 1 } END { exit !found }' all.txt ||
        fail "another score than among others"
    run score "$VIDEO" "${MATCH[@]}" -- --dogs; expect_status 0; expect_out "--dogs"
    run score "$MADE/videos/v4.y4m" dogs "${MATCH[@]}"; expect_status 0
    ! grep -qF "$(cat out.txt)" all.txt || fail "another video has the same score"
}

# json CONDITION: on the object o that was printed, in Python
json() { python3 -c "import json, sys; o = json.load(open('out.txt')); sys.exit(not ($1))" 2>json.txt || fail "not so: $1 $(cat json.txt)"; }
need_python() { command -v python3 >/dev/null || skip "no python3 to read JSON with"; }

objects() {
    need_python
    run score "$VIDEO" 'a "quote" \ and' $'caf\xc3\xa9 \xff!' "${MATCH[@]}" --json; expect_status 0
    json "o['temperature'] == 0.05 and len(o['sentences']) == 2 and o['notes'] == []"
    json "o['sentences'][0]['score'] >= o['sentences'][1]['score'] and 'seconds' not in o"
    json "abs(sum(s['share'] for s in o['sentences']) - 1) < 1e-6"
    json "sorted((s['number'], s['sentence']) for s in o['sentences']) == [(0, 'a \"quote\" \\\\ and'), (1, 'caf\\u00e9 \\ufffd!')]"
    run score "$VIDEO" a b "${MATCH[@]}" --json --verbose; expect_err "from start to answer: model"
    json "o['seconds']['all'] >= o['seconds']['model'] > 0"
    run ask "$VIDEO" "what is it?" --options red 'light blue' "${MATCH[@]}" --json; expect_status 0
    json "o['question'] == 'what is it?' and {s['option'] for s in o['options']} == {'red', 'light blue'}"
    run ask "$VIDEO" "what is it?" --answers "$MADE/answers.json" "${ANSWER[@]}" --json; expect_status 0
    json "{s['answer'] for s in o['answers']} == {'red', 'green', 'blue'} and abs(sum(s['probability'] for s in o['answers']) - 1) < 1e-5"
    run embed "$VIDEO" dogs "${MATCH[@]}"; expect_status 0
    json "o['width'] == 32 and [len(i['vector']) for i in o['items']] == [32, 32]"
    json "o['items'][0]['video'].endswith('v1.y4m') and o['items'][1]['text'] == 'dogs'"
}

options() {
    run ask "$VIDEO" "what is it?" --options red green 'light blue' "${MATCH[@]}"; expect_status 0
    [ "$(wc -l <out.txt)" -eq 3 ] || fail "expected three lines"
    expect_out "  light blue"; cp out.txt first.txt
    run ask --options red green 'light blue' "${MATCH[@]}" -- "$VIDEO" "what is it?"; expect_status 0
    cmp -s out.txt first.txt || fail "another answer for another order of arguments"
    # an option is scored as the question, a space and the option
    run score "$VIDEO" "what is it? light blue" "${MATCH[@]}"
    grep -q "^$(awk '{ printf "%9.4f", $1 }' out.txt) " first.txt || fail "not the score of the sentence: $(cat first.txt)"
}

answers() {
    run ask "$VIDEO" "what is it?" --answers "$MADE/answers.json" "${ANSWER[@]}"; expect_status 0
    [ "$(wc -l <out.txt)" -eq 3 ] || fail "expected three lines"
    expect_out " %  red"; expect_out " %  green"; expect_out " %  blue"
    local best=${out%%$'\n'*}
    expect_err "answer.pt does not say how it was fine-tuned; taken: size_img 224, size_frame 5, size_txt 25"
    run ask "$VIDEO" "what is it?" --answers "$MADE/answers.json" --top 1 "${ANSWER[@]}" --size-img 224 --size-frame 5 --size-txt 25
    [ -z "$err" ] || fail "told what was said"
    run ask "$VIDEO" "what is it?" --answers "$MADE/answers.json" --top 1 "${ANSWER[@]}"; expect_status 0
    [ "$out" = "$best" ] || fail "expected the best alone: $best"
}

vectors() {
    run embed "$VIDEO" "a man" "$MADE/videos/v2.y4m" "${MATCH[@]}" --output x.npy; expect_status 0
    [ "$out" = "x.npy: 3 x 32, float32" ] || fail "expected what was written"
    [ "$(wc -c <x.npy)" -eq $((128 + 3 * 32 * 4)) ] || fail "not of that size"
    grep -aq "'shape': (3, 32)" x.npy || fail "no header"
    cp x.npy before.npy
    run embed "a man" "${MATCH[@]}" --output x.npy; expect_error 2 "x.npy is there already; --force replaces it"
    cmp -s x.npy before.npy || fail "x.npy was touched"
    run embed "a man" "${MATCH[@]}" --output y.npy; expect_status 0
    cmp -s <(tail -c 128 y.npy) <(tail -c +257 x.npy | head -c 128) || fail "another vector of the same text"
    run embed "a man" "${MATCH[@]}" --output x.npy --force; expect_status 0
    cmp -s x.npy y.npy || fail "--force did not replace"
    run embed "$VIDEO" "${ANSWER[@]}" --output z.npy --json; expect_status 0; expect_out '"output": "z.npy"'
    [[ $out != *vector* ]] || fail "the values went to the file"
}

# Lines of a search are those of a score of each video; an index says what it has.
searches() {
    cp -r "$MADE/videos" clips; echo "no video" >clips/bad.mp4
    run search dogs --path clips "${MATCH[@]}" --top 3 --index i; expect_status 0
    expect_err "skipped: clips/bad.mp4"; expect_err "4 videos: 4 encoded"; expect_err "1 could not be used"
    [ "$(wc -l <out.txt)" -eq 3 ] || fail "expected three lines"
    awk '{ if ($1 != NR || NR > 1 && $2 > last) exit 1; last = $2 }' out.txt || fail "expected ranks and scores that fall"
    cp out.txt first.txt
    while read -r _ score name; do
        run score "clips/$name" dogs "${MATCH[@]}"
        awk -v is="$score" '{ exit !(($1 - is)^2 < 1e-6) }' out.txt || fail "another score of $name than $score"
    done <first.txt
    run search dogs --path clips "${MATCH[@]}" --top 3 --index i; expect_err "4 videos: 0 encoded"; expect_err "4 from the index"
    cmp -s out.txt first.txt || fail "the index changed what is found"
    printf 'clips/v1.y4m\nclips/v2.y4m\n' >list.txt
    run search "two words" dogs --path list.txt "${MATCH[@]}"; expect_status 0
    [ "$(grep -c '^ ' out.txt)" -eq 4 ] && expect_out "two words"$'\n'
    need_python
    run search dogs --path clips "${MATCH[@]}" --index i --json; expect_status 0
    json "o['videos'] == 4 and o['kept'] == 4 and o['bad'] == 1 and o['score'] == 'matching' and o['notes'] == []"
    json "[f['rank'] for f in o['sentences'][0]['found']] == [1, 2, 3, 4]"
    json "all(f['path'] == 'clips/' + f['name'] for f in o['sentences'][0]['found'])"
}

wrong_searches() {
    run search --path x "${MATCH[@]}"; expect_error 2 "search: expected a sentence"
    run search dogs "${MATCH[@]}"; expect_error 2 "option path names no folder or list"
    run search dogs --path x; expect_error 2 "option checkpoint names no file"
    run search dogs "" --path x "${MATCH[@]}"; expect_error 2 "sentence 2 has no word"
    run search dogs --path nowhere "${MATCH[@]}"; expect_error 1 "nowhere"
    run search dogs --path "$MADE/videos" "${ANSWER[@]}"; expect_error 1 "to search without a dual encoder takes a head"
    run search dogs --path "$MADE/videos" "${MATCH[@]}" --index "$VIDEO"; expect_error 1 "expected an index of 'violet search'"
    run search dogs --path "$MADE/videos" "${MATCH[@]}" --index nowhere/i; expect_status 1; expect_err "nowhere/i"; expect_no_out
}

# The question is shortened, never the option, and it is said.
too_long() {
    local long="one two three four five six seven eight nine ten eleven twelve" two="thirteen fourteen fifteen sixteen seventeen"
    run score "$VIDEO" "$long $long" dogs "${MATCH[@]}" --size-txt 8; expect_status 0
    expect_err "sentence 1 was shortened: the model reads 6 word pieces"; expect_one_line
    cp out.txt first.txt
    run score "$VIDEO" "one two three four five six" "${MATCH[@]}" --size-txt 8; expect_status 0; [ -z "$err" ] || fail "six fit"
    grep -q "^$(awk '{ printf "%9.4f", $1 }' out.txt) " first.txt || fail "not the first six words' score: $(cat first.txt)"
    run ask "$VIDEO" "$long" --options red "light blue" "${MATCH[@]}" --size-txt 8; expect_status 0
    expect_err "the question was shortened"; cp out.txt first.txt
    run score "$VIDEO" "one two three four light blue" "${MATCH[@]}" --size-txt 8
    grep -q "^$(awk '{ printf "%9.4f", $1 }' out.txt) .*light blue" first.txt || fail "not the shortened question's score: $(cat first.txt)"
    run ask "$VIDEO" "$long" --options red "$two $two" "${MATCH[@]}" --size-txt 8
    expect_error 2 "option 2 has 10 word pieces, the model reads 6"
    run ask "$VIDEO" "$long $two" --answers "$MADE/answers.json" "${ANSWER[@]}" --size-txt 8; expect_status 0; expect_err "the question was shortened"
    run ask "$VIDEO" "$long" --options red "$two" "${MATCH[@]}" --size-txt 8 --json; expect_status 0
    expect_out '"the question was shortened'; [ -z "$err" ] || fail "the object has the note"
}

wrong_arguments() {
    run score; expect_error 2 "expected a video and sentences, found 0 arguments"
    run score "$VIDEO" "${MATCH[@]}"; expect_error 2 "found 1 argument"
    run score "$VIDEO" a; expect_error 2 "option checkpoint names no file"
    run score "$VIDEO" a "${MATCH[@]}" --cheese; expect_error 2 "unknown option 'cheese'"
    run score "$VIDEO" a "${MATCH[@]}" --size-frme 3; expect_error 2 "did you mean 'size_frame'?"
    run score "$VIDEO" a "${MATCH[@]}" --size-img 100; expect_error 2 "size_img 100 is not a multiple of 32"
    run score "$VIDEO" a "${MATCH[@]}" --size-txt 2; expect_error 2 "size_txt 2"
    run score "$VIDEO" a "" "${MATCH[@]}"; expect_error 2 "sentence 2 has no word: ''"
    run score "$VIDEO" " " "${MATCH[@]}"; expect_error 2 "sentence 1 has no word: ' '"
    run ask "$VIDEO" "${MATCH[@]}"; expect_error 2 "expected a video and a question, found 1 argument"
    run ask "$VIDEO" "what?" more "${MATCH[@]}"; expect_error 2 "found 3 arguments"
    run ask "$VIDEO" "what?" --options a b --options c d "${MATCH[@]}"; expect_error 2 "--options is there twice"
    run ask "$VIDEO" "what?" --options=a "${MATCH[@]}"; expect_error 2 "--options takes words behind it"
    run ask "$VIDEO" "what?" --options "${MATCH[@]}"; expect_error 2 "0 options, expected 2"
    run ask "$VIDEO" "what?" --options a "${MATCH[@]}"; expect_error 2 "1 option, expected 2"
    run ask "$VIDEO" "what?" --options a b a "${MATCH[@]}"; expect_error 2 "options 1 and 3 are the same: 'a'"
    run ask "$VIDEO" "what?" --options a '' "${MATCH[@]}"; expect_error 2 "option 2 has no word"
    run ask "$VIDEO" "" --options a b "${MATCH[@]}"; expect_error 2 "the question has no word"
    run ask "$VIDEO" "___ and ___" --answers "$MADE/answers.json" "${ANSWER[@]}"; expect_error 2 "2 blanks, expected one"
    run ask "$VIDEO" "what?" --top 0 "${ANSWER[@]}"; expect_error 2 "option top is '0'"
    run embed "${MATCH[@]}"; expect_error 2 "expected videos or texts"
    run embed a --output x.txt "${MATCH[@]}"; expect_error 2 "x.txt: expected an output that ends in .npy"
    run embed a --output nowhere/x.npy "${MATCH[@]}"; expect_error 1 "nowhere/x.npy"
    run embed clip.mp4 "${MATCH[@]}"; expect_error 1 "clip.mp4: there is no such file"
    run embed "" "${MATCH[@]}"; expect_error 2 "text 1 has no word"
}

no_video() {
    run score nowhere.mp4 a "${MATCH[@]}"; expect_error 1 "nowhere.mp4"
    echo "this is no video" >text.mp4
    run score text.mp4 a "${MATCH[@]}"; expect_error 1 "text.mp4: expected a video"
    : >empty.mp4
    run score empty.mp4 a "${MATCH[@]}"; expect_error 1 "empty.mp4"
    run score . a "${MATCH[@]}"; expect_status 1; expect_one_line
    printf 'YUV4MPEG2 W32 H32 F25:1 A1:1 C420jpeg\n' >none.y4m
    run ask none.y4m a --options b c "${MATCH[@]}"; expect_error 1 "none.y4m"
    run embed text.mp4 "${MATCH[@]}"; expect_error 1 "text.mp4: expected a video"
}

other_checkpoints() {
    local golden=$ROOT/tests/golden/checkpoints
    run ask "$VIDEO" "what?" "${MATCH[@]}"
    expect_error 1 "to answer a question without options takes a head \`fc\` of answers; this checkpoint has one that scores pairs"
    run ask "$VIDEO" "what?" --options a b "${ANSWER[@]}"; expect_error 1 "this checkpoint has one of 3 answers"
    run score "$VIDEO" a "${ANSWER[@]}"; expect_error 1 "to score sentences"
    run ask "$VIDEO" "what?" "${ANSWER[@]}"; expect_error 2 "3 classes of answers, but not their words"
    run ask "$VIDEO" "what?" --answers "$MADE/four.json" "${ANSWER[@]}"; expect_error 1 "4 answers are listed in"
    run ask "$VIDEO" "what?" --answers nowhere.json "${ANSWER[@]}"; expect_error 1 "nowhere.json"
    echo '{"train": []}' >none.json
    run ask "$VIDEO" "what?" --answers none.json "${ANSWER[@]}"; expect_error 1 "none.json: expected a list of answers"
    echo '{"vocab": ["a", "a"]}' >twice.json
    run ask "$VIDEO" "what?" --answers twice.json "${ANSWER[@]}"; expect_error 1 "twice.json: vocab: answer 'a' is twice"
    run score "$VIDEO" a --checkpoint nowhere.pt; expect_error 1 "nowhere.pt"
    run score "$VIDEO" a --checkpoint "$VIDEO"; expect_error 1 "v1.y4m"
    run score "$VIDEO" a --checkpoint "$golden/state_zip.pt"; expect_error 1 "state_zip.pt"
    run convert "$MADE/match.safetensors" headless.safetensors --drop 'fc*'; expect_status 0
    run score "$VIDEO" a --checkpoint headless.safetensors; expect_error 1 "this checkpoint has no head for either"
    run embed "a man" --checkpoint headless.safetensors; expect_status 0
    run convert "$MADE/match.safetensors" part.safetensors --drop 'trsfr.*.output.dense.bias'; expect_status 0
    run score "$VIDEO" a --checkpoint part.safetensors; expect_error 1 "not a whole model: 'trsfr.layer.0."
    run score "$VIDEO" a "${MATCH[@]}" --size-frame 8; expect_error 1 "emb_len"
    run score "$VIDEO" a "${MATCH[@]}" --size-frame 8 --interpolate; expect_status 0
    run score "$VIDEO" a "${MATCH[@]}" --size-img 64; expect_error 1 "emb_pos"
}

# What fine-tuning writes is all that is needed: sizes, answers, the blank.
fine_tuned() {
    local i word=(dark "" "" white)
    for s in train val; do
        for i in 1 4; do
            printf '{"video": "v%s", "question": "how bright is it?", "answer": "%s", "split": "%s"}\n' $i "${word[i - 1]}" $s
        done
    done >txt_bright.jsonl
    sed 's/how bright is it?/it is a ___ square/' txt_bright.jsonl >txt_blank.jsonl
    for i in "qaoe bright how bright is it?" "fib blank it is a ___ square"; do
        local kind task question
        read -r kind task question <<<"$i"
        run finetune --type $kind --task $task --data . --dataset v --videos "$MADE/videos" --config "$MADE/small.json" --size-img 32 \
            --size-frame 2 --size-txt 10 --size-batch 2 --lr 0.01 --size-epoch 60 --threads 1 --drop 0 --drop-path 0 --output $kind
        expect_status 0
        for i in 1 4; do
            run ask "$MADE/videos/v$i.y4m" "$question" --checkpoint $kind/best.safetensors --threads 1 --top 4; expect_status 0
            [ "$(wc -l <out.txt)" -eq 2 ] || fail "expected its two answers"
            [[ ${out%%$'\n'*} == *"  ${word[i - 1]}" ]] || fail "expected '${word[i - 1]}' first"
        done
        run ask "$VIDEO" "$question" --options a b --checkpoint $kind/best.safetensors; expect_error 1 "it was fine-tuned for $kind"
    done
    run ask "$VIDEO" "what is it?" --checkpoint fib/best.safetensors; expect_error 2 "the question has none"
}

real_clips() {
    [ -e "$MSRVTT/video7010.mp4" ] || skip "no clips in $MSRVTT"
    run score "$MSRVTT/video7010.mp4" "a man" "${MATCH[@]}"; expect_status 0; expect_err "video7010.mp4: pixels are not square"
    run score "$MSRVTT/video7010.mp4" "a man" "a dog" "${MATCH[@]}" --shape stored; expect_status 0
    [ "$(wc -l <out.txt)" -eq 2 ] || fail "expected two lines"
    cp out.txt exact.txt
    run score "$MSRVTT/video7010.mp4" "a man" "a dog" "${MATCH[@]}" --shape stored --fast-video; expect_status 0
    cmp -s out.txt exact.txt || fail "frames found by seeking give other scores"
    run score "$MSRVTT/video7010.mp4" "a man" "a dog" "${MATCH[@]}" --compat violet1; expect_status 0
    ! cmp -s out.txt exact.txt || fail "frames went through no JPEG"
    run embed "$MSRVTT"/*.mp4 "${MATCH[@]}" --output clips.npy; expect_status 0; expect_out "clips.npy: 7 x 32"
}

in_a_folder() { mkdir "$1"; cd "$1" || exit 1; "$1"; }
for t in help_tells scores objects options answers vectors searches wrong_searches too_long wrong_arguments no_video other_checkpoints \
    fine_tuned real_clips; do
    test_case $t in_a_folder $t
done
finish
