"""What stands inside of the one file and the .pyz beside the packages: how they start.

A shared object is loaded from memory: /tmp may be mounted noexec, a home may be read-only, and what
is unpacked must be looked after. In the place of each is a module of its name that calls `load`.
"""

import os
import re
import sys

# The main module of the resource tracker of multiprocessing, which starts as a process of its own.
_TRACKER = re.compile(r"from multiprocessing\.resource_tracker import main;main\((\d+)\)")
_MFD_NOEXEC_SEAL = 8  # Linux 6.3
_kept = []  # descriptors: the dynamic linker takes an equal path for the same file


def load(spec):
    """Put the shared object of a module in the place of the module that is being imported.

    Args:
        spec: of that module.

    Raises:
        ImportError: there is none for this Python and machine, or it cannot be loaded.
    """
    from importlib.machinery import ExtensionFileLoader, ModuleSpec  # noqa: PLC0415

    content = _shared(spec)
    try:
        fd = _memory_file(spec.name)
        _kept.append(fd)
        left = memoryview(content)
        while left:
            left = left[os.write(fd, left) :]
    except OSError as error:
        raise ImportError(f"{spec.name}: no file in memory: {error.strerror}") from error
    path = f"/proc/self/fd/{fd}"
    loader = ExtensionFileLoader(spec.name, path)
    module = loader.create_module(ModuleSpec(spec.name, loader, origin=path))
    sys.modules[spec.name] = module
    loader.exec_module(module)


def _memory_file(name):
    """A file in memory that is no program, where the kernel knows such: strict ones ask for it."""
    try:
        return os.memfd_create(name, os.MFD_CLOEXEC | _MFD_NOEXEC_SEAL)
    except OSError:
        return os.memfd_create(name)


def _shared(spec):
    machine = os.uname().machine
    for of in (sys.implementation.cache_tag, "abi3"):
        inside = os.path.join("shared", f"{of}-{machine}", f"{spec.name}.so")
        try:
            return spec.loader.get_data(os.path.join(spec.loader.archive, inside))
        except OSError:
            continue
    raise ImportError(f"{spec.name}: not inside for {sys.implementation.cache_tag} on {machine}")


def run():
    """Be the command, or what multiprocessing has started in its place."""
    sys.frozen = True
    if sys.argv[1:2] == ["--multiprocessing-fork"]:
        from multiprocessing.spawn import freeze_support  # noqa: PLC0415

        freeze_support()
    tracker = _TRACKER.fullmatch(sys.argv[-1]) if sys.argv[-2:-1] == ["-c"] else None
    if tracker:
        from multiprocessing import resource_tracker  # noqa: PLC0415

        resource_tracker.main(int(tracker[1]))
        return
    from oci_layout.cli import start  # noqa: PLC0415

    start.run()


def run_archive():
    """Be the command, out of an archive that a Python has started."""
    try:
        import zstandard  # noqa: PLC0415
    except ImportError as error:
        sys.exit(f"layout: the .pyz does not fit this Python or C library ({error})")
    del zstandard
    from oci_layout.cli import start  # noqa: PLC0415

    start.run()
