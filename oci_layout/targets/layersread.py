"""What reading every blob of a source has found: damage, and what cannot be unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Finding
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.dryunpack import Snagged, lacking
from oci_layout.streams.member import Member
from oci_layout.where import Where

# A layer is all there, and holds what nobody unpacks.
MEMBER = "layer-member"


@attrs.frozen(kw_only=True, eq=False)
class LayersRead:
    """What was found, by the names of members.

    Args:
        damage: where bytes are not what they should be, whoever states it.
        digests: of the stored bytes, and of the tar inside where there is one.
        snags: what stands in the way of unpacking each layer.
    """

    damage: Mapping[str, tuple[Finding, ...]]
    digests: Mapping[str, tuple[Digest, Digest | None]]
    snags: Mapping[str, tuple[Snagged, ...]]
    _below: dict[tuple[str, ...], frozenset[str]] = attrs.field(factory=dict, init=False)

    def of_names(self, names: Mapping[str, str]) -> LayersRead:
        """The same of a result that keeps these layers, and packs others anew.

        Args:
            names: what members of the result are called here.
        """
        return LayersRead(
            damage={
                new: tuple(each for each in self.damage.get(old, ()) if each.code == MEMBER)
                for new, old in names.items()
            },
            digests={},
            snags={new: self.snags.get(old, ()) for new, old in names.items()},
        )

    def lost(self, snagged: Iterable[Snagged], below: Iterable[Member]) -> list[Snagged]:
        """Hard links to what no layer has: those below are read once more for them.

        Args:
            snagged: hard links to what their own layer does not have.
            below: the layers under it.
        """
        removed = {each.target for each in snagged if each.removed}
        wanted = {each.target for each in snagged} - removed
        for member in below:
            if wanted:
                wanted &= self._lacking(member, frozenset(wanted))
        return [each for each in snagged if each.target in wanted | removed]

    def _lacking(self, member: Member, wanted: frozenset[str]) -> frozenset[str]:
        key = (member.name, *sorted(wanted))
        if key not in self._below:
            where = Where(member=member.name)
            try:
                reader = member.open()
                try:
                    tar = decoded(reader, sniff(member.head(SNIFF_BYTES)), where)
                    self._below[key] = frozenset(lacking(tar, where, wanted))
                finally:
                    reader.close()
            except DamagedError:  # which is told of the layer itself
                self._below[key] = wanted
        return self._below[key]
