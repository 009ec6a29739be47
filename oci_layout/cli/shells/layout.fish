# Completion of layout in fish.
function __layout_words
    set -l before (commandline -opc)
    set -l last (commandline -ct)
    _LAYOUT_COMPLETE=fish $before[1] $before[2..-1] "$last" 2>/dev/null
end
complete -c layout -n __fish_use_subcommand -f -a '(__layout_words)'
complete -c layout -n 'not __fish_use_subcommand' -a '(__layout_words)'
