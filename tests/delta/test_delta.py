"""Deltas of tars: what they make is the tar, whatever it is, and like tars cost little."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from oci_layout.delta import form
from oci_layout.delta.aligning import PART
from oci_layout.delta.form import DeltaError
from oci_layout.delta.segments import NEW_BYTES
from tests.builders.sparse import FORMATS, packed, punched
from tests.delta.making import applied, changed, content, delta_of, noise, tar

FILES = {f"usr/lib/file{number}": noise(number).randbytes(3000) for number in range(60)}
FORMS = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)


@pytest.mark.parametrize("tar_form", FORMS)
def test_new_times_cost_almost_nothing(tar_form: int) -> None:
    old, new = tar(FILES, 1_000_000, tar_form), tar(FILES, 2_000_000, tar_form)
    delta = delta_of(new, [old])
    assert applied(delta, [old]) == new
    assert len(delta) < len(new) / 100


def test_a_file_is_found_wherever_it_was() -> None:
    first, second = tar({"a": b"1" * 600}), tar(FILES)
    new = tar({f"other/{number}": data for number, data in enumerate(FILES.values())})
    delta = delta_of(new, [first, second])
    assert applied(delta, [first, second]) == new
    assert len(delta) < len(new) / 50


def test_a_changed_file_is_told_by_what_changed() -> None:
    data = noise(1).randbytes(100_000)
    old = tar({"lib/libx-1.2.so": data})
    for name in ("lib/libx-1.2.so", "lib/libx-1.3.so", "other/libx-9.so"):
        new = tar({name: data[:50_000] + b"changed" + data[50_000:]})
        delta = delta_of(new, [old])
        assert applied(delta, [old]) == new
        assert len(delta) < 2000, name


def test_a_large_file_is_told_part_by_part() -> None:
    chance = noise(2)
    data = chance.randbytes(5 * PART)
    old = tar({"big": data})
    new = tar({"big": chance.randbytes(PART // 2) + data[: 2 * PART] + b"x" + data[2 * PART :]})
    delta = delta_of(new, [old])
    assert applied(delta, [old]) == new
    assert len(delta) < 2 * PART


def test_new_bytes_of_several_segments() -> None:
    chance = noise(3)
    same = chance.randbytes(NEW_BYTES)
    new = tar({"a": same, "b": chance.randbytes(100), "c": same[: NEW_BYTES // 2]})
    delta = delta_of(new, [])
    assert applied(delta, []) == new
    assert len(delta) < NEW_BYTES * 1.01  # the far part is told by the first


@pytest.mark.parametrize(
    "new",
    [
        b"",
        b"x",
        b"no tar at all" * 1000,
        bytes(10240),
        tar(FILES)[:70_000],
        tar(FILES) + b"and more",
        b"\xff" * 4096,
        tar(FILES)[:512].replace(b"ustar", b"u\xfftar") + tar(FILES),
    ],
    ids=["empty", "byte", "text", "zeros", "cut", "trailing", "ff", "bad header"],
)
def test_any_bytes_come_back(new: bytes) -> None:
    for old in ([], [tar(FILES)], [new]):
        assert applied(delta_of(new, old), old) == new


@pytest.mark.parametrize("sparse_form", list(FORMATS))
def test_sparse_files_come_back(sparse_form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        punched(tmp_path / f"in/holes{number}", b"data" * 3000 + bytes(40_000) + b"end" * 2000)
    new = packed(tmp_path / "in", tmp_path / "x.tar", sparse_form).read_bytes()
    for old in ([tar(FILES)], [new]):
        assert applied(delta_of(new, old), old) == new
    assert len(delta_of(new, [new])) < 400


@pytest.mark.parametrize("seed", range(60))
def test_random_tars(seed: int) -> None:
    chance = noise(seed)
    old_files = {f"f-1.{number}": content(chance) for number in range(chance.randint(0, 8))}
    tar_form = chance.choice(FORMS[:2])
    old = [tar(old_files, chance.randrange(1 << 30), tar_form)]
    if chance.random() < 0.3:
        old.append(tar(changed(chance, old_files), 5, tar_form))
    new = tar(changed(chance, old_files), chance.randrange(1 << 30), tar_form)
    delta = delta_of(new, old, threads=1)
    assert applied(delta, old) == new
    assert delta_of(new, old, threads=3) == delta


def test_flipped_bits_are_errors_of_ours_or_other_bytes() -> None:
    old = tar(FILES, 1)
    new = tar({**FILES, "new": b"new" * 500, "usr/lib/file3": FILES["usr/lib/file3"][:2000]}, 2)
    delta = delta_of(new, [old])
    chance = noise(7)
    for _ in range(400):
        data = bytearray(delta)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            made = applied(bytes(data), [old])
        except DeltaError:
            continue
        assert len(made) < 10 * len(new)


def test_every_truncation_is_an_error() -> None:
    old = tar(FILES, 1)
    delta = delta_of(tar(FILES, 2), [old])
    for size in range(len(delta)):
        with pytest.raises(DeltaError):
            applied(delta[:size], [old])
    with pytest.raises(DeltaError, match="follow its end"):
        applied(delta + b"x", [old])


def test_bounds() -> None:
    old = tar(FILES, 1)
    delta = delta_of(tar(FILES, 2), [old])
    with pytest.raises(DeltaError, match="version 9"):
        applied(delta[:9] + b"\x09" + delta[10:], [old])
    with pytest.raises(DeltaError, match="2 old layers"):
        applied(delta, [old, old])
    with pytest.raises(DeltaError, match="does not have"):
        applied(delta, [old[:5000]])
    for numbers in (b"\xff" * 10, b"\x80" * 9):
        with pytest.raises(DeltaError, match="without an end"):
            form.Numbers(numbers).next()
    with pytest.raises(DeltaError, match="steps"):
        list(form.parse_steps(form.number(1 << 16) + bytes((1 << 16) + 4), []))
    with pytest.raises(DeltaError, match="frames"):
        form.parse_table(form.number(5000))
    huge = form.number(1) + bytes([0]) + form.number(1 << 40) + form.number(1)
    with pytest.raises(DeltaError, match="at most"):
        form.parse_table(huge)
