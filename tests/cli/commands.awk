# The commands in the code blocks of Markdown files, a line each: PLACE, TAB, KIND, TAB, COMMAND.
# Blocks are fenced, or indented by four spaces. Commands begin with violet, build/violet or script/,
# behind "$ " if there is a prompt; "\" at a line's end goes on with the next. KIND is
#   check     a command
#   synopsis  what has [...], "..." or a|b outside quotes: not to be run, but its options must be
#   inline    the same in a paragraph, between backquotes
#   run       every line of a block behind a line <!-- run -->; of one with prompts, those with "$ "
function bare(s) { # without quoted words and the comment
    gsub(/"[^"]*"|'[^']*'/, "Q", s)
    sub(/(^|[ \t])#.*/, "", s)
    return s
}
function is_command(s) { return s ~ /^(build\/)?violet [a-z-]/ || s ~ /^script\/[a-z]/ }
function tell(kind, s) { printf "%s:%d\t%s\t%s\n", FILENAME, first, kind, s }
function flush_line(   b) {
    if (line == "") return
    b = bare(line)
    if (running) tell("run", line)
    else if (b ~ /\[|\.\.\.|[^ ]\|[^ ]/) tell("synopsis", b)
    else tell("check", line)
    line = ""
}
function end_block() { flush_line(); running = prompts = 0 }
function code(s) {
    if (going_on) { sub(/^[ \t]+/, " ", s); line = line s }
    else if (s ~ /^[ \t]+\[/ && line != "") line = line s # a synopsis goes on
    else {
        flush_line()
        if (s ~ /^\$ /) { sub(/^\$ /, "", s); if (running) prompts = 1 }
        else if (prompts) return
        if (s ~ /^[ \t]*(#|$)/ || !running && !is_command(s)) return
        line = s
        first = FNR
    }
    going_on = sub(/\\$/, "", line)
}
function inline(s,   words) {
    while (match(s, /`[^`]+`/)) {
        words = substr(s, RSTART + 1, RLENGTH - 2)
        s = substr(s, RSTART + RLENGTH)
        first = FNR
        if (words ~ /^(build\/)?violet [a-z-]/) tell("inline", words)
    }
}
FNR == 1 { end_block(); fenced = going_on = armed = 0 }
/^ *```/ { if (fenced) end_block(); else { running = armed; armed = 0 }; fenced = !fenced; going_on = 0; next }
/^<!-- run -->[ \t]*$/ { end_block(); armed = 1; next }
fenced { code($0); next }
/^    / { if (armed) running = 1; armed = 0; code(substr($0, 5)); next }
/^[ \t]*$/ { next }
{ end_block(); going_on = 0; armed = 0; inline($0) }
END { end_block() }
