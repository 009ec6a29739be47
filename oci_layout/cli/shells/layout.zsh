#compdef layout
# Completion of layout in zsh: source it after compinit, or save it as _layout in a folder of fpath.
_layout() {
    local -a found
    local line
    while IFS= read -r line; do
        line=${line//:/\\:}
        found+=("${line/$'\t'/:}")
    done < <(_LAYOUT_COMPLETE=zsh "${words[1]}" "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe -V layout found
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _layout "$@"
else
    compdef _layout layout
fi
