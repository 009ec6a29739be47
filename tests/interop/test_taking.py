"""What `--preserve-digests` says of media types that stay, held against what engines do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.targets.target import USUAL, Target
from tests.builders.typed import MIXED, SPELLED
from tests.interop.engines import Engines
from tests.interop.holding import target_of
from tests.interop.seen import ask
from tests.interop.shown import Engine
from tests.targets.makes import Maker
from tests.targets.test_taking import told

EVERY = {str(Target.parse(text)) for text in USUAL}


def target_named(way: str, version: str) -> str:
    """The target that the report speaks of, where it speaks of this version."""
    engine, _, rest = target_of(way, version).partition("@")
    number, plus, variant = rest.partition("+")
    two = re.match(r"\d+(\.\d+)?", number)
    assert two is not None
    suffix = plus + variant if engine == "docker" else ""
    known = [f"{engine}@{two[0]}{suffix}", f"{engine}@{two[0].partition('.')[0]}{suffix}"]
    return next((each for each in known if each in EVERY), "")


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize("name", MIXED | SPELLED)
def test_who_takes_them(
    name: str,
    pure: bool,
    engine: Engine,
    engines: Engines,
    versions: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    maker = Maker(engines.host.new_dir("taken"))
    source = (MIXED | SPELLED)[name].write(maker.image(), maker.path(), hybrid=not pure)
    dest = maker.path()
    report = repack(source, dest, to="oci", preserve_digests=True, pure=pure)
    ((takes, refuses),) = told(report).values()
    seen = ask(engine, dest)
    asked: dict[str, list[bool]] = {}
    for way, answer in seen.items():
        asked.setdefault(target_named(way, versions[engine.name]), []).append(answer.loads)
    asked.pop("", None)
    wrong = []
    for target, answers in asked.items():
        # skopeo takes it by any transport; what is told of none is of the form.
        loads = any(answers)
        right = target in takes if loads else target not in takes
        if not right or (loads and target in refuses):
            wrong.append(f"{target}: {'loads' if loads else 'refuses'} it, told were {takes}")
    cells = len(asked)
    request.node.user_properties.append(("cells foretold", (cells - len(wrong), cells)))
    assert not wrong, "\n".join(wrong)
    if engine.name == "containerd" and seen["containerd"].loads:
        (image,) = report.images
        assert set(seen["containerd"].ids) == {str(image.manifest_before)}
