"""Bounds of every read. Beyond them a source is refused, before memory or time is spent on it."""

from __future__ import annotations

CHUNK = 512 << 10  # bytes read, hashed and written at a time: what stays in a core's cache

DOCUMENT_BYTES = 20 << 20  # containerd reads JSON members of at most 20 MiB
DOCUMENTS_BYTES = 96 << 20  # manifests, indexes and configs of a source together, each once
DOCUMENT_DEPTH = 64  # nested arrays and objects of a document
DOCUMENT_TOKENS = 400_000  # values of a document: bounds the memory its parsed form takes
NUMBER_DIGITS = 1_000  # of a whole number of a document
MANIFEST_BYTES = 4 << 20  # what registries take for a manifest
NODES = 150_000  # manifests and layers that all indexes together may list
SHOWN_BYTES = 128 << 20  # documents in one report, repeated ones included
SHOWN_BLOBS = 50_000  # layers and blobs in one report, repeated ones included
FINDINGS = 1_000  # findings of one code that are kept
INDEX_DEPTH = 8  # indexes nested in indexes
SIGNATURES = 64  # of one schema 1 manifest; those that exist have one
ATTACHED_SIGNATURES = 1_000  # of one source that are checked; each may hold several
ORIGINAL_INDEXES = 16  # that led to one image and are kept with its manifest
ORIGINALS = 16  # of one image that are checked; one conversion keeps one
ORIGINALS_BYTES = 64 << 20  # manifests and indexes of before, kept beside images, all together
SIGNATURES_BYTES = 96 << 20  # signatures and attestations of a source together
STATEMENT_SUBJECTS = 1_000  # digests that one statement is about
CERTIFICATE_BYTES = 64 << 10  # of one certificate; those of people have 1 to 3 KiB
CERTIFICATE_CHAIN = 8  # certificates of one signature
TRUSTED_CERTIFICATES = 1_000  # a system's whole bundle has 150
TRUSTED_KEYS = 64
TRUST_FILE_BYTES = 16 << 20  # of a file of keys, certificates or revoked ones
RSA_BITS = 8_192  # of a key: a signature by a larger one takes long to check
V1_DEPTH = 1_000  # parents of a V1 image
MADE_BYTES = 32 << 20  # configs that are made of V1 images, all together

VOLUMES = 250  # of one result, each held open; and parts of a split archive

MARKED_FILES = 200_000  # of a folder on a shelf, whose times and sizes are looked at
LISTED_BYTES = 64 << 20  # of a list of paths
REPORTED_BYTES = 1 << 20  # of one source's report in the report of a shelf
REPORT_LINE_BYTES = REPORTED_BYTES + (256 << 10)  # of a line of it: paths and an error come on top
REPORT_ROWS = 50_000  # lines of it that one page lists
REPORT_ROWS_BYTES = 32 << 20  # of the page that they take

MEMBERS = 500_000  # members of an archive
ROOTED_FILES = 5_000_000  # files and folders of an engine's or registry's own folder
REGISTRY_ENTRIES = 2_000  # looked at where a registry is looked for below a folder
DATABASE_BYTES = 1 << 30  # of an engine's database, which is read whole
DATABASE_ENTRIES = 1_000_000  # images, blobs and what is said of each
TAR_SPLIT_LINE_BYTES = 4 << 20  # bytes of a line of what an engine wrote down of a layer
TAR_SPLIT_LINES = 2_000_000  # of one layer
TAR_SPLIT_PIECES = 20_000_000  # of all layers of an engine's store
TAR_SPLIT_GROWN_BYTES = 256 << 20  # bytes that it may grow to beyond a ratio of 200
TAR_SPLIT_TAR_BYTES = 1 << 50  # of the tar that it tells of
MEMBER_NAME_BYTES = 64 << 10  # a GNU long name or long link
NAME_BYTES = 4096  # a name in an archive: PATH_MAX, past which nobody can unpack it
NAMES_BYTES = 48 << 20  # all names of an archive together
SPECIAL_MEMBERS = 10_000  # devices and FIFOs of an archive, which images have none of
PAX_BYTES = 1 << 20  # one PAX header
LINK_HOPS = 40  # symbolic links followed for one name, as the kernel does

JUDGED_FILES = 500_000  # of a layer that is unpacked on paper
LOST_LINKS = 64  # of one layer that are looked for in the layers below

MERGED_LAYERS = 4_000  # of one image whose file system is looked at; engines take some 500
MERGED_PATHS = 10_000_000  # of one image, folders included
IMPLIED_FOLDERS = 200_000  # that no layer lists, though it has files in them
WAITING_LINKS = 100_000  # hard links to files of another layer
USAGE_PATHS = 1_000_000  # files of one image that a report tells of

DIFFED_LAYERS = 10_000  # layers that one comparison reads for their files
DIFFERENCES = 1_000  # of two lists of files that are kept; the rest is counted
DIFFERENCES_BYTES = 12 << 20  # memory of all that one comparison keeps
TEXT_BYTES = 64 << 10  # of a file whose text is shown line by line
TEXT_FILES = 50  # of two lists of files that are read for that
TEXT_LINES = 200  # of one file that are shown
TEXTS_LINES = 10_000  # of all files of one comparison
TEXT_LINE_LETTERS = 400  # of one line

BOMB_RATIO = 200  # a layer is refused past this ratio ...
BOMB_BYTES = 8 << 30  # ... when it has also grown past this size
ZSTD_WINDOW = 8 << 20  # that every decoder of zstd takes (RFC 8878, 3.1.1.1.2)
UNPACK_MEMORY = 128 << 20  # memory that unpacking one stream may take: libzstd's own bound
WORK_BYTES = 80 << 20  # memory that all blobs at work may take together
MIXTURES = 8  # of media types that a report names the takers of
