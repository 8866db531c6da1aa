/* violet: the command line. Commands are the table below; each lives in its cmd_NAME.c and sees
 * violet.h alone. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define SPIN_COUNT "6000"

const command commands[] = {
    {"pretrain", "[ARGS.json] [--OPTION VALUE ...]", "pretrain a model as the options say",
     "Reads the published args files. A first interrupt finishes the step and saves; a second one "
     "stops at once. The run's folder (option output) gets args.json, log.json, steps.jsonl, "
     "timing.jsonl, the state to resume from and the weights.",
     1, cmd_pretrain},
    {"finetune", "[ARGS.json] [--OPTION VALUE ...]", "fine-tune a model on a downstream task",
     "Types: retrieval, qamc (multiple choice), qaoe (open-ended questions), fib (fill in the "
     "blank). Reads the published args and annotation files. Validates on the real metric after "
     "every epoch; best.safetensors has the weights of the best, tested once, at the end: "
     "test.json. Interrupts and the other files are as in pretraining.",
     1, cmd_finetune},
    {"eval", "ARGS.json [--checkpoint FILE] [--json] [--OPTION VALUE ...]",
     "measure a checkpoint on a downstream task",
     "Types: retrieval, qamc (multiple choice), qaoe (open-ended questions), fib (fill in the "
     "blank). Reads the published args and annotation files. Every metric is printed with its "
     "protocol, the number of items and a 95 % interval. A pretraining checkpoint is measured "
     "zero-shot. The same command goes on where it was stopped or killed; for many machines: "
     "--shard 1/4 to 4/4, then --merge 4. The folder (option output) gets scores.bin and "
     "result.json.",
     1, cmd_eval},
    {"report", "FOLDER ... [-o FILE.html] [--baseline NAME=FOLDER ...] [--OPTION VALUE ...]",
     "make a page about runs and evaluations",
     "Folders of trainings and evaluations, or folders that have such below them. The page is one "
     "file that needs no other: metrics beside chance and baselines, curves, speed, examples with "
     "pictures, the configuration. Evaluations show examples if they were run with --predictions. "
     "Without -o it is report.html in the first folder.",
     1, cmd_report},
    {"make-corpus", "DIR [--clips N] [--seed S] [--OPTION VALUE ...]",
     "make clips with captions and questions, to try all this on",
     "A small world of shapes that move, in real video files, with annotation files for every "
     "task: docs/CORPUS.md. The same options give the same files. The same command goes on where "
     "it was stopped or killed.",
     1, cmd_make_corpus},
    {"extract-frames", "--path DIR|FILE|LIST [--sample 5] [--output X] [--OPTION VALUE ...]",
     "take frames from videos",
     "Writes X.tsv and X.lineidx (with --pkl also: X.pkl) as training reads them, and "
     "X.manifest.jsonl, which tells of every video what was taken or why it failed; no bad video "
     "stops the work. With n frames in all, frame int(n / (sample + 1) * (i + 1)) is sample i. "
     "The same command goes on where it was stopped or killed, and does nothing where all is done. "
     "For many machines: --shard 1/4 to 4/4, then --merge 4. The output is the same bytes for any "
     "number of workers and shards.",
     1, cmd_extract_frames},
    {"extract-tsv", "--path X.pkl|X.tsv [--output Y]", "turn X.pkl into X.tsv, or back",
     "X.pkl becomes Y.tsv and Y.lineidx, X.tsv becomes Y.pkl. What was there is replaced.", 1,
     cmd_extract_tsv},
    {"extract-vq", "--path X --dvae FILE [--frame 224] [--OPTION VALUE ...]",
     "compute the visual tokens of frames", "", 1, cmd_extract_vq},
    {"train-dvae", "--path X [--OPTION VALUE ...]", "train a discrete VAE on frames", "", 1,
     cmd_train_dvae},
    {"link", "--path X --dataset NAME [--data DIR] [--split SPLIT] [--OPTION VALUE ...]",
     "give a data set the file names that training reads",
     "X.tsv becomes img_NAME_SPLIT_PART.tsv, X.pkl img_NAME.pkl, X_vq.pkl vq_NAME.pkl, captions "
     "txt_NAME.json: symbolic links, or copies. Other files of these names are replaced only with "
     "--force.",
     1, cmd_link},
    {"plan", "[ARGS.json] [--json] [--OPTION VALUE ...]",
     "tell what a pretraining run will need: parameters, FLOPs, memory, time",
     "Runs nothing; takes milliseconds. The same args file as for pretrain will do.", 1, cmd_plan},
    {"score", "VIDEO SENTENCE ... --checkpoint FILE [--json] [--OPTION VALUE ...]",
     "tell how well sentences fit a video",
     "One line a sentence, best first: the score, with several sentences the share that each gets "
     "of 100 % where the best of them is sought (softmax at the temperature of training), and the "
     "sentence. A score is what the matching head gives: larger is better, for sentences of one "
     "video or videos for one sentence; it is no probability. A sentence that is too long for the "
     "model loses its end, and a line on the standard error says so.",
     1, cmd_score},
    {"ask", "VIDEO QUESTION [--options A B ...] --checkpoint FILE [--json] [--OPTION VALUE ...]",
     "answer a question about a video",
     "With --options, whose words go up to the next argument that begins with --, it is multiple "
     "choice: one line an option, best first, with score and share as 'violet score' has them; the "
     "checkpoint needs the matching head. Without, the most probable of the answers that the "
     "checkpoint was fine-tuned for (or that --answers lists), each with its probability; of a "
     "checkpoint for filling in blanks, what the question has as ___ or [MASK]. A question that is "
     "too long loses its end, and a line on the standard error says so; an option never does.",
     1, cmd_ask},
    {"embed", "VIDEO|TEXT ... --checkpoint FILE [--output X.npy] [--json] [--OPTION VALUE ...]",
     "turn videos and texts into vectors",
     "What is the name of a file is a video, all else a text. Of a checkpoint that was trained "
     "with --contrastive, vectors have length 1 and one space: the product of a video's and a "
     "text's tells how well they fit. Of others a vector is the mean over the tokens that enter "
     "the cross-modal transformer: a video's patches and the [CLS] of each frame, a text's word "
     "pieces with [CLS] and [SEP]; it is not normalised. Written as .npy, one row an argument, or "
     "as JSON on the standard output.",
     1, cmd_embed},
    {"convert", "IN OUT [--dtype TYPE] [--only PATTERNS] [--drop PATTERNS] [--config C] [--force]",
     "write a file of tensors in another format",
     "IN is any file of tensors: safetensors, or PyTorch's in either container, told from its "
     "content. OUT is .safetensors, or .pt, .pth, .bin, .pkl for torch.load; it appears whole or "
     "not at all. Names stay, without what wraps all of them; metadata goes along; integers and "
     "booleans keep their type. The moments of a training state go along only where all of it does "
     "(not into PyTorch's files), or where --only asks for them. Patterns are those of the shell, "
     "quoted: --only 'enc_img.*,enc_txt.*'.",
     1, cmd_convert},
    {"info", "[--verbose] [--json] FILE ... | --diff A B | --for TASK [--config C] [--interpolate] "
     "FILE ...",
     "tell what files hold",
     "Tensors (safetensors, PyTorch's), pictures (.tsv, .lineidx, .jpg), pickles, annotations "
     "(.json, .jsonl, .csv), arguments and logs of runs, videos. --verbose lists every tensor with "
     "its statistics. --diff compares the tensors of two files; it exits with 0 if they are the "
     "same, with 1 if not, with 2 if something went wrong. --for pretrain, retrieval, qamc, qaoe "
     "or fib tells what such a model would take of a checkpoint: one of the sizes that the file "
     "tells, or --config (a preset, a JSON file, a checkpoint), with --interpolate as a run that has it.",
     0, cmd_info},
    {"help", "[COMMAND]", "help on a command", "", 0, cmd_help},
    {"man", "", "print the manual page (troff)", "", 0, cmd_man},
};
const int n_commands = sizeof commands / sizeof *commands;

int complain(int status, const char *format, ...)
{
    va_list ap;
    fflush(stdout);
    fputs("violet: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return status;
}

int complain_options(violet_status status)
{
    return complain(status == VIOLET_EINVAL ? EXIT_USAGE : EXIT_RUNTIME, "%s", violet_error());
}

/* ---- finding commands ------------------------------------------------------------------------ */

static int edit_distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    int row[MOST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > MOST || m > MOST) return MOST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            int drop = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < drop ? change : drop;
        }
    }
    return row[m];
}

const command *command_find(const char *name)
{
    const char *nearest = NULL;
    int least = (int)strlen(name) / 2 + 1;
    for (int i = 0; i < n_commands; i++) {
        int d = edit_distance(name, commands[i].name);
        if (d == 0) return &commands[i];
        if (d < least) {
            least = d;
            nearest = commands[i].name;
        }
    }
    if (nearest)
        complain(0, "unknown command '%s'; did you mean '%s'?", name, nearest);
    else
        complain(0, "unknown command '%s'; 'violet help' lists them", name);
    return NULL;
}

/* ---- arguments ------------------------------------------------------------------------------- */

int take_flag(int *argc, char **argv, const char *word)
{
    int found = 0, kept = 0, flags = 1;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) flags = 0;
        if (flags && strcmp(argv[i], word) == 0)
            found = 1;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return found;
}

/* An ARGS.json is told by its name from a value without its option. */
static int is_json_name(const char *s)
{
    size_t n = strlen(s);
    return n > 5 && strcmp(s + n - 5, ".json") == 0;
}

/* Parses a copy of argv, because parsing moves its pieces. *file: the one argument that is no
 * flag, or NULL. */
static int parse(violet_options *o, const char *name, int argc, char **argv, char **file)
{
    int n = 0, status = 0;
    char **copy = malloc((argc + 1) * sizeof *copy);
    if (!copy) return complain(EXIT_RUNTIME, "out of memory");
    memcpy(copy, argv, argc * sizeof *copy);
    violet_status code = violet_options_parse(o, argc, copy, &n);
    *file = n > 0 ? copy[0] : NULL;
    if (code != VIOLET_OK)
        status = complain_options(code);
    else if (n > 0 && !is_json_name(copy[0]))
        status = complain(EXIT_USAGE, "%s: unexpected argument '%s'; 'violet help %s' tells more",
                          name, copy[0], name);
    else if (n > 1)
        status = complain(EXIT_USAGE, "%s: expected one ARGS.json, found '%s' and '%s'", name,
                          copy[0], copy[1]);
    free(copy);
    return status;
}

violet_options *read_options(int *status, const char *name, int argc, char **argv)
{
    violet_options *o = NULL;
    char *file = NULL;
    violet_status code = violet_options_new(&o, name);
    if (code != VIOLET_OK) {
        *status = complain_options(code);
        return NULL;
    }
    *status = parse(o, name, argc, argv, &file); /* finds the file; flags are looked at early */
    if (*status == 0 && file) {
        code = violet_options_load(o, file);
        *status = code == VIOLET_OK ? parse(o, name, argc, argv, &file) : complain_options(code);
    }
    if (*status == 0) return o;
    violet_options_free(o);
    return NULL;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int run(int argc, char **argv)
{
    if (argc < 2) {
        cmd_help(0, NULL);
        return EXIT_USAGE;
    }
    char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("violet %s\n", violet_version());
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return cmd_help(0, NULL);
    const command *c = command_find(name);
    if (!c) return EXIT_USAGE;
    argc -= 2;
    argv += 2;
    if (take_flag(&argc, argv, "--help") || take_flag(&argc, argv, "-h")) return cmd_help(1, &name);
    return c->run(argc, argv);
}

/* Waiting threads of OpenMP spin for long by default, which costs whole time slices as soon as
 * another program wants the cores (5 times slower was seen), and gains little on an idle machine.
 * The runtime reads its settings when it is loaded, so the program starts itself once more. */
static void spin_less(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || setenv("GOMP_SPINCOUNT", SPIN_COUNT, 1) != 0) return;
    self[n] = 0;
    execv(self, argv);
}

int main(int argc, char **argv)
{
    spin_less(argv);
    int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain(EXIT_RUNTIME, "cannot write to the standard output");
    return status;
}
