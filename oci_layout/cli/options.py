"""Arguments that verbs share, and the command line of a verb out of its function and request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from oci_layout.cli.asked import HELP, Command, Parameter
from oci_layout.option import Option as Field
from oci_layout.option import option_of


@attrs.frozen(eq=False, repr=False, match_args=False)
class Argument:
    """Says of a verb's parameter that it is told by its place.

    Args:
        metavar: how it is called, in brackets where it may be left out, with dots if it is many.
        help: one line.
    """

    metavar: str = attrs.field(kw_only=True)
    help: str = attrs.field(kw_only=True)


class Option:
    """Says of a verb's parameter that it is an option.

    Args:
        flags: all spellings; by default the name of the parameter.
        help: one line.
        metavar: what stands for the value.
    """

    def __init__(self, *flags: str, help: str, metavar: str = "") -> None:
        self.flags = flags
        self.help = help
        self.metavar = metavar


Source = Annotated[
    str,
    Argument(
        metavar="SOURCE",
        help="docker save archive, OCI layout or archive, dir: directory, folder of a registry or "
        "an engine; - for standard input.",
    ),
]
Sources = Annotated[
    list[str],
    Argument(
        metavar="SOURCE...", help="Archives, layouts, dir: directories; - for standard input."
    ),
]
Shelves = Annotated[
    list[str],
    Argument(
        metavar="SHELF...",
        help="Folders, which are walked; files of paths; - for paths on standard input.",
    ),
]
LinesFile = Annotated[
    str | None,
    Option(
        "--report",
        metavar="FILE",
        help="Write a line of JSON for each source; what is done is kept beside it.",
    ),
]
Output = Annotated[
    str | None,
    Option(
        "--output",
        "-o",
        metavar="DEST",
        help="x.tar writes an archive, - one on standard output, other names a directory.",
    ),
]
Changed = Annotated[
    str | None,
    Option(
        "--output",
        "-o",
        metavar="DEST",
        help="Write the result there; SOURCE stays as it is.",
    ),
]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document.")]
ReportFile = Annotated[
    str | None, Option("--report", metavar="FILE", help="Write the JSON report to a file.")
]
ListFile = Annotated[
    str | None,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the list to a file; x.gz packs it. Standard output by default.",
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="No table, no progress.")]

_DEBUG = Parameter(name="debug", kind=bool, flags=("--debug",), help="Show tracebacks.")
_NONE = inspect.Parameter.empty


def command(
    run: Callable[..., Any], without: Mapping[str, Collection[str]] | None = None
) -> Command:
    """A verb's function as the command line calls it.

    Each parameter that is a request becomes the options of its fields.

    Args:
        run: the verb; its docstring is the help.
        without: fields that cannot be asked for, by the parameter whose they are.
    """
    left_out = without or {}
    parameters: list[Parameter] = []
    requests: dict[str, tuple[Any, list[str]]] = {}
    absent: dict[str, Any] = {}  # what the verb gets where nothing was given
    hints = inspect.get_annotations(run, eval_str=True)
    for name, parameter in inspect.signature(run).parameters.items():
        hint = hints[name]
        if isinstance(hint, type) and attrs.has(hint):
            found = _of_fields(
                [each for each in _asked(hint) if each[0].name not in left_out.get(name, ())]
            )
            requests[name] = hint, [each.name for each in found]
            parameters += found
            continue
        optional = parameter.default is not _NONE or hint in (Output, Changed)
        if optional:
            absent[name] = None if parameter.default is _NONE else parameter.default
        parameters.append(_of_hint(name, hint, required=not optional))

    def called(**given: Any) -> Any:
        given.pop(_DEBUG.name, None)  # read by the main module, before anything can fail
        made = {
            name: request(**{each: given.pop(each) for each in names if each in given})
            for name, (request, names) in requests.items()
        }
        return run(**{**absent, **given, **made})

    return Command(run=called, text=run.__doc__ or "", parameters=(*parameters, _DEBUG, HELP))


def _asked(request: Any) -> list[tuple[attrs.Attribute[Any], Field]]:
    """The fields that are options: those of the verb itself first, then what it shares."""
    every = attrs.fields_dict(request)
    ordered = [name for kind in request.__mro__ for name in vars(kind).get("__annotations__", ())]
    found = [(every[name], option_of(every[name])) for name in dict.fromkeys(ordered)]
    return [(field, option) for field, option in found if option is not None]


def _of_fields(fields: Sequence[tuple[attrs.Attribute[Any], Field]]) -> list[Parameter]:
    return [
        Parameter(
            name=field.name,
            kind=option.kind,
            help=option.help,
            flags=option.flags or (_flag(field.name),),
            metavar=option.metavar or "",
            required=field.default is attrs.NOTHING,
            default=None if option.many or field.default is attrs.NOTHING else field.default,
            many=option.many,
            least=option.least,
            most=option.most,
            offered=option.offered,
            between=option.between,
        )
        for field, option in fields
    ]


def _of_hint(name: str, hint: Any, *, required: bool) -> Parameter:
    kind, said = get_args(hint)[:2]
    if get_origin(kind) in (Union, UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    inner = get_args(kind)
    return Parameter(
        name=name,
        kind=inner[0] if inner else kind,
        help=said.help,
        flags=() if isinstance(said, Argument) else said.flags or (_flag(name),),
        metavar=said.metavar,
        required=required,
        many=get_origin(kind) is list,
        values=len(inner) if get_origin(kind) is tuple else 1,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
