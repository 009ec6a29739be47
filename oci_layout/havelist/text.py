"""Have-lists as text, one line an item: they can be searched and printed. See docs/have.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oci_layout import limits
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError
from oci_layout.havelist.values import HaveList, HeldImage, HeldLayer
from oci_layout.where import Where

BEGINS = "layout-have 1"
_UNKNOWN = "-"
_ESCAPED = re.compile(r"[^A-Za-z0-9/:@._+~,;=\[\]-]")  # what does not stand in a name as it is
_ESCAPE = re.compile(r"(?:%[0-9A-F]{2})+")
_NUMBER = re.compile(r"[0-9]{1,15}")


def render(have: HaveList) -> list[str]:
    """The lines: layers, each below the images that have it, then images, then other blobs.

    A layer is listed once for each stack that it stands on; the number of that stack's top is its
    second field, and the first of an image.
    """
    lines = [BEGINS]
    numbers: dict[tuple[str, HeldLayer], int] = {}
    images: list[str] = []
    for image in sorted(have.images, key=_order):
        top = _UNKNOWN
        for layer in image.layers:
            number = numbers.get((top, layer))
            if number is None:
                number = numbers[top, layer] = len(numbers) + 1
                lines.append(f"layer {number} {top} {_layer(layer)}")
            top = str(number)
        named = (image.platform, image.manifest, image.config, *image.names)
        images.append(f"image {top} {' '.join(map(_field, named))}")
    known = {layer.digest for _, layer in numbers}
    blobs = [
        f"blob {digest} {_field(have.blobs[digest])}"
        for digest in sorted(have.blobs)
        if digest not in known
    ]
    return [*lines, *dict.fromkeys(images), *blobs]


def _order(image: HeldImage) -> tuple[object, ...]:
    return image.names or ("\uffff",), image.platform, str(image.manifest), str(image.config)


def _layer(layer: HeldLayer) -> str:
    every = (layer.digest, layer.size, layer.media_type, layer.diff_id, layer.chain)
    return " ".join(map(_field, every))


def _field(value: object) -> str:
    return _ESCAPED.sub(_escape, str(value)) if value not in (None, "") else _UNKNOWN


def _escape(match: re.Match[str]) -> str:
    """A character as a URL has it (RFC 3986, 2.1)."""
    return "".join(f"%{each:02X}" for each in match[0].encode("utf-8", "surrogatepass"))


def parse(text: str, label: str) -> HaveList:
    """Read such lines.

    Args:
        text: the file.
        label: its name, for messages.

    Raises:
        DamagedError: a line of another form, or a layer on one that is not listed before it.
    """
    return _Parser(label).read(text)


class _Parser:
    """Reads lines in order; each layer stands on one before it.

    Args:
        label: name of the file, for messages.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._layers: dict[str, tuple[str, HeldLayer]] = {}
        self._listed = 0  # layers of all images together
        self._images: list[HeldImage] = []
        self._blobs: dict[Digest, int | None] = {}

    def read(self, text: str) -> HaveList:
        for number, line in _lines(text):
            kind, *fields = line.split(" ")
            try:
                if number == 1 and line == BEGINS:
                    continue
                self._take(kind, fields)
            except (KeyError, TypeError, ValueError) as error:
                raise self._wrong(number, line) from error
        return HaveList(images=tuple(self._images), blobs=self._blobs)

    def _take(self, kind: str, fields: list[str]) -> None:
        if kind == "layer":
            self._layer(*fields)
        elif kind == "image":
            self._image(*fields)
        elif kind == "blob":
            self._blob(*fields)
        else:
            raise ValueError(kind)

    def _wrong(self, number: int, line: str) -> DamagedError:
        return DamagedError(
            what=f"line {number} is none of a have-list: {line[:80]!r}",
            where=Where(file=self._label),
            hint="make it again with layout have",
            code="bad-have",
        )

    def _layer(
        self, number: str, below: str, digest: str, size: str, kind: str, diff: str, chain: str
    ) -> None:
        layer = HeldLayer(
            digest=_digest(digest),
            size=_number(size),
            media_type=_text(kind),
            diff_id=_digest(diff),
            chain=_digest(chain),
        )
        if number in self._layers or not _NUMBER.fullmatch(number):
            raise ValueError(number)
        if below != _UNKNOWN and below not in self._layers:
            raise ValueError(below)
        self._layers[number] = below, layer

    def _image(self, top: str, platform: str, manifest: str, config: str, *names: str) -> None:
        image = HeldImage(
            names=tuple(_text(name) for name in names),
            platform=_text(platform),
            manifest=_digest(manifest),
            config=_digest(config),
            layers=self._stack(top),
        )
        self._images.append(image)

    def _stack(self, top: str) -> tuple[HeldLayer, ...]:
        """The layers of an image; those of all images together are bounded.

        Raises:
            DamagedError: there are more of them than any shelf has.
        """
        found = []
        while top != _UNKNOWN:
            top, layer = self._layers[top]
            found.append(layer)
            self._listed += 1
            if self._listed > limits.NODES:
                raise DamagedError(
                    what=f"lists images of more than {limits.NODES} layers together",
                    where=Where(file=self._label),
                    code="bad-have",
                )
        return tuple(reversed(found))

    def _blob(self, digest: str, size: str) -> None:
        found = _digest(digest)
        if found is None:
            raise ValueError(digest)
        self._blobs[found] = _number(size)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.rstrip("\r")
        if bare and not bare.startswith("#"):
            yield number, bare


def _digest(field: str) -> Digest | None:
    """A digest; None for what is not known.

    Raises:
        ValueError: neither.
    """
    try:
        return None if field == _UNKNOWN else Digest.parse(field)
    except InvalidDigestError as error:
        raise ValueError(field) from error


def _number(field: str) -> int | None:
    if field == _UNKNOWN:
        return None
    if not _NUMBER.fullmatch(field):
        raise ValueError(field)
    return int(field)


def _text(field: str) -> str:
    if field == _UNKNOWN:
        return ""
    return _ESCAPE.sub(
        lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogatepass"),
        field,
    )
