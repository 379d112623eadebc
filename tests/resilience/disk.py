"""A small file system that can be filled."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20  # bytes


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A tmpfs of `size` MiB below `folder`. Raises CalledProcessError where it cannot be mounted, which takes root."""
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=711", "payments", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """Takes all the space that is left. Returns the file that holds it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for block in (bytes(_BLOCK), bytes(512)):
            with contextlib.suppress(OSError):  # the disk is full, as it should be
                while os.statvfs(place).f_bavail:
                    file.write(block)
    return filler
