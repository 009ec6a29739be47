"""Words of a command line: which are options, and what is said of those that make no sense."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import pytest

from oci_layout.cli import options
from oci_layout.cli.options import Argument, AsJson, Option, Quiet
from oci_layout.cli.parsing import parsed
from oci_layout.errors import UsageError
from oci_layout.option import count, flag, text, texts, word
from oci_layout.pythons import StrEnum


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Painting:
    colour: Colour = word(Colour, attrs.NOTHING, "Of the wall.")
    coats: int | None = count("How many.", least=1, most=9)
    shades: tuple[str, ...] = texts("Several.", "SHADE", "--shade")
    brush: str | None = text("With what.", "BRUSH", "-b", "--brush")
    dry: bool = flag("Wait.")


def paint(
    wall: Annotated[str, Argument(metavar="WALL", help="Which.")],
    others: Annotated[list[str], Argument(metavar="OTHER...", help="Others.")],
    request: Painting,
    between: Annotated[
        tuple[int, int] | None, Option("--between", metavar="A B", help="Two numbers.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> dict[str, Any]:
    """Paint."""
    return locals() | {"colour": request.colour, "shades": request.shades}


PAINT = options.command(paint)


def values(line: str) -> dict[str, Any]:
    found = parsed("paint", PAINT, line.split())
    assert found is not None
    return found


def refused(line: str) -> str:
    with pytest.raises(UsageError) as caught:
        values(line)
    assert caught.value.exit_status == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("w a b --colour red", {"wall": "w", "others": ["a", "b"], "colour": Colour.RED}),
        ("--colour=blue w a", {"colour": Colour.BLUE, "others": ["a"]}),
        ("w --colour red a --coats 3 b", {"others": ["a", "b"], "coats": 3}),
        ("w a --colour red --colour blue", {"colour": Colour.BLUE}),
        ("w a --colour red --shade x --shade=y", {"shades": ["x", "y"]}),
        ("w a --colour red --between 2 -5", {"between": (2, -5)}),
        ("w a --colour red -b thick", {"brush": "thick"}),
        ("w a --colour red -bthick", {"brush": "thick"}),
        ("w a --colour red -qbq", {"quiet": True, "brush": "q"}),
        ("w a --colour red --brush --dry", {"brush": "--dry"}),
        ("w a --colour red --brush=a=b", {"brush": "a=b"}),
        ("w a --colour red --json --dry", {"as_json": True, "dry": True}),
        ("--colour red -- -w --dry", {"wall": "-w", "others": ["--dry"]}),
        ("--colour red - --brush - x", {"wall": "-", "brush": "-", "others": ["x"]}),
    ],
)
def test_what_is_given(line: str, wanted: dict[str, Any]) -> None:
    found = values(line)
    assert {name: found.get(name) for name in wanted} == wanted
    assert set(found) <= {each.name for each in PAINT.parameters}


def test_what_is_not_given_is_not_there() -> None:
    assert values("w a --colour red").keys() == {"wall", "others", "colour"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("w a", "--colour is missing (one of red, blue)"),
        ("w --colour red", "OTHER... is missing (layout paint --help shows the usage)"),
        ("--colour red", "WALL is missing"),
        ("w a --colour green", "--colour: 'green' is none of red, blue"),
        ("w a --colour RED", "'RED' is none of"),
        ("w a --colour", "--colour needs a value"),
        ("w a --colour red --between 1", "--between needs 2 values"),
        ("w a --colour red --between 1 x", "--between: 'x' is no whole number"),
        ("w a --colour red --coats 0", "--coats: 0 is out of bounds: 1<=x<=9"),
        ("w a --colour red --coats 10", "--coats: 10 is out of bounds"),
        ("w a --colour red --coats 1.5", "is no whole number"),
        ("w a --colour red --coats ²", "is no whole number"),
        (f"w a --colour red --coats {'9' * 5000}", "is no whole number"),
        ("w a --color red", "paint has no option --color (did you mean --colour?)"),
        ("w a --x", "paint has no option --x (layout paint --help shows the usage)"),
        ("w a -x", "paint has no option -x"),
        ("w a -qx", "paint has no option -x"),
        ("w a -=", "paint has no option -="),
        ("w a --colour red --dry=1", "--dry takes no value"),
        ("w a --colou red", "did you mean --colour"),
    ],
)
def test_what_makes_no_sense(line: str, said: str) -> None:
    assert said in refused(line)


def test_one_argument_too_many() -> None:
    def one(wall: Annotated[str, Argument(metavar="[WALL]", help="Which.")] = "north") -> str:
        return wall

    command = options.command(one)
    with pytest.raises(UsageError, match="one argument too many: 'b'"):
        parsed("one", command, ["a", "b"])
    assert command.run(**(parsed("one", command, []) or {})) == "north"


@pytest.mark.parametrize("line", ["-h", "--help", "w --help", "--colour red -h", "-qh"])
def test_help_comes_before_what_is_missing(line: str) -> None:
    assert parsed("paint", PAINT, line.split()) is None


def test_the_verb_is_called_with_its_request() -> None:
    called = PAINT.run(**values("w a --colour red --shade x"))
    assert called["request"] == Painting(colour="red", shades=("x",))  # type: ignore[arg-type]
    assert called["between"] is None
    assert called["quiet"] is False


def test_many_words_take_linear_time() -> None:
    found = values("w a --colour red" + " --shade x" * 50_000 + " y" * 50_000)
    assert len(found["shades"]) == 50_000
    assert len(found["others"]) == 50_001
