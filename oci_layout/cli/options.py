"""Arguments that verbs share, and the command line of a verb out of its request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, get_type_hints

import attrs
import typer

from oci_layout.option import Option, option_of

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="docker save archive, OCI layout or archive, dir: directory, folder of a registry or "
        "an engine; - for standard input.",
        show_default=False,
    ),
]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Archives, layouts, dir: directories; - for standard input.",
        show_default=False,
    ),
]
Shelves = Annotated[
    list[str],
    typer.Argument(
        metavar="SHELF...",
        help="Folders, which are walked; files of paths; - for paths on standard input.",
        show_default=False,
    ),
]
LinesFile = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write a line of JSON for each source; what is done is kept beside it.",
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DEST",
        help="x.tar writes an archive, - one on standard output, other names a directory.",
        show_default=False,
    ),
]
Changed = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DEST",
        help="Write the result there; SOURCE stays as it is.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ReportFile = Annotated[
    str | None, typer.Option("--report", metavar="FILE", help="Write the JSON report to a file.")
]
ListFile = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the list to a file; x.gz packs it. Standard output by default.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_NONE = inspect.Parameter.empty


def command(
    run: Callable[..., Any], without: Mapping[str, Collection[str]] | None = None
) -> Callable[..., Any]:
    """A verb's function as the command line calls it.

    Each parameter that is a request becomes the options of its fields.

    Args:
        run: the verb; its docstring is the help.
        without: fields that cannot be asked for, by the parameter whose they are.
    """
    left_out = without or {}
    parameters: list[inspect.Parameter] = []
    requests: dict[str, list[Any]] = {}
    kinds: dict[str, Any] = {}
    hints = get_type_hints(run, include_extras=True)
    for name, parameter in inspect.signature(run).parameters.items():
        hint = hints[name]
        if isinstance(hint, type) and attrs.has(hint):
            kinds[name] = hint
            fields = [each for each in _asked(hint) if each[0].name not in left_out.get(name, ())]
            requests[name] = [field.name for field, _ in fields]
            parameters += _parameters(fields)
            continue
        if hint in (Output, Changed) and parameter.default is _NONE:
            parameter = parameter.replace(default=None)  # noqa: PLW2901  asked for by the verb
        parameters.append(parameter.replace(annotation=hint, kind=_KEYWORD))
    debug = inspect.Parameter("debug", _KEYWORD, default=False, annotation=Debug)

    def called(**values: Any) -> Any:
        del values["debug"]  # read by the main module, before anything can fail
        made = {
            name: kinds[name](**{field: values.pop(field) for field in fields})
            for name, fields in requests.items()
        }
        return run(**values, **made)

    called.__doc__ = run.__doc__
    called.__signature__ = inspect.Signature([*parameters, debug])  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in [*parameters, debug]}
    return called


def _asked(request: Any) -> list[tuple[attrs.Attribute[Any], Option]]:
    """The fields that are options: those of the verb itself first, then what it shares."""
    every = attrs.fields_dict(request)
    ordered = [name for kind in request.__mro__ for name in vars(kind).get("__annotations__", ())]
    found = [(every[name], option_of(every[name])) for name in dict.fromkeys(ordered)]
    return [(field, option) for field, option in found if option is not None]


def _parameters(
    fields: Sequence[tuple[attrs.Attribute[Any], Option]],
) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            field.name,
            _KEYWORD,
            default=_default(field, option),
            annotation=_annotation(field, option),
        )
        for field, option in fields
    ]


def _default(field: attrs.Attribute[Any], option: Option) -> Any:
    if option.many:
        return None
    return _NONE if field.default is attrs.NOTHING else field.default


def _annotation(field: attrs.Attribute[Any], option: Option) -> Any:
    kind: Any = option.kind
    if option.many:
        kind = list[kind] | None
    elif kind is not bool and field.default is None:
        kind = kind | None
    flags = option.flags or (f"--{field.name.replace('_', '-')}",)
    return Annotated[
        kind,
        typer.Option(
            *flags,
            metavar=option.metavar,
            help=option.help,
            min=option.least,
            max=option.most,
            show_default=field.default is not attrs.NOTHING,
        ),
    ]
