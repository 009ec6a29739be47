"""Every code a finding can have. They are stable: programs match on them."""

from __future__ import annotations

CODES: dict[str, str] = {
    # the archive
    "truncated": "the archive, or the file, ends before its content does",
    "no-end-marker": "the archive has no end-of-archive marker",
    "trailing-data": "data follows the end-of-archive marker",
    "bad-tar-header": "a tar header that readers cannot, or would not all, read the same way",
    "size-conflict": "the PAX header and the tar header give different sizes",
    "too-many-members": "more members than an image archive can have",
    "repeated-member": "a member stands in the archive twice, with the same content",
    "conflicting-member": "engines would take different members of the archive for one name",
    "unsafe-name": "a member's name leaves the archive",
    "unsafe-link": "a link leaves the archive",
    "absolute-name": "members have absolute names",
    "dot-slash-name": "members have names that begin with ./",
    "unclean-path": "manifest.json writes a path otherwise than the member is called",
    "backslash-path": "manifest.json has backslashes in a path, and the archive has slashes",
    "special-member": "a device or FIFO",
    # documents
    "bad-json": "not JSON, or JSON that readers do not all take",
    "document-too-large": "a document larger than any consumer reads",
    "duplicate-key": "a key stands twice in one object, or a field in two cases",
    "wrong-type": "a field has a value of the wrong type or out of range",
    "missing-field": "a required field is missing",
    "bad-digest": "a text that is not a digest of a supported algorithm",
    "bad-data": "embedded data that is not the blob it stands for",
    "bad-name": "a text that is not an image name",
    "schema-version": "schemaVersion is not 2",
    "two-kinds": "one document with the fields of two kinds",
    "media-type-mismatch": "a document's mediaType is not that of its descriptor",
    "missing-media-type": "a descriptor without mediaType",
    "missing-config": "an artifact's manifest without config",
    "null-list": "null, where a list belongs",
    "index-depth": "indexes nested too deeply, or listing too much",
    "no-layout-marker": "there is no oci-layout file",
    "layout-version": "the version of the layout is not 1.0.0",
    "missing-index": "there is no index.json",
    "bad-signature": "a signature of a schema 1 manifest that cannot be read",
    "unsigned-content": "a signed manifest says more, or other things, than what is signed",
    "signature-valid": "a signature holds; with the key it came from",
    "signature-invalid": "a signature does not hold",
    "signature-untrusted": "no trusted key has signed",
    "signature-unchecked": "signatures were not checked: the extra package is not there",
    "unsigned": "a schema 1 manifest without signature",
    "bad-v1-id": "a V1 id that is not 64 hex digits",
    "v1-id-mismatch": "a V1 image says another id than its folder",
    "v1-parent-missing": "a V1 image or parent that is not there",
    "v1-loop": "a V1 image is its own ancestor",
    "v1-depth": "a V1 image with too many ancestors",
    # bytes
    "size-mismatch": "a blob has another size than its descriptor says",
    "digest-mismatch": "a blob has another digest than its descriptor or name says",
    "diffid-mismatch": "a layer's tar has another digest than the config's diff_id",
    "corrupt-stream": "a compressed layer does not decompress",
    "truncated-stream": "a compressed layer ends too early",
    "trailing-garbage": "something follows the end of a compressed layer",
    "zstd-window": "a zstd frame asks for more memory than each reader gives",
    "bomb": "a layer grows out of all proportion",
    # agreement
    "layer-count": "there are not as many layers as diff_ids",
    "shuffled-layers": "a manifest lists its layers in an order that its config contradicts",
    "history-mismatch": "the history does not have an entry for each layer",
    "platform-mismatch": "the index and the config name different platforms",
    "label-mismatch": "a layer is labelled with another compression than it has",
    "views-disagree": "manifest.json and index.json list different files for one image",
    "names-disagree": "manifest.json and repositories list different names",
    "name-conflict": "one name stands for two images",
    "repeated-tag": "a bare tag stands at two entries of index.json",
    "repeated-platform": "a platform stands in an index more than once",
    # presence
    "sparse-index": "a manifest or index is referred to and not there",
    "stored-otherwise": "a layer is there under its diff_id alone, packed or named in another way",
    "missing-blob": "a layer or another blob is referred to and not there",
    "missing-member": "manifest.json names a file that is not there",
    "absent-subject": "what an attestation or artifact refers to is not there",
    "flat-blobs": "blobs lie in blobs/ itself, and not in the folder of their algorithm",
    "foreign-layer": "a layer that is to be fetched from elsewhere by its nature",
    "orphan": "a blob that no document refers to",
    "empty": "the source holds no image",
    # what was asked for
    "expected-absent": "a digest that was expected is not in the source",
    "sums-missing": "a file of the sums is not there",
    "sums-mismatch": "a file has another digest than the sums say",
    "sums-extra": "a file is not in the sums",
    # conversion
    "attachment-dropped": "an attestation or signature is left out",
    "compressed-archive": "an archive is written that some engines cannot read",
    "invalid-config": "an invalid config is kept, as asked",
    "name-taken": "a name that two sources give to two images goes to one of them",
    "names-dropped": "the destination cannot hold names",
    "no-docker-platform": "manifest.json leaves out an image of several platforms",
    "no-repo-tag": "a name that Docker cannot hold: without repository or tag, or in upper case",
    "opaque-layers": "manifest.json leaves out an image with layers that are no tar",
    "platform-absent": "an image does not exist for the chosen platform",
    "zstd-layers": "layers are packed with zstd, which older engines cannot read",
}

# What speaks of a wish of the caller: nothing need be wrong with the source itself.
WISHES = frozenset({"expected-absent", "sums-missing", "sums-mismatch", "signature-untrusted"})

# Bytes that are not what they were when somebody took a digest of them.
BYTES = frozenset(
    {
        "digest-mismatch",
        "size-mismatch",
        "diffid-mismatch",
        "corrupt-stream",
        "truncated-stream",
        "trailing-garbage",
    }
)
