"""The report of a comparison, as data."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.comparison.consequences import Consequences
from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.indexes import entry_name
from oci_layout.comparison.layers import LayerChange
from oci_layout.comparison.pairing import Candidate
from oci_layout.comparison.reasons import Reason
from oci_layout.comparison.sides import Side
from oci_layout.comparison.verdict import Verdict
from oci_layout.filediff.ignoring import Ignored
from oci_layout.filediff.report import FilesReport
from oci_layout.finding import Finding
from oci_layout.model.descriptor import Descriptor


@attrs.frozen(kw_only=True)
class ImagePair:
    """Two images, and all that differs between them.

    Args:
        a: from the first source.
        b: from the second source.
        verdict: how far they are the same.
        reasons: why each digest differs: index, manifest, config, layers.
        manifest: fields of the manifests that differ.
        config: fields of the configs that differ, as engines read them.
        layers: every layer of both.
        layer_files: file by file, each layer that differs; empty where that was not asked for, or
            none does.
        rootfs: file by file, what a container of each would see; None where that was not asked
            for, or no layer differs.
        consequences: what it means.
        ignorable: what more to ignore, so that nothing is left that differs; empty where that is
            no help, or layers differ that were not compared.
    """

    a: Side
    b: Side
    verdict: Verdict
    reasons: tuple[Reason, ...]
    manifest: tuple[FieldDifference, ...]
    config: tuple[FieldDifference, ...]
    layers: tuple[LayerChange, ...]
    layer_files: tuple[FilesReport, ...]
    rootfs: FilesReport | None
    consequences: Consequences
    ignorable: tuple[Ignored, ...] = ()

    @property
    def files(self) -> FilesReport | None:
        """Of the first layer that differs."""
        return next(iter(self.layer_files), None)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        means = self.consequences
        return {
            "verdict": str(self.verdict),
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "reasons": [
                {
                    "about": each.about,
                    "differs": each.differs,
                    "text": each.text,
                    "because": list(each.because),
                }
                for each in self.reasons
            ],
            "manifest": [each.to_json() for each in self.manifest],
            "config": [each.to_json() for each in self.config],
            "layers": [each.to_json() for each in self.layers],
            "files": self.files.to_json() if self.files is not None else None,
            "meaning": {
                "docker_same_image_id": means.docker,
                "containerd_same_image_id": means.containerd,
                "registry_same_digest": means.registry,
                "push_moves_tag": means.moves_tag,
                "layers_shared": means.shared,
                "layers_to_upload": means.uploads,
                "bytes_to_upload": means.upload_bytes,
            },
            "layer_files": [each.to_json() for each in self.layer_files],
            "rootfs": self.rootfs.to_json() if self.rootfs is not None else None,
            "ignorable": [str(each) for each in self.ignorable],
        }


@attrs.frozen(kw_only=True)
class SourceNotes:
    """One of the two sources.

    Args:
        label: as the user called it.
        kind: what it is.
        findings: what does not hold, or is odd, in its documents.
        alone: images that the other source has no match for.
        absent: what an index of it lists and it does not hold.
    """

    label: str
    kind: str
    findings: tuple[Finding, ...]
    alone: tuple[Candidate, ...]
    absent: tuple[Descriptor, ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "source": self.label,
            "source_kind": self.kind,
            "only_here": [
                {
                    "names": [str(name) for name in each.root.names],
                    "platform": str(each.platform),
                    "image_id": str(each.image.config.digest),
                }
                for each in self.alone
            ],
            "absent": [
                {"digest": str(each.digest), "platform": entry_name(each)} for each in self.absent
            ],
            "findings": [each.to_json() for each in self.findings],
        }


@attrs.frozen(kw_only=True)
class Comparison:
    """What came of holding two sources against each other.

    Args:
        a: the first.
        b: the second.
        verdict: the worst of all pairs; ``different`` where an image has no match.
        pairs: images that were compared.
        ignored: what did not count.
    """

    a: SourceNotes
    b: SourceNotes
    verdict: Verdict
    pairs: tuple[ImagePair, ...]
    ignored: tuple[Ignored, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "verdict": str(self.verdict),
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "pairs": [each.to_json() for each in self.pairs],
            "ignored": [str(each) for each in self.ignored],
        }
