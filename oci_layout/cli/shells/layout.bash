# Completion of layout in bash (4.4 or later).
_layout() {
    mapfile -t COMPREPLY < <(_LAYOUT_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -o nosort -F _layout layout
