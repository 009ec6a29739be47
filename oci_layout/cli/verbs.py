"""The verbs of the command, in the order of the help.

A verb's module is imported when it is called: the start of the command is what most calls cost.
"""

from __future__ import annotations

import importlib

from oci_layout.cli.asked import Command, Group, Parameter

SUMMARY = "Convert saved container images between Docker and OCI formats, offline."
STATUSES = (
    "Exit status: 0 done; 1 findings, a difference, or an engine that does not load it; 2 wrong "
    "usage; 3 no image, or damaged; 4 no such image, platform or file; 5 the destination or "
    "standard output; 6 the target cannot hold it; 7 out of memory, threads or file descriptors; 8 "
    "an internal failure; 130 interrupted."
)
VERBS = {
    "repack": "Convert images between the formats of Docker and OCI.",
    "verify": "Check every digest, size and diff_id.",
    "inspect": "Show what is inside.",
    "diff": "Tell whether two images are the same, and why not.",
    "check": "Tell which engines load it, and as what.",
    "report": "Write all of it as one page of HTML.",
    "files": "List the files of an image.",
    "cat": "Print a file of an image.",
    "export": "Write the file system of an image.",
    "merge": "Put the images of several sources into one.",
    "edit": "Change labels, variables, names, platforms, times.",
    "have": "List what is there, for who is to leave it out.",
    "list": "List the names in a source, one a line.",
    "tag": "Give an image one name more.",
    "rm": "Remove names or images.",
    "gc": "Remove blobs that nothing leads to.",
    "batch": "Verify, repack or inspect many sources.",
    "completion": "Print what completes its words in a shell.",
}
VERSION = Parameter(
    name="version",
    kind=bool,
    flags=("-V", "--version"),
    help="Show the version, and those of what it stands on.",
)


def command_of(verb: str) -> Command | Group:
    """What a verb is asked, or what may follow it."""
    found: Command | Group = importlib.import_module(f"oci_layout.cli.{verb}").command
    return found


def commands_of(verb: str) -> tuple[Command, ...]:
    """The command of a verb, or all that may follow it."""
    found = command_of(verb)
    return tuple(found.commands.values()) if isinstance(found, Group) else (found,)


def examples_of(verb: str) -> tuple[str, ...]:
    """Command lines of a verb that work."""
    found: tuple[str, ...] = importlib.import_module(f"oci_layout.cli.{verb}").EXAMPLES
    return found
