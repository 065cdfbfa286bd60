"""Folders that are written whole or not at all, and errors that say which folder it was."""

import errno
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from synth.errors import InputError

__all__ = ["check_folder", "hidden_folder", "publish"]

_UNWRITABLE = (
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


def check_folder(folder: Path) -> None:
    """Make sure that a folder can be written, or made; nothing is left behind.

    Raises:
        InputError: if it cannot.
    """
    with _explained(folder):
        nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryDirectory(dir=nearest, prefix="."):
            pass


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder to write in, gone at the end, with all that was made for it on failure.

    Args:
        parent: folder in which it lies; it is made if there is none.

    Yields:
        The hidden folder; what is to stay must be moved out of it, or renamed with it.

    Raises:
        InputError: if the folder cannot be written.
    """
    made = [path for path in (parent, *parent.parents) if not path.exists()]
    hidden = parent / f".{secrets.token_hex(8)}"
    try:
        with _explained(parent):
            hidden.mkdir(parents=True)
            yield hidden
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
    shutil.rmtree(hidden, ignore_errors=True)


def publish(hidden: Path, folder: Path) -> Path:
    """Rename to the final name and the time; a second run in the same second gets a number.

    Args:
        hidden: folder to be renamed, from ``hidden_folder``.
        folder: its name-to-be, to which ``-<time>`` is appended.

    Returns:
        The name that it got.
    """
    folder = folder.with_name(f"{folder.name}-{datetime.now():%Y%m%d-%H%M%S}")
    for attempt in range(1, 100):
        final = folder if attempt == 1 else folder.with_name(f"{folder.name}-{attempt}")
        if final.exists():
            continue
        try:
            return hidden.rename(final)
        except OSError as error:  # another run may have taken the name in between
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    raise FileExistsError(f"{folder} and 99 numbered ones exist.")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say in a sentence that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        reason = error.strerror or str(error)
        raise InputError(
            f"The folder {folder} cannot be written ({reason}): choose another."
        ) from error
