"""``layout completion``: what completes its words in a shell."""

from __future__ import annotations

import os
from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.options import Argument
from oci_layout.cli.screen import show_bytes
from oci_layout.pythons import StrEnum


class Shell(StrEnum):
    """A shell that can be told how to complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


EXAMPLES = (
    "layout completion bash",
    "layout completion fish",
)


def completion(
    shell: Annotated[Shell, Argument(metavar="bash|zsh|fish", help="The shell.")],
) -> None:
    """Print a script that completes the words of layout in a shell.

    In bash, source <(layout completion bash) does it for this session; the manual says how it is
    kept. Exit status: 0 printed, 5 standard output.
    """
    with open(os.path.join(os.path.dirname(__file__), "shells", f"layout.{shell}"), "rb") as file:
        show_bytes(file.read())


command = options.command(completion)
