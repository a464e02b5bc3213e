"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from shoal.errors import InvalidInputError


def write_file(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside its place and move it there, so that nothing half-written is left.

    What is no ordinary file, such as ``/dev/stdout``, is written to as it is.

    Args:
        path: where it is to be; what is there already stays until the new file is whole.
        write: writes the content into a file that is open for bytes.

    Raises:
        InvalidInputError: it cannot be written, for one because the disk is full.
    """
    try:
        place = Path(path).resolve()
        if place.exists() and not place.is_file():
            with place.open("wb") as file:
                write(file)
            return
        _write_beside(place, write)
    except (OSError, ValueError) as error:  # names may hold what no file system can
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"cannot write {str(path)!r}: {reason}") from error


def _write_beside(place: Path, write: Callable[[IO[bytes]], object]) -> None:
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with beside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, beside)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def write_folder(path: str | Path, fill: Callable[[Path], object], overwrite: bool = False) -> Path:
    """Fill a folder beside its place and move it there, so that nothing half-written is left.

    Args:
        path: where it is to be.
        fill: writes files into a folder.
        overwrite: whether what is there may be replaced; an empty folder always is.

    Returns:
        The folder.

    Raises:
        InvalidInputError: there is something already, or it cannot be written.
    """
    try:
        place = Path(path).resolve()
        taken = place.exists() and (not place.is_dir() or any(place.iterdir()))
        if taken and (not overwrite or not place.is_dir()):
            raise InvalidInputError(
                f"{str(path)!r} is there already; give another folder, or say that it may be "
                "overwritten"
                if place.is_dir()
                else f"{str(path)!r} is a file; give a folder"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
            made, old = Path(beside) / "new", Path(beside) / "old"
            made.mkdir()
            fill(made)
            if place.exists():
                place.rename(old)
            made.rename(place)
    except InvalidInputError:
        raise
    except (OSError, ValueError) as error:  # names may hold what no file system can
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"cannot write {str(path)!r}: {reason}") from error
    return place


def write_text(path: str | Path, text: str) -> None:
    """The same for a text, in UTF-8."""
    write_file(path, lambda file: file.write(text.encode("utf-8", "surrogateescape")))
