"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from shoal.errors import InvalidOptionError


def require_writable(option: str, path: str) -> None:
    """Refuse before the work is done what could not be written after it.

    Raises:
        InvalidOptionError: the path is a folder, or lies in none.
    """
    if Path(path).is_dir():
        raise InvalidOptionError(f"{option} {path}: this is a folder; give the name of a file")
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise InvalidOptionError(f"{option} {path}: there is no folder {folder}")
