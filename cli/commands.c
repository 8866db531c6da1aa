/* The commands: one row each, in the order in which help tells them. Nothing else has to be written
 * for a command whose options the library knows: help, man page and completion follow. */
#include "cli.h"

#include <stddef.h>

#define WITH_OPTIONS "[--OPTION VALUE ...]"
#define RUN_FILES                                                                                  \
    "in the folder that --output names: args.json, log.json, steps.jsonl, timing.jsonl, the "      \
    "state to resume from, weights after every unit (--keep) and last.safetensors"

const command commands[] = {
    /* ---- make data --------------------------------------------------------------------------- */
    {.name = "make-corpus",
     .group = "Make data",
     .summary = "make clips with captions and questions, to try all this on",
     .usage = "DIR [--clips N] [--seed S] " WITH_OPTIONS,
     .about = "A small world of shapes that move, in real video files. The same options give the "
              "same files. The same command goes on where it was stopped or killed.",
     .writes = "in DIR: videos, and annotation files for every task",
     .docs = "docs/CORPUS.md",
     .examples = {{"world --clips 500", "a small one"},
                  {"world --clips 500 --seed 2", "another of the same kind"}},
     .work = violet_make_corpus,
     .words = {"output"}},
    {.name = "extract-frames",
     .group = "Make data",
     .summary = "take frames from videos",
     .usage = "--path DIR|FILE|LIST [--sample 5] [--output X] " WITH_OPTIONS,
     .about = "With n frames in all, frame int(n / (sample + 1) * (i + 1)) is sample i. No bad "
              "video stops the work: the manifest tells why it failed. The same command goes on "
              "where it was stopped or killed, and does nothing where all is done. For many "
              "machines: --shard 1/4 to 4/4, then --merge 4. The output is the same bytes for any "
              "number of workers and shards.",
     .reads = "videos of any container and codec that FFmpeg reads: a folder, one file, or a list",
     .writes = "X.tsv and X.lineidx as training reads them, with --pkl X.pkl; X.manifest.jsonl, "
               "which tells of every video what was taken",
     .docs = "docs/EXTRACT.md",
     .examples = {{"--path videos --output clips", "five frames of every video in a folder"},
                  {"--path videos --output clips --sample 8 --fast", "eight, found by seeking"},
                  {"--path videos --output clips --retry", "the videos that failed once more"}},
     .work = violet_extract_frames},
    {.name = "train-dvae",
     .group = "Make data",
     .summary = "train a discrete VAE on frames, for visual tokens",
     .usage = "--path X [--output dvae] " WITH_OPTIONS,
     .about = "A first interrupt finishes the step and saves; a second one stops at once.",
     .reads = "frames (X.tsv, X.pkl), folders of JPEGs or of videos",
     .writes = "in the folder that --output names: dvae.safetensors, logs, a contact sheet, the "
               "state to resume from",
     .docs = "docs/DVAE.md",
     .examples = {{"--path clips.tsv --output dvae", "the small preset: 256 codes"},
                  {"--path clips.tsv --output dvae --resume", "go on after an interrupt"}},
     .work = violet_train_dvae,
     .resume = "--resume"},
    {.name = "extract-vq",
     .group = "Make data",
     .summary = "compute the visual tokens of frames",
     .usage = "--path X --dvae FILE [--frame 224] " WITH_OPTIONS,
     .about = "The same command goes on where it was stopped or killed. For many machines: --shard "
              "1/4 to 4/4, then --merge 4.",
     .reads = "frames (X.tsv, X.pkl) or videos, and a dVAE: the published encoder.pkl or one from "
              "train-dvae",
     .writes = "X_vq.pkl",
     .docs = "docs/EXTRACT.md",
     .examples = {{"--path clips --dvae dvae/dvae.safetensors", "of clips.tsv, into clips_vq.pkl"},
                  {"--path clips --dvae encoder.pkl --frame 256", "for pictures of 256 pixels"}},
     .work = violet_extract_vq},
    {.name = "extract-tsv",
     .group = "Make data",
     .summary = "turn X.pkl into X.tsv, or back",
     .usage = "--path X.pkl|X.tsv [--output Y]",
     .about = "What was there is replaced.",
     .reads = "X.pkl, or X.tsv",
     .writes = "Y.tsv and Y.lineidx, or Y.pkl; without --output Y is X",
     .docs = "docs/EXTRACT.md",
     .examples = {{"--path clips.pkl", "clips.tsv and clips.lineidx"},
                  {"--path clips.tsv --output frames", "frames.pkl"}},
     .work = violet_extract_tsv},
    {.name = "link",
     .group = "Make data",
     .summary = "give a data set the file names that training reads",
     .usage = "--path X --dataset NAME [--data DIR] [--split SPLIT] " WITH_OPTIONS,
     .about = "Other files of these names are replaced only with --force.",
     .reads = "X.tsv, X.pkl, X_vq.pkl, and captions",
     .writes = "symbolic links, or copies: img_NAME_SPLIT_PART.tsv, img_NAME.pkl, vq_NAME.pkl, "
               "txt_NAME.json",
     .docs = "docs/EXTRACT.md",
     .examples = {{"--path clips --dataset mine --split train --captions captions.json",
                   "for pretraining"},
                  {"--path clips --dataset mine --task downstream", "for the downstream tasks"}},
     .work = violet_link},

    /* ---- train ------------------------------------------------------------------------------- */
    {.name = "pretrain",
     .group = "Train",
     .summary = "pretrain a model on captioned videos and pictures",
     .usage = "[ARGS.json] " WITH_OPTIONS,
     .about = "Options stand in ARGS.json, where names have '_', or on the command line, where "
              "they win over the file. A first interrupt finishes the step and saves; a second one "
              "stops at once.",
     .reads = "published args files; frames, visual tokens and captions by their names in --data "
              "(img_*, vq_*, txt_*), or videos (--videos, --dvae)",
     .writes = RUN_FILES,
     .docs = "docs/FORMATS.md",
     .examples = {{"args_pretrain.json --data _data --dataset webvid2.5m,cc3m",
                   "as published, on the published data"},
                  {"--videos videos --dvae dvae/dvae.safetensors --data captions --dataset mine",
                   "straight from videos, tokens made on the fly"},
                  {"run/args.json --resume", "go on after an interrupt, a crash or a power cut"}},
     .work = violet_pretrain,
     .resume = "--resume"},
    {.name = "finetune",
     .group = "Train",
     .summary = "fine-tune a model on a downstream task",
     .usage = "[ARGS.json] " WITH_OPTIONS,
     .about = "Types: retrieval, qamc (multiple choice), qaoe (open-ended questions), fib (fill in "
              "the blank). Validates on the real metric after every epoch; the best weights are "
              "kept and tested once, at the end. Interrupts are as in pretraining.",
     .reads = "published args and annotation files (txt_TASK.json and its like), frames or videos, "
              "a checkpoint to start from",
     .writes = RUN_FILES "; best.safetensors, test.json",
     .docs = "docs/FINETUNE.md",
     .examples = {{"args_msvd-qa.json --data _data --checkpoint ckpt_violet.pt",
                   "a published task, from published weights"},
                  {"--type qaoe --task questions --dataset mine --videos videos --checkpoint "
                   "run/last.safetensors", "questions of your own on videos of your own"}},
     .work = violet_finetune,
     .resume = "--resume"},

    /* ---- measure ----------------------------------------------------------------------------- */
    {.name = "eval",
     .group = "Measure",
     .summary = "measure a checkpoint on a downstream task",
     .usage = "[ARGS.json] --checkpoint FILE [--json] " WITH_OPTIONS,
     .about = "Types: retrieval, qamc (multiple choice), qaoe (open-ended questions), fib (fill in "
              "the blank). Every metric is printed with its protocol, the number of items and a "
              "95 % interval. A pretraining checkpoint is measured zero-shot. The same command "
              "goes on where it was stopped or killed; for many machines: --shard 1/4 to 4/4, then "
              "--merge 4.",
     .reads = "published args and annotation files, frames or videos, a checkpoint of any format",
     .writes = "in the folder that --output names: scores.bin, result.json; --predictions FILE",
     .docs = "docs/EVALUATE.md",
     .examples = {{"args_msvd-qa.json --data _data --checkpoint run/best.safetensors",
                   "the test split of a published task"},
                  {"args_msvd-qa.json --checkpoint run/best.safetensors --split val --json",
                   "another split, for a program to read"},
                  {"--type retrieval --items mine.jsonl --videos clips --checkpoint x.pt",
                   "captions and videos of your own"}},
     .run = cmd_eval},
    {.name = "report",
     .group = "Measure",
     .summary = "make a page about runs and evaluations",
     .usage = "FOLDER ... [-o FILE.html] [--baseline NAME=FOLDER ...] " WITH_OPTIONS,
     .about = "Folders of trainings and evaluations, or folders that have such below them. The "
              "page is one file that needs no other: metrics beside chance and baselines, curves, "
              "speed, examples with pictures, the configuration. Evaluations show examples if they "
              "were run with --predictions.",
     .reads = "what trainings and evaluations left in their folders, and pictures",
     .writes = "FILE.html; without -o: report.html in the first folder",
     .docs = "docs/REPORT.md",
     .examples = {{"run", "a training"},
                  {"run eval -o report.html --baseline 'one frame=eval1'",
                   "with its evaluation, beside another"}},
     .run = cmd_report},

    /* ---- use --------------------------------------------------------------------------------- */
    {.name = "score",
     .group = "Use on your videos",
     .summary = "tell how well sentences fit a video",
     .usage = "VIDEO SENTENCE ... --checkpoint FILE [--json] " WITH_OPTIONS,
     .about = "One line a sentence, best first: the score, with several sentences the share that "
              "each gets of 100 % where the best of them is sought (softmax at the temperature of "
              "training), and the sentence. A score is what the matching head gives: larger is "
              "better, for sentences of one video or videos for one sentence; it is no "
              "probability. A sentence that is too long for the model loses its end, and a line on "
              "the standard error says so.",
     .reads = "any video, and a checkpoint that has the matching head",
     .docs = "docs/USE.md",
     .examples = {{"clip.mp4 \"a man plays the guitar\" \"a dog runs\" --checkpoint "
                   "run/last.safetensors", "which of two sentences fits"},
                  {"clip.mp4 \"a dog runs\" --checkpoint ckpt.pt --json", "for a program to read"}},
     .run = cmd_score},
    {.name = "ask",
     .group = "Use on your videos",
     .summary = "answer a question about a video",
     .usage = "VIDEO QUESTION [--options A B ...] --checkpoint FILE [--json] " WITH_OPTIONS,
     .about = "With --options, whose words go up to the next argument that begins with --, it is "
              "multiple choice: one line an option, best first, with score and share as 'violet "
              "score' has them; the checkpoint needs the matching head. Without, the most probable "
              "of the answers that the checkpoint was fine-tuned for (or that --answers lists), "
              "each with its probability; of a checkpoint for filling in blanks, what the question "
              "has as ___ or [MASK]. A question that is too long loses its end, and a line on the "
              "standard error says so; an option never does.",
     .reads = "any video, and a checkpoint fine-tuned for questions or with the matching head",
     .docs = "docs/USE.md",
     .extra = "--options",
     .examples = {{"clip.mp4 \"what is the man playing?\" --checkpoint run/best.safetensors",
                   "of the answers that it was fine-tuned for"},
                  {"clip.mp4 \"what runs?\" --options dog cat \"a small horse\" --checkpoint "
                   "run/last.safetensors", "multiple choice"}},
     .run = cmd_ask},
    {.name = "embed",
     .group = "Use on your videos",
     .summary = "turn videos and texts into vectors",
     .usage = "VIDEO|TEXT ... --checkpoint FILE [--output X.npy] [--json] " WITH_OPTIONS,
     .about = "What is the name of a file is a video, all else a text. Of a checkpoint that was "
              "trained with --contrastive, vectors have length 1 and one space: the product of a "
              "video's and a text's tells how well they fit. Of others a vector is the mean over "
              "the tokens that enter the cross-modal transformer: a video's patches and the [CLS] "
              "of each frame, a text's word pieces with [CLS] and [SEP]; it is not normalised.",
     .reads = "any videos, and a checkpoint",
     .writes = "X.npy, one row an argument; without --output JSON on the standard output",
     .docs = "docs/USE.md",
     .examples = {{"a.mp4 b.mp4 --checkpoint run/best.safetensors --output clips.npy",
                   "two videos, for numpy.load"},
                  {"\"a dog runs\" --checkpoint run/best.safetensors", "a text, as JSON"}},
     .run = cmd_embed},

    {.name = "search",
     .group = "Use on your videos",
     .summary = "find the videos that sentences tell of",
     .usage = "SENTENCE ... --path DIR|LIST --checkpoint FILE [--top N] [--index FILE] "
              WITH_OPTIONS,
     .about = "The best videos of each sentence: rank, score, name. Every video and every sentence "
              "is encoded once; a score is that of 'violet score'. Of a checkpoint that was "
              "trained with --contrastive, all videos are ranked by vectors first and only the "
              "best --first-stage of each sentence are scored. One without the matching head "
              "ranks by its vectors alone, and says so. Videos that cannot be decoded are left "
              "out, and counted. --index keeps what is encoded: the same command goes on where it "
              "was stopped, and a later one encodes only videos that are new or changed.",
     .reads = "videos: a folder, a list of paths, or one; a checkpoint that has the matching head "
              "or a dual encoder",
     .writes = "the file that --index names",
     .docs = "docs/USE.md",
     .examples = {{"\"a dog runs\" --path videos --checkpoint run/best.safetensors",
                   "the five best of a folder"},
                  {"\"a man sings\" --path videos --checkpoint run/best.safetensors --index "
                   "videos.index", "quickly, from the second time on"},
                  {"\"a dog runs\" \"a man sings\" --path videos --checkpoint "
                   "run/best.safetensors --top 3 --json", "two sentences, for a program to read"}},
     .run = cmd_search},

    /* ---- files and plans --------------------------------------------------------------------- */
    {.name = "info",
     .group = "Files and plans",
     .summary = "tell what files hold",
     .usage = "FILE ... [--verbose] [--json] | --diff A B | --for TASK [--config C] "
              "[--interpolate] FILE ...",
     .about = "--verbose lists every tensor with its statistics. --diff compares the tensors of "
              "two files; it exits with 0 if they are the same, with 1 if not, with 2 if something "
              "went wrong. --for tells what a model for that task would take of a checkpoint: one "
              "of the sizes that the file tells, or --config.",
     .reads = "tensors (safetensors, PyTorch's), pictures (.tsv, .lineidx, .jpg), pickles, "
              "annotations (.json, .jsonl, .csv), arguments and logs of runs, videos",
     .docs = "docs/CHECKPOINTS.md",
     .examples = {{"ckpt_violet.pt", "what it is, and of what sizes"},
                  {"--diff run/last.safetensors model.pt", "how two checkpoints differ"},
                  {"--for qaoe ckpt_violet.pt", "would it do to start from?"}},
     .run = cmd_info},
    {.name = "convert",
     .group = "Files and plans",
     .summary = "write a file of tensors in another format",
     .usage = "IN OUT [--dtype TYPE] [--only PATTERNS] [--drop PATTERNS] [--config C] [--force]",
     .about = "Names stay, without what wraps all of them; metadata goes along; integers and "
              "booleans keep their type. The moments of a training state go along only where all "
              "of it does (not into PyTorch's files), or where --only asks for them. Patterns are "
              "those of the shell, quoted.",
     .reads = "IN: safetensors, or PyTorch's in either container, told from its content",
     .writes = "OUT: .safetensors, or .pt, .pth, .bin, .pkl for torch.load; whole or not at all",
     .docs = "docs/CHECKPOINTS.md",
     .examples = {{"run/last.safetensors model.pt", "weights for PyTorch"},
                  {"ckpt_violet.pt half.safetensors --dtype float16", "in half the bytes"},
                  {"ckpt_violet.pt video.safetensors --only 'enc_img.*'",
                   "the video encoder alone"}},
     .work = violet_convert,
     .words = {"input", "output"}},
    {.name = "plan",
     .group = "Files and plans",
     .summary = "tell what a training will need: FLOPs, memory, time",
     .usage = "[ARGS.json] [--json] " WITH_OPTIONS,
     .about = "Runs nothing; takes milliseconds. The same args file as for pretrain or "
              "finetune will do.",
     .reads = "an args file, if one is named",
     .docs = "docs/PERFORMANCE.md",
     .examples = {{"--config violet1 --size-batch 16", "memory and FLOPs of a batch"},
                  {"args_pretrain.json --measure", "and time, by this machine's measured peak"}},
     .run = cmd_plan},

    /* ---- help -------------------------------------------------------------------------------- */
    {.name = "help",
     .group = "Help",
     .summary = "tell what a command does, with examples and options",
     .usage = "[COMMAND]",
     .examples = {{"", "all commands"}, {"pretrain", "one of them"}},
     .run = cmd_help},
    {.name = "man",
     .group = "Help",
     .summary = "print a manual page (troff)",
     .usage = "[COMMAND] [--list]",
     .about = "Without a command: the page of the program. --list: the names of all pages, as "
              "'make install' writes them.",
     .extra = "--list",
     .examples = {{"pretrain | man -l -", "read one that is not installed"}},
     .run = cmd_man},
    {.name = "completion",
     .group = "Help",
     .summary = "print a script that completes commands and options in a shell",
     .usage = "bash",
     .about = "'make install' puts it where bash-completion finds it.",
     .examples = {{"bash > ~/.local/share/bash-completion/completions/violet",
                   "for a program that was not installed"}},
     .run = cmd_completion},
};
const int n_commands = sizeof commands / sizeof *commands;
