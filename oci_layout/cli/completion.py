"""``layout completion``: what completes its words in a shell."""

from __future__ import annotations

import pkgutil
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
    show_bytes(pkgutil.get_data(__package__, f"shells/layout.{shell}") or b"")


command = options.command(completion)
