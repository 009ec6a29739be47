"""What a source says about itself: ``index.json``, ``manifest.json``, ``repositories``, ``dir:``.

A view is read as it stands; ``reconcile`` makes one set of images of them.
"""

from __future__ import annotations

import re

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Layer
from oci_layout.mediatype import Kind
from oci_layout.model import dockersave, layout
from oci_layout.model.config import Config
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.dockersave import SavedImage
from oci_layout.model.manifest import Index, read_document
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.source.reading import Allowance, read_bounded
from oci_layout.source.store import Store, listed
from oci_layout.streams import names
from oci_layout.streams.member import Member
from oci_layout.where import Where

_SHOWN = 200  # characters of a path that a message has
_CONFIG_NAME = re.compile(r"(?:sha256[:.])?([0-9a-f]{64})(?:\.json)?")


def entry_name(descriptor: Descriptor, findings: Findings) -> ImageName | None:
    """The name that an entry of ``index.json`` carries."""
    where = Where(member=layout.INDEX, field="annotations")
    full = descriptor.annotations.get(layout.CONTAINERD_NAME)
    if full:
        name = ImageName.from_containerd(full)
        if name.reference is None and not name.is_digest:
            findings.warning(
                "bad-name",
                f"{full[:_SHOWN]!r} is not an image name: containerd keeps it as it is, Docker "
                "does not show it",
                where.at(layout.CONTAINERD_NAME),
                "--name gives it another",
            )
        return name
    text = descriptor.annotations.get(layout.REF_NAME)
    return ImageName.from_ref_name(text) if text else None


def read_index(store: Store, findings: Findings, *, repair: bool = False) -> Index | None:
    """Read ``oci-layout`` and ``index.json``; None when there is no usable index.

    Args:
        store: the source.
        findings: told of all that does not hold.
        repair: take a missing ``oci-layout`` for granted, with a warning.
    """
    marker = store.find(layout.MARKER)
    if marker is not None:
        text = read_bounded(marker, findings)
        if text is not None:
            layout.check_marker(text, findings)
    else:
        report = findings.warning if repair else findings.error
        report(
            "no-layout-marker",
            "there is an index.json but no oci-layout file",
            Where(member=layout.MARKER),
            "" if repair else "--repair writes it",
        )
    member = store.find(layout.INDEX)
    where = Where(member=layout.INDEX)
    if member is None:
        findings.error("missing-index", "there is no index.json in this layout", where)
        return None
    raw = read_bounded(member, findings)
    if raw is None:
        return None
    document = read_document(raw, where, findings, default=Kind.INDEX)
    if isinstance(document, Index):
        return document
    if document is not None:
        findings.error("two-kinds", "is a manifest, where an index belongs", where)
    return None


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class DockerImage:
    """An image as ``manifest.json`` or V1 folders describe it.

    Args:
        image: the image.
        names: its names.
        number: of its entry in ``manifest.json``.
        beyond: fields of that entry which have no place in another format.
    """

    image: Image
    names: tuple[ImageName, ...]
    number: int = 0
    beyond: tuple[str, ...] = ()


def read_docker(
    store: Store, findings: Findings, allowance: Allowance | None = None
) -> list[DockerImage] | None:
    """Read ``manifest.json`` and the configs it names; None when it is no such list.

    Args:
        store: the source.
        findings: told of all that does not hold.
        allowance: what all documents may come to; one of its own by default.
    """
    member = store.find(dockersave.MANIFEST)
    if member is None:
        return None
    raw = read_bounded(member, findings)
    saved = dockersave.read_saved(raw, findings) if raw is not None else None
    if saved is None:
        return None
    result = []
    reader = _SavedReader(store, findings, allowance or Allowance())
    for entry in saved:
        image = reader.image(entry)
        if image is not None:
            tags = _tags(entry, findings)
            result.append(
                DockerImage(image=image, names=tags, number=entry.number, beyond=entry.beyond)
            )
    return result


def _tags(entry: SavedImage, findings: Findings) -> tuple[ImageName, ...]:
    found = []
    for number, tag in enumerate(entry.tags):
        if tag.startswith("<none>"):
            continue
        try:
            found.append(ImageName.familiar(tag))
        except InvalidReferenceError as error:
            where = Where(member=dockersave.MANIFEST, field=f"[{entry.number}].RepoTags[{number}]")
            findings.warning("bad-name", str(error), where, "--name gives it another")
    return tuple(dict.fromkeys(found))


class _SavedReader:
    """Reads the images of ``manifest.json``, each config once however many entries name it.

    Args:
        store: the source.
        findings: told of all that does not hold.
    """

    def __init__(self, store: Store, findings: Findings, allowance: Allowance) -> None:
        self._store, self._findings, self._allowance = store, findings, allowance
        self._configs: dict[tuple[str, str], Config | None] = {}
        self._unclean = False

    def _find(self, path: str, place: Where) -> Member | None:
        """The file that an entry names, as Docker finds it."""
        member = listed(self._store, path)
        if member is None and "\\" in path:
            # docker save on Windows wrote them before 18.05; the members have slashes.
            member = listed(self._store, path.replace("\\", "/"))
            if member is not None:
                self._findings.error(
                    "backslash-path",
                    f"{path[:_SHOWN]!r} has backslashes, where the archive has slashes",
                    place,
                    "--repair reads them as slashes",
                )
        elif member is not None and not self._unclean and names.joined(path) != path:
            self._unclean = True
            self._findings.note(
                "unclean-path",
                f"{path[:_SHOWN]!r} is not written as the member is called: not every engine "
                "finds it",
                place,
            )
        return member

    def image(self, entry: SavedImage) -> Image | None:
        """The image of an entry; None without a config that can be read (reported)."""
        if not entry.config:
            return None
        place = Where(member=dockersave.MANIFEST, field=f"[{entry.number}]")
        member = self._find(entry.config, place.at(f"{place.field}.Config"))
        if member is None:
            self._findings.error(
                "missing-member",
                f"the config {entry.config[:_SHOWN]!r} is not there",
                place.at(f"{place.field}.Config"),
            )
            return None
        blob = _promised(entry.config)
        key = member.name, "sha256" if blob is None else blob.algorithm
        if key not in self._configs:
            self._configs[key] = self._config(member, entry.config, key[1])
        config = self._configs[key]
        if config is None:
            return None
        named = _CONFIG_NAME.fullmatch(entry.config.rpartition("/")[2])
        said = blob.hex if blob is not None else named[1] if named is not None else None
        if said is not None and said != config.digest.hex:
            self._findings.error(
                "digest-mismatch",
                f"the config is {config.digest}, its name says {said}",
                Where(member=entry.config),
            )
        diff_ids = config.diff_ids or ()
        layers = []
        for number, name in enumerate(entry.layers):
            layer = self._find(name, place.at(f"{place.field}.Layers[{number}]"))
            layers.append(
                Layer(
                    member=layer,
                    size=layer.size if layer is not None else 0,
                    digest=_promised(name),
                    diff_id=diff_ids[number] if number < len(diff_ids) else None,
                    file=name,
                )
            )
        return Image(config=config, config_member=member, layers=tuple(layers))

    def _config(self, member: Member, name: str, algorithm: str) -> Config | None:
        raw = read_bounded(member, self._findings, self._allowance)
        where = Where(member=name)
        return (
            None
            if raw is None
            else Config.from_bytes(raw, where, self._findings, algorithm=algorithm)
        )


def _promised(path: str) -> Digest | None:
    """The digest that a path in ``manifest.json`` promises, however it is written."""
    try:
        return Digest.of_path(names.joined(path))
    except names.UnsafeNameError:
        return None


def repository_names(store: Store, findings: Findings) -> set[str] | None:
    """The names in ``repositories``, in full; None without that file."""
    member = store.find(dockersave.REPOSITORIES)
    if member is None:
        return None
    found = set()
    raw = read_bounded(member, findings)
    read = dockersave.read_repositories(raw, findings) if raw is not None else {}
    for repository, tags in read.items():
        for tag in tags:
            try:
                found.add(ImageName.familiar(f"{repository}:{tag}").key)
            except InvalidReferenceError as error:
                findings.warning("bad-name", str(error), Where(member=dockersave.REPOSITORIES))
    return found
