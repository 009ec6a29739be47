"""Container images across formats, offline: read, convert and check what engines save.

Each verb of the command is a call: ``repack``, ``verify``, ``inspect``, ``diff``, ``check``,
``merge``, ``edit``, ``have``, ``files``, ``cat``, ``export``, ``tag``, ``rm``, ``gc``, ``batch``;
``list`` is called ``list_images``, ``report`` is ``report_page``, and ``files --changed`` is
``changes``. What may be asked of one is a class of its name, ``Repack``, ``Verify`` and so on,
``Page`` of ``report``; its fields may be given as keywords::

    import oci_layout

    report = oci_layout.repack("images.tar", "out", to="oci")

What is raised on purpose is a ``LayoutError``.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing takes longer to import than all that is needed at the start
if TYPE_CHECKING:
    from typing import Any

    from oci_layout.api.checking import check as check
    from oci_layout.api.comparison import diff as diff
    from oci_layout.api.conversion import merge as merge
    from oci_layout.api.conversion import repack as repack
    from oci_layout.api.editing import edit as edit
    from oci_layout.api.having import have as have
    from oci_layout.api.inspection import inspect as inspect
    from oci_layout.api.inspection import inspect_raw as inspect_raw
    from oci_layout.api.inspection import list_images as list_images
    from oci_layout.api.keeping import gc as gc
    from oci_layout.api.keeping import rm as rm
    from oci_layout.api.keeping import tag as tag
    from oci_layout.api.page import report_page as report_page
    from oci_layout.api.rootfs import cat as cat
    from oci_layout.api.rootfs import changes as changes
    from oci_layout.api.rootfs import export as export
    from oci_layout.api.rootfs import files as files
    from oci_layout.api.verification import verify as verify
    from oci_layout.api.words import Progress as Progress
    from oci_layout.batchlines.values import SourceReport as SourceReport
    from oci_layout.comparison.report import Comparison as Comparison
    from oci_layout.comparison.request import Diff as Diff
    from oci_layout.digest import Digest as Digest
    from oci_layout.errors import ChangedError as ChangedError
    from oci_layout.errors import DamagedError as DamagedError
    from oci_layout.errors import DestinationError as DestinationError
    from oci_layout.errors import LayoutError as LayoutError
    from oci_layout.errors import NameConflictError as NameConflictError
    from oci_layout.errors import NotAnImageError as NotAnImageError
    from oci_layout.errors import ReadError as ReadError
    from oci_layout.errors import ResourceError as ResourceError
    from oci_layout.errors import SelectionError as SelectionError
    from oci_layout.errors import TargetError as TargetError
    from oci_layout.errors import UsageError as UsageError
    from oci_layout.filediff.filelist import ImageFile as ImageFile
    from oci_layout.filediff.pairing import FileChange as FileChange
    from oci_layout.finding import Finding as Finding
    from oci_layout.finding import Findings as Findings
    from oci_layout.havelist.request import Have as Have
    from oci_layout.havelist.values import HaveList as HaveList
    from oci_layout.inspection.listing import ListReport as ListReport
    from oci_layout.inspection.report import InspectReport as InspectReport
    from oci_layout.inspection.request import Inspect as Inspect
    from oci_layout.inspection.request import List as List
    from oci_layout.page.request import Page as Page
    from oci_layout.page.values import PageReport as PageReport
    from oci_layout.plan.change import Change as Change
    from oci_layout.plan.change import ChangeKind as ChangeKind
    from oci_layout.plan.report import Report as Report
    from oci_layout.plan.request import Edit as Edit
    from oci_layout.plan.request import Gc as Gc
    from oci_layout.plan.request import Merge as Merge
    from oci_layout.plan.request import Repack as Repack
    from oci_layout.plan.request import Rm as Rm
    from oci_layout.plan.request import Tag as Tag
    from oci_layout.platform import Platform as Platform
    from oci_layout.reference import Reference as Reference
    from oci_layout.rootfs.report import ExportReport as ExportReport
    from oci_layout.rootfs.request import Cat as Cat
    from oci_layout.rootfs.request import Export as Export
    from oci_layout.rootfs.request import Files as Files
    from oci_layout.shelf.report import BatchReport as BatchReport
    from oci_layout.shelf.request import Batch as Batch
    from oci_layout.shelf.run import Told as Told
    from oci_layout.shelf.run import batch as batch
    from oci_layout.sink.keeping import CollectReport as CollectReport
    from oci_layout.sink.keeping import NamesReport as NamesReport
    from oci_layout.source.opening import Source as Source
    from oci_layout.source.opening import open_source as open_source
    from oci_layout.targets.asking import CheckReport as CheckReport
    from oci_layout.targets.request import Check as Check
    from oci_layout.verification.report import VerifyReport as VerifyReport
    from oci_layout.verification.request import Verify as Verify
    from oci_layout.where import Where as Where

_HOMES = {
    "Progress": "oci_layout.api.words",
    "batch": "oci_layout.shelf.run",
    "cat": "oci_layout.api.rootfs",
    "changes": "oci_layout.api.rootfs",
    "check": "oci_layout.api.checking",
    "diff": "oci_layout.api.comparison",
    "edit": "oci_layout.api.editing",
    "export": "oci_layout.api.rootfs",
    "files": "oci_layout.api.rootfs",
    "gc": "oci_layout.api.keeping",
    "have": "oci_layout.api.having",
    "inspect": "oci_layout.api.inspection",
    "inspect_raw": "oci_layout.api.inspection",
    "list_images": "oci_layout.api.inspection",
    "merge": "oci_layout.api.conversion",
    "repack": "oci_layout.api.conversion",
    "report_page": "oci_layout.api.page",
    "rm": "oci_layout.api.keeping",
    "tag": "oci_layout.api.keeping",
    "verify": "oci_layout.api.verification",
    "Comparison": "oci_layout.comparison.report",
    "Diff": "oci_layout.comparison.request",
    "Digest": "oci_layout.digest",
    "ChangedError": "oci_layout.errors",
    "DamagedError": "oci_layout.errors",
    "DestinationError": "oci_layout.errors",
    "LayoutError": "oci_layout.errors",
    "NameConflictError": "oci_layout.errors",
    "NotAnImageError": "oci_layout.errors",
    "ReadError": "oci_layout.errors",
    "ResourceError": "oci_layout.errors",
    "SelectionError": "oci_layout.errors",
    "TargetError": "oci_layout.errors",
    "UsageError": "oci_layout.errors",
    "Finding": "oci_layout.finding",
    "Findings": "oci_layout.finding",
    "Have": "oci_layout.havelist.request",
    "HaveList": "oci_layout.havelist.values",
    "ListReport": "oci_layout.inspection.listing",
    "InspectReport": "oci_layout.inspection.report",
    "Inspect": "oci_layout.inspection.request",
    "List": "oci_layout.inspection.request",
    "Page": "oci_layout.page.request",
    "PageReport": "oci_layout.page.values",
    "Change": "oci_layout.plan.change",
    "ChangeKind": "oci_layout.plan.change",
    "Report": "oci_layout.plan.report",
    "Edit": "oci_layout.plan.request",
    "Gc": "oci_layout.plan.request",
    "Merge": "oci_layout.plan.request",
    "Repack": "oci_layout.plan.request",
    "Rm": "oci_layout.plan.request",
    "Tag": "oci_layout.plan.request",
    "Platform": "oci_layout.platform",
    "Reference": "oci_layout.reference",
    "Cat": "oci_layout.rootfs.request",
    "Export": "oci_layout.rootfs.request",
    "ExportReport": "oci_layout.rootfs.report",
    "FileChange": "oci_layout.filediff.pairing",
    "Files": "oci_layout.rootfs.request",
    "ImageFile": "oci_layout.filediff.filelist",
    "CollectReport": "oci_layout.sink.keeping",
    "NamesReport": "oci_layout.sink.keeping",
    "Source": "oci_layout.source.opening",
    "open_source": "oci_layout.source.opening",
    "Batch": "oci_layout.shelf.request",
    "BatchReport": "oci_layout.shelf.report",
    "SourceReport": "oci_layout.batchlines.values",
    "Told": "oci_layout.shelf.run",
    "CheckReport": "oci_layout.targets.asking",
    "Check": "oci_layout.targets.request",
    "VerifyReport": "oci_layout.verification.report",
    "Verify": "oci_layout.verification.request",
    "Where": "oci_layout.where",
}
__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604  the names are strings


def __dir__() -> list[str]:
    """All that is offered, though it is imported only when it is asked for."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: the command must start fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
