"""Real archives and layouts of other software: the verdict is that of an independent check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oci_layout.errors import DamagedError, NotAnImageError
from oci_layout.finding import Severity
from tests.builders import sha256
from tests.shared import needs_shared, rows, sample_path
from tests.verification.checking import codes, errors, of_code, report_of

pytestmark = needs_shared

# G0 samples (docker save before 1.10, without manifest.json) have tests of their own, beside the
# conversion of V1 images: no digest covers anything in them, so their verdicts mean less. The one
# FOREIGN sample is the format of another tool, which happens to have a manifest.json.
GENERATIONS = "G1 G2 G3 G4 G5 G6 GX"
ABSENCE = {"sparse-index", "missing-blob", "missing-member"}

# The index calls it SPARSE because its layers are absent, which they are. But its config is there
# and is not the one its manifest asks for: the descriptor says sha256:c059bfaa... and 1471
# bytes, and the file has 1882 and is sha256:0bce7bab.... image-spec, descriptor.md, "Digests": the
# content "SHOULD be verified against the digest by recalculating it independently before being
# consumed".
# skopeo 1.9.3, `skopeo copy dir:. oci:out`: "Download config.json digest sha256:0bce7bab9cd3a9765e
# c5a0c1dbdfe11613bb35cff1d43c66d8a42ea424165bc7 does not match expected sha256:c059bfaa849c4d8e4ae
# caeb3a10c2d9b3d85f5165c66ad3a4d937758128c4d18".
NIX = "nlewo+nix2container/data/image-directory"


@pytest.mark.parametrize("row", rows("VALID", generations=GENERATIONS))
def test_valid_ones_have_no_error(row: dict[str, Any], tmp_path: Path) -> None:
    report = report_of(sample_path(row, tmp_path))
    assert not report.failed, [str(each) for each in report.findings]
    assert all(image.sound for image in report.images)


@pytest.mark.parametrize("row", rows("SPARSE", generations=GENERATIONS))
def test_sparse_ones_have_errors_of_absence(row: dict[str, Any], tmp_path: Path) -> None:
    found = codes(report_of(sample_path(row, tmp_path)), Severity.ERROR)
    assert found & ABSENCE
    if row["rel"] == NIX:
        assert {"digest-mismatch", "size-mismatch"} <= found
        found -= {"digest-mismatch", "size-mismatch"}
    assert found <= ABSENCE


@pytest.mark.parametrize("row", rows("LAX", generations=GENERATIONS))
def test_lax_ones_lack_the_marker_alone(row: dict[str, Any], tmp_path: Path) -> None:
    assert errors(sample_path(row, tmp_path)) == {"no-layout-marker"}


@pytest.mark.parametrize("row", rows("NOT-IMAGE", generations=GENERATIONS))
def test_what_is_no_image_is_none(row: dict[str, Any], tmp_path: Path) -> None:
    if "/testdata/distribution/" in row["rel"]:  # what a registry stores, which is a source
        assert "registry" in report_of(sample_path(row, tmp_path)).source_kind
        return
    with pytest.raises((NotAnImageError, DamagedError)) as caught:
        report_of(sample_path(row, tmp_path))
    assert caught.value.exit_status == 3
    if isinstance(caught.value, DamagedError):  # one that is also cut short where it is packed
        assert any("TAR-ERR" in problem for problem in row["prob"])


# What each problem of a sample is called here; at least one of the codes has to be found.
BROKEN: dict[str, set[str]] = {
    "oci-layout missing": {"no-layout-marker"},
    "index.json bad JSON": {"bad-json"},
    # One holds {} and one an image manifest.
    "index.json no manifests list": {"missing-field", "two-kinds"},
    "index.json missing": {"missing-index", "NotAnImageError"},
    "index.json is a directory": {"missing-index"},
    "manifest.json is the JSON value null": {"wrong-type"},
    # An object there is a dir: manifest, or none; that of a layout is then not looked at.
    "manifest.json not a list": {"wrong-type", "layout-version"},
    "manifest blob bad JSON": {"bad-json"},
    "imageLayoutVersion": {"layout-version"},
    "diff_id mismatch": {"diffid-mismatch"},
    "digest mismatch": {"digest-mismatch"},
    "layer blob digest mismatch": {"digest-mismatch"},
    "config digest mismatch": {"digest-mismatch"},
    "size mismatch": {"size-mismatch"},
    # One is a foreign layer, whose absence is by its nature.
    "missing blob": {"missing-blob", "sparse-index", "missing-member", "foreign-layer"},
    # One config spells "rootfS", which Go reads and the one who counted did not: then the layer is
    # found not to be that of the diff_id.
    "layers": {"layer-count", "missing-member", "diffid-mismatch"},
    "v1 layer.tar missing": set(),  # the V1 folders, which manifest.json makes moot
    "v1 parent missing": set(),
}


def _wanted(problem: str) -> set[str]:
    return next(codes for key, codes in BROKEN.items() if problem.startswith(key))


# A diff_id of a layer that is not there, or is not looked for once the count is wrong, cannot be
# recomputed: the problem before it is what is found.
def _unreachable(problem: str, found: set[str]) -> bool:
    return problem.startswith(("diff_id", "layers")) and bool(
        found & {"layer-count", "missing-member", "digest-mismatch", "size-mismatch"}
    )


@pytest.mark.parametrize("row", rows("BROKEN", generations=GENERATIONS))
def test_broken_ones_have_errors_of_the_named_kinds(row: dict[str, Any], tmp_path: Path) -> None:
    found = errors(sample_path(row, tmp_path))
    if found != {"NotAnImageError"}:
        found |= codes(report_of(sample_path(row, tmp_path)), Severity.NOTE) & {"foreign-layer"}
    wanted = [(problem, _wanted(problem)) for problem in row["prob"]]
    assert any(named & found for _, named in wanted), (row["prob"], found)
    missed = [
        problem
        for problem, named in wanted
        if named and not named & found and not _unreachable(problem, found)
    ]
    assert not missed, (missed, found)


def test_the_exception_is_one() -> None:
    """The config of the exception really has another digest."""
    (row,) = (each.values[0] for each in rows("SPARSE", generations="GX"))
    assert row["rel"] == NIX
    (finding,) = of_code(report_of(sample_path(row, Path())), "digest-mismatch")
    blob = sample_path(row, Path()) / finding.where.member
    assert sha256(blob.read_bytes()) in finding.message
    assert blob.name not in sha256(blob.read_bytes())
