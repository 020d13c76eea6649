"""Files that are the operator's own: nobody who starts the process, nor the process itself if it is
not root's, can have put them where they are.

Whose a file is says too little. The path is the caller's: behind it can be a file of ``/proc``,
which shows as root's what any process has written there, or one in a folder where everybody puts
theirs. So all of the path counts, as it is without links.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Union

from ._shown import plain

AnyPath = Union[str, "os.PathLike[str]"]


def read(path: AnyPath, limit: int) -> bytes:
    """The bytes of a file that root alone can have written, at most ``limit`` of them. Raises
    ``OSError`` or ``ValueError`` with the reason why it is none."""
    real = _real(path)
    # A pipe would be waited for, before anybody can see that it is one.
    file = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(file, "rb") as stream:
        found = os.fstat(file)
        _require_file(found)
        if found.st_size > limit:
            raise ValueError(f"it has more than {limit} bytes")
        data = stream.read(limit + 1)
    if len(data) != found.st_size:
        raise ValueError("it has another number of bytes than its file system says")
    return data


def program(path: AnyPath) -> str:
    """The real path of a program that root alone can have put there. Raises as ``read`` does."""
    if not os.path.isabs(path):
        raise ValueError("it is no absolute path")
    real = _real(path)
    _require_file(os.stat(real, follow_symlinks=False))
    if not os.access(real, os.X_OK):
        raise ValueError("it is no program that this process may run")
    return str(real)


def _real(path: AnyPath) -> Path:
    """The path without links, every folder of which is root's."""
    if not hasattr(os, "geteuid"):
        raise ValueError("nobody can tell on this system that it is the operator's own")
    try:
        real = Path(path).resolve(strict=True)
    except RuntimeError:
        raise ValueError("its links lead in a circle") from None
    # From the root on: where one folder is root's alone, nobody else changes the name of the next.
    for folder in reversed(real.parents):
        found = os.stat(folder, follow_symlinks=False)
        _require_roots(f"the folder {plain(str(folder))}", found)
    return real


def _require_file(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no regular file")
    _require_roots("it", found)
    # That of a process in /proc has no size, and as much in it as the process likes.
    if found.st_size == 0:
        raise ValueError("it is empty")


def _require_roots(what: str, found: os.stat_result) -> None:
    if found.st_uid != 0:
        raise ValueError(f"{what} does not belong to root")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError(f"{what} can be written by others than root")
