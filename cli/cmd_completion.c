/* violet completion bash: a script that completes commands, options, values that are choices, and
 * files, made of the command and option tables. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* The frame of the script; what the tables give stands between. $words are what can be meant,
 * $files is a pattern of compgen's -X for what cannot be among files ("-": no files). */
static const char head[] =
    "# bash completion for violet, made by 'violet completion bash'\n"
    "_violet()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local at found command='' options='' words='' files=-\n"
    "    # --name=value is three words here\n"
    "    if [[ $cur == '=' ]]; then cur=''\n"
    "    elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
    "        [[ ${COMP_WORDS[at]} == --check-args ]] && continue\n"
    "        command=${COMP_WORDS[at]}\n"
    "        break\n"
    "    done\n"
    "    [[ $prev == --* ]] && prev=${prev//_/-}\n"
    "    local commands='";
static const char tail[] =
    "    *) return ;;\n"
    "    esac\n"
    "    [[ $cur == -* ]] && words=\"$options --help\" files=-\n"
    "    COMPREPLY=()\n"
    "    [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "    if [[ $files != - ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t found < <(compgen -f -X \"$files\" -- \"$cur\"\n"
    "            [[ -n $files ]] && compgen -d -- \"$cur\")\n"
    "        COMPREPLY+=(\"${found[@]}\")\n"
    "    fi\n"
    "}\n"
    "complete -F _violet violet\n";

static void put_name(const char *name)
{
    for (; *name; name++) putchar(*name == '_' ? '-' : *name);
}

static void put_words(const char *choices)
{
    for (; *choices; choices++) putchar(*choices == '|' ? ' ' : *choices);
}

static int is_on(const violet_option_facts *f)
{
    return f->kind == VIOLET_OPTION_FLAG && f->fallback && strcmp(f->fallback, "true") == 0;
}

static void put_options(const command *c, const violet_options *o)
{
    violet_option_facts f;
    fputs("        options='", stdout);
    for (int i = 0; o && violet_options_describe(&f, o, i); i++) {
        fputs(is_on(&f) ? " --no-" : " --", stdout);
        put_name(f.name);
        if (f.also) printf(" --"), put_name(f.also);
    }
    printf("%s%s'\n", c->extra ? " " : "", c->extra ? c->extra : "");
}

/* A line of `case $prev`: what may follow the option. */
static void put_value(const violet_option_facts *f)
{
    if (f->kind == VIOLET_OPTION_FLAG) return;
    fputs("        --", stdout);
    put_name(f->name);
    if (f->also) printf("|--"), put_name(f->also);
    putchar(')');
    if (f->choices) printf(" words='"), put_words(f->choices), putchar('\'');
    if (f->kind == VIOLET_OPTION_PATH) fputs(" files=''", stdout);
    if (!f->choices && f->kind != VIOLET_OPTION_PATH) fputs(" return", stdout);
    puts(" ;;");
}

/* What stands where no option does: the first word of the usage tells. */
static void put_arguments(const char *usage)
{
    const char *first = usage + (*usage == '[');
    fputs("        *)", stdout);
    if (strncmp(first, "ARGS.json", 9) == 0) fputs(" files='!*.json'", stdout);
    else if (strncmp(first, "COMMAND", 7) == 0) fputs(" words=$commands", stdout);
    else if (strcmp(first, "bash") == 0) fputs(" words=bash", stdout);
    else if (*first && *first != '-') fputs(" files=''", stdout);
    puts(" ;;");
}

static void put_command(const command *c)
{
    violet_option_facts f;
    violet_options *o = command_options(c);
    printf("    %s)\n", c->name);
    put_options(c, o);
    puts("        case $prev in");
    for (int i = 0; o && violet_options_describe(&f, o, i); i++) put_value(&f);
    put_arguments(c->usage);
    puts("        esac ;;");
    violet_options_free(o);
}

static int put_script(void)
{
    fputs(head, stdout);
    for (int i = 0; i < n_commands; i++) printf("%s%s", i ? " " : "", commands[i].name);
    puts("'\n    case $command in\n"
         "    '') words=$commands options='--version --check-args' ;;");
    for (int i = 0; i < n_commands; i++) put_command(&commands[i]);
    fputs(tail, stdout);
    return 0;
}

int cmd_completion(int argc, char **argv)
{
    if (argc != 1)
        return complain(EXIT_USAGE, "completion: expected the name of a shell: bash");
    if (strcmp(argv[0], "bash") != 0)
        return complain(EXIT_USAGE, "completion: there is none for '%s', only for bash", argv[0]);
    return only_checking() ? EXIT_CHECKED : put_script();
}
