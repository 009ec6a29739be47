"""What engines make of a source: rules, versions, the command, and the lines that repair."""
