"""The signatures of a source: which image has which, and the chain from a key to its bytes.

Imports ``cryptography``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.finding import Findings, Severity
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.originals import Original
from oci_layout.graph.referrers import is_attached, spellings
from oci_layout.graph.walk import attached_to, every
from oci_layout.signatures.attached import Allowance, Attached, ChangedError, attached, statements
from oci_layout.signatures.checking import Checked
from oci_layout.signatures.policy import Level, SignatureType
from oci_layout.signatures.statement import is_of
from oci_layout.signatures.trust import Trust
from oci_layout.signatures.values import BadSignatureError, Signed
from oci_layout.source.opening import Source
from oci_layout.verification.before import Before, document_of
from oci_layout.verification.chains import SAME_IMAGE_ID, Attestation, Chain, Link
from oci_layout.verification.originals import Known, links_of
from oci_layout.verification.telling import Telling
from oci_layout.where import Where

_CARRY = "an OCI layout carries signatures: cosign save, or a copy with all referrers"


@attrs.frozen(kw_only=True, eq=False)
class Asked:
    """What is asked of signatures.

    Args:
        trust: what they are held against.
        require: whether each image must be signed.
        type: of the signatures that count; None for any.
        claims: that must be signed along.
        attestation: type of the attestation that each image must have; empty for none.
    """

    trust: Trust
    require: bool = False
    type: SignatureType | None = None
    claims: Mapping[str, str] = attrs.field(factory=dict)
    attestation: str = ""


@attrs.frozen(kw_only=True, eq=False)
class _Outcome:
    """What came of one signature.

    Args:
        at: where it stands.
        signed: what it says; None where it cannot be read.
        checked: against what is trusted; None likewise.
        of: digests of what is here and it is of.
        code: of the finding where it does not count; empty where it does.
        reason: why it does not.
    """

    at: Attached
    signed: Signed | None
    checked: Checked | None
    of: frozenset[str]
    code: str = ""
    reason: str = ""

    @property
    def attestation(self) -> bool:
        return self.signed is not None and self.signed.attestation

    @property
    def what(self) -> str:
        if self.signed is not None and self.signed.attestation:
            return f"the attestation {self.signed.predicate_type[:80]}"
        return f"the {self.at.type} signature"


@attrs.frozen(kw_only=True, eq=False)
class _Leaf:
    """What has to be signed: an image, or an artifact that stands for itself.

    Args:
        label: what to call it.
        node: it.
        above: the indexes that lead to it, outermost first.
    """

    label: str
    node: Image | Artifact | Absent
    above: tuple[ImageIndex, ...]

    @property
    def digest(self) -> Digest | None:
        return self.node.descriptor.digest if self.node.descriptor is not None else None


def check_signatures(
    source: Source, asked: Asked, known: Known, findings: Findings
) -> tuple[tuple[Chain, ...], tuple[Attestation, ...]]:
    """Check the signatures of a source; what signs each image, and the attestations that hold.

    Args:
        source: opened, its blobs looked at.
        asked: what is trusted, and what must be.
        known: what came of its blobs, and what is kept of before conversions.
        findings: told of each signature.
    """
    return _Run(source, asked, known, findings).run()


class _Run:
    def __init__(self, source: Source, asked: Asked, known: Known, findings: Findings) -> None:
        self._source, self._asked, self._findings = source, asked, findings
        self._known, self._before, self._allowance = known, Before(known), Allowance()
        self._telling = Telling()
        self._outcomes_of: dict[str, list[_Outcome]] = {}
        self._attesting: dict[ImageIndex, dict[str, list[Artifact]]] = {}
        self._here: dict[str, str] = {}  # digests in each spelling, and in full
        self._documents: dict[str, bytes] = {}
        for _, node in every(source.roots):
            if node.descriptor is None:
                continue
            digest = str(node.descriptor.digest)
            for text in spellings(node.descriptor.digest):
                self._here[text] = digest
            raw = document_of(node)
            if raw is not None:
                self._documents[digest] = raw
        for leaf in _leaves(source):
            self._before.add(leaf.node, _digests(leaf))
        self._here = {**self._before.here, **self._here}

    def run(self) -> tuple[tuple[Chain, ...], tuple[Attestation, ...]]:
        outcomes = self._outcomes()
        for outcome in outcomes:
            for digest in sorted(outcome.of):
                self._outcomes_of.setdefault(digest, []).append(outcome)
        leaves = list(_leaves(self._source))
        chains = tuple(self._leaf(leaf) for leaf in leaves)
        self._rest(outcomes)
        if not leaves and self._asked.require:
            text = "there is nothing here that is signed"
            self._telling.add("signature-missing", Severity.ERROR, text)
        attestations: dict[tuple[str, int], Attestation] = {}
        for leaf in leaves if self._asked.attestation else ():
            for each in self._attestations(leaf):
                attestations.setdefault((each.image, id(each.predicate)), each)
        self._telling.pass_on(self._findings)
        return chains, tuple(attestations.values())

    def _of(self, leaf: _Leaf) -> list[_Outcome]:
        """The outcomes that concern an image, each once."""
        digests = [*_digests(leaf), *self._before.names(leaf.node)]
        found = (each for digest in digests for each in self._outcomes_of.get(digest, ()))
        return list(dict.fromkeys(found))

    def _outcomes(self) -> list[_Outcome]:
        found: list[_Outcome] = []
        for at in attached(self._source.roots):
            if self._asked.type not in (None, at.type):
                continue
            if at.type is SignatureType.NOTATION and self._asked.trust.level is Level.SKIP:
                continue
            if len(found) == limits.ATTACHED_SIGNATURES:
                text = f"more than {limits.ATTACHED_SIGNATURES} signatures: the rest is not checked"
                self._telling.add("bad-signature", Severity.ERROR, text)
                break
            found.append(self._outcome(at))
        return found

    def _outcome(self, at: Attached) -> _Outcome:
        place = self._here.get(at.of or at.beside, "")
        try:
            signed = at.read(self._allowance)
        except BadSignatureError as error:
            code = "signature-invalid" if isinstance(error, ChangedError) else "bad-signature"
            of = frozenset({place} - {""})
            return _Outcome(
                at=at,
                signed=None,
                checked=None,
                of=of,
                code=code,
                reason=f"cannot be read: {error}",
            )
        document = self._documents.get(place)
        checked, signs = self._before.checked(signed, self._asked.trust, document, place)
        named = signed.names or tuple({signs or at.of or at.beside} - {""})
        here = frozenset(self._here[name] for name in named if name in self._here)
        code, reason, of = checked.code, checked.reason, here
        elsewhere = bool(at.of and signed.names) and not self._is_named(at.of, signed)
        # What converts an image gives a subject the new digest, and leaves a tag as it is.
        follows = at.artifact.manifest.subject is not None
        if elsewhere and (here or not follows):
            code, of = "signature-moved", frozenset({place} - {""})
            reason = f"stands with {at.of}, and is of {named[0][:150]}"
        elif not here or (at.of and not place):
            code, of = "signature-stale", frozenset({place} - {""})
            reason = f"is of {named[0][:150] if named else 'nothing'}, which is not here"
        elif not code:
            lacking = [
                f"{key}={value}"
                for key, value in self._asked.claims.items()
                if signed.claims.get(key) != value
            ]
            if lacking and not signed.attestation:
                code, reason = "claim-missing", f"does not claim {lacking[0][:150]}"
        return _Outcome(
            at=at, signed=self._kept(signed), checked=checked, of=of, code=code, reason=reason
        )

    def _kept(self, signed: Signed) -> Signed:
        """What is still needed of a signature that was checked: there may be many, and large."""
        wanted = signed.attestation and is_of(signed.predicate_type, self._asked.attestation)
        predicate = signed.predicate if wanted else None
        return attrs.evolve(signed, proofs=(), bundle=b"", predicate=predicate)

    def _is_named(self, place: str, signed: Signed) -> bool:
        """Whether a signature is of what it stands with, or of what that was: a subject follows.

        A tag may hold half of a sha512.
        """
        full = self._here.get(place, place)
        return not {place, full, *self._before.of(full)}.isdisjoint(signed.names)

    def _leaf(self, leaf: _Leaf) -> Chain:
        mine = self._of(leaf)
        good = [each for each in mine if not each.code]
        signatures = [each for each in good if not each.attestation]
        for each in good:
            self._tell_good(each, leaf)
        for each in mine:
            if each.code:
                self._tell_bad(each, leaf, otherwise=bool(signatures))
        if not signatures:
            if not [each for each in mine if each.code and not each.attestation]:
                self._missing(leaf)
            return self._chain(leaf, None)
        now = _digests(leaf)
        own = next((each for each in signatures if not each.of.isdisjoint(now)), None)
        chain = self._by_original(leaf, signatures) if own is None else self._chain(leaf, own)
        if chain.verdict == "damaged":
            bad = next(link for link in chain.links if link.verdict in ("damaged", "missing"))
            self._telling.add(
                "signed-damaged",
                Severity.ERROR,
                f"is signed by {chain.by}, and what is signed is not whole: {bad.step}",
                Where(image=leaf.label),
                "carry the image again",
            )
        return chain

    def _by_original(self, leaf: _Leaf, signatures: list[_Outcome]) -> Chain:
        """The chain from a signature of what an image was before it was converted."""
        reason = ""
        for original in self._known.originals.of(leaf.node):
            documents = set(map(str, original.documents))
            outcome = next((each for each in signatures if each.of & documents), None)
            if outcome is None:
                continue
            reason = self._known.unproved(original, leaf.node)
            if not reason:
                return self._chain(leaf, outcome, original)
        severity = Severity.ERROR if self._asked.require else Severity.WARNING
        self._telling.add("original-unchecked", severity, reason, Where(image=leaf.label), _FULL)
        return self._chain(leaf, None)

    def _tell_good(self, outcome: _Outcome, leaf: _Leaf) -> None:
        checked = outcome.checked
        if checked is None:
            return
        digests = [*_digests(leaf), *self._before.names(leaf.node)]
        of = next(digest for digest in digests if digest in outcome.of)
        self._telling.add(
            "signature-valid",
            Severity.NOTE,
            f"{outcome.what} of {of} is by {checked.by}",
            Where(image=leaf.label),
            "" if outcome.attestation else _PROVES[checked.how],
        )
        for code, text in checked.passed_over:
            where = Where(image=leaf.label)
            self._telling.add(code, Severity.WARNING, f"not enforced: {text}", where)

    def _tell_bad(self, outcome: _Outcome, leaf: _Leaf, *, otherwise: bool) -> None:
        """Tell of a signature that does not count: an error, where nothing else signs the image."""
        severity = Severity.ERROR
        if outcome.attestation or otherwise:
            plain = outcome.code in ("signature-untrusted", "signature-unchecked")
            severity = Severity.NOTE if plain else Severity.WARNING
        elif outcome.code in _LENIENT and not self._asked.require:
            severity = Severity.WARNING
        self._add(outcome, severity, leaf.label)

    def _rest(self, outcomes: list[_Outcome]) -> None:
        """Tell of signatures of what is not here."""
        severity = Severity.ERROR if self._asked.require else Severity.WARNING
        for outcome in outcomes:
            if not outcome.of and outcome.code:
                self._add(outcome, severity, outcome.at.label)

    def _add(self, outcome: _Outcome, severity: Severity, label: str) -> None:
        where = Where(image=label, member=outcome.at.artifact.descriptor.digest.blob_path)
        glue = ": " if outcome.reason.startswith(("the ", "a ")) else " "
        message = f"{outcome.what}{glue}{outcome.reason}"
        hint = _HINTS.get(outcome.code, "")
        self._telling.add(outcome.code, severity, message, where, hint, same=id(outcome))

    def _missing(self, leaf: _Leaf) -> None:
        where = Where(image=leaf.label)
        text = "nothing here signs it"
        if leaf.digest is None:
            text = "has no manifest, which is what signatures are of: a docker-archive holds none"
        elif self._asked.type is not None:
            text = f"no {self._asked.type} signature here is of it"
        severity = Severity.ERROR if self._asked.require else Severity.WARNING
        self._telling.add("signature-missing", severity, text, where, _CARRY)

    def _chain(
        self, leaf: _Leaf, outcome: _Outcome | None, original: Original | None = None
    ) -> Chain:
        platform = leaf.node.platform if isinstance(leaf.node, Image) else None
        base = Chain(
            image=leaf.label, platform=platform, manifest=leaf.digest, verdict="not signed"
        )
        if outcome is None or outcome.checked is None or outcome.signed is None:
            return base
        links = tuple(self._links(leaf, outcome, outcome.checked, original))
        broken = any(link.verdict in ("damaged", "missing") for link in links)
        return attrs.evolve(
            base,
            verdict="damaged" if broken else "signed" if original is None else SAME_IMAGE_ID,
            original=original.digest if original is not None else None,
            type=str(outcome.signed.type),
            by=outcome.checked.by,
            claims=tuple(outcome.signed.claims.items()),
            links=links,
        )

    def _links(
        self, leaf: _Leaf, outcome: _Outcome, checked: Checked, original: Original | None
    ) -> Iterator[Link]:
        yield Link(step=checked.how, what=checked.by, verdict="trusted")
        at = str(outcome.at.artifact.descriptor.digest)
        yield Link(step="signature", what=at, verdict="holds")
        if original is not None and isinstance(leaf.node, Image):
            state = self._known.state_of(leaf.node)
            yield from links_of(original, leaf.node, outcome.of, state=state)
            return
        above = [str(each.descriptor.digest) for each in leaf.above]
        first = next((n for n, digest in enumerate(above) if digest in outcome.of), len(above))
        for index in leaf.above[first:]:
            yield self._document_link("index", index)
        yield self._document_link("manifest", leaf.node)
        if isinstance(leaf.node, Absent):
            return
        missing = len(leaf.node.missing)
        count = 1 + len(leaf.node.layers) if isinstance(leaf.node, Image) else len(leaf.node.blobs)
        yield Link(
            step="config and layers",
            what=f"{plural(missing, 'blob')} not here" if missing else plural(count, "blob"),
            verdict="missing" if missing else "holds",
        )
        yield Link(step="bytes", what="", verdict=self._known.state_of(leaf.node))

    def _document_link(self, step: str, node: Node) -> Link:
        descriptor = node.descriptor
        if descriptor is None:
            return Link(step=step, what="", verdict="missing")
        digest = descriptor.digest
        raw = self._documents.get(str(digest))
        if raw is None:
            damaged = isinstance(node, Absent) and (node.damaged or node.unreadable)
            verdict = "damaged" if damaged else "missing"
        else:
            verdict = "holds" if Digest.of(raw, digest.algorithm) == digest else "damaged"
        return Link(step=step, what=str(digest), verdict=verdict)

    def _attestations(self, leaf: _Leaf) -> list[Attestation]:
        wanted = self._asked.attestation
        digests = [*_digests(leaf), *self._before.names(leaf.node, proved=True)]
        found = []
        for outcome in self._of(leaf):
            signed, checked = outcome.signed, outcome.checked
            if outcome.code or signed is None or checked is None:
                continue
            if outcome.of.isdisjoint(digests):
                continue  # of what the image was, and may not be any more
            if signed.attestation and is_of(signed.predicate_type, wanted):
                found.append(
                    Attestation(
                        image=next(digest for digest in digests if digest in outcome.of),
                        type=signed.predicate_type,
                        by=checked.by,
                        predicate=signed.predicate,
                    )
                )
        found += self._covered(leaf)
        if not found:
            self._telling.add(
                "attestation-missing",
                Severity.ERROR,
                f"no attestation of the type {wanted[:100]} holds for it",
                Where(image=leaf.label),
            )
        return found

    def _covered(self, leaf: _Leaf) -> Iterator[Attestation]:
        """BuildKit's attestations, which nobody signs, in an index that is signed as a whole."""
        above = [str(index.descriptor.digest) for index in leaf.above]
        by = next((by for digest in above if (by := self._signer_of(digest)) is not None), None)
        if by is None or leaf.digest is None:
            return
        for child in self._beside(leaf.above[-1]).get(str(leaf.digest), ()):
            for statement in statements(child, self._allowance):
                if is_of(statement.predicate_type, self._asked.attestation):
                    yield Attestation(
                        image=str(leaf.digest),
                        type=statement.predicate_type,
                        by=f"{by}, by the index",
                        predicate=statement.predicate,
                    )

    def _signer_of(self, digest: str) -> str | None:
        """Who has signed what a digest is of; None for nobody."""
        for outcome in self._outcomes_of.get(digest, ()):
            if not outcome.code and not outcome.attestation and outcome.checked is not None:
                return outcome.checked.by
        return None

    def _beside(self, index: ImageIndex) -> dict[str, list[Artifact]]:
        """BuildKit's attestations in an index, by what they attest."""
        if index not in self._attesting:
            found: dict[str, list[Artifact]] = {}
            for child in index.children:
                if isinstance(child, Artifact) and child.is_attestation:
                    for digest in attached_to(child):
                        found.setdefault(digest, []).append(child)
            self._attesting[index] = found
        return self._attesting[index]


_FULL = "--check full unpacks them"
_LENIENT = ("signature-unchecked", "signature-stale")  # errors where a signature is required
_PROVES = {
    "key": "it proves that the holder of that key signed this; not when, and not who that is",
    "certificate": "it proves that the owner of that certificate signed this; not when",
    "identity": "it proves that this identity signed this while its certificate was valid",
}
_HINTS = {
    "signature-stale": "if the image was converted, its manifest has a new digest: keep the old "
    "one (--preserve-digests), or carry it along (--keep-original), or sign again",
    "signature-moved": "do not use the image as one that was signed",
    "signature-untrusted": "give the key that signed it, or do not use the image",
    "signature-invalid": "do not use the image",
}


def _digests(leaf: _Leaf) -> list[str]:
    """Digests of what a signature of an image may be of: its own, and of the indexes above it."""
    own = [str(leaf.digest)] if leaf.digest is not None else []
    return own + [str(index.descriptor.digest) for index in leaf.above]


def _leaves(source: Source) -> Iterator[_Leaf]:
    """What has to be signed: every image, and artifacts that belong to nothing else.

    An image is one whatever its name or its entry says of it: a tag must not free it from this.
    """
    for root in source.roots:
        yield from _below(root.node, root, ())
        if isinstance(root.node, Artifact) and not is_attached(root):
            yield _Leaf(label=root.label, node=root.node, above=())


def _below(node: Node, root: Root, above: tuple[ImageIndex, ...]) -> Iterator[_Leaf]:
    if isinstance(node, ImageIndex):
        for child in node.children:
            yield from _below(child, root, (*above, node))
    elif isinstance(node, Image) or (
        isinstance(node, Absent) and (node.damaged or node.unreadable)
    ):
        yield _Leaf(label=root.label, node=node, above=above)
