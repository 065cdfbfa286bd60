"""Sealed files: used only if a run of this user wrote them, and no bit has changed since.

A seal is the HMAC of a file's name and content, in a file of its own beside. Its key is random and
lies in the same folder, which no one else may write. So a file that was damaged, planted or
renamed is known before anything in it is used.
"""

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from synth.app.folders import hidden_folder
from synth.errors import InputError

__all__ = ["KEY", "Seals", "open_folder"]

KEY = "seal.key"
"""Name of the file that holds the key."""

_KEY_SIZE = 32  # bytes


class Seals(NamedTuple):
    """The sealed files of a folder.

    Attributes:
        folder: where they are.
        key: with which their seals are made.
    """

    folder: Path
    key: bytes

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none, or if its seal is not the right one."""
        with suppress(OSError):
            content, seal = ((self.folder / each).read_bytes() for each in (name, _seal_name(name)))
            if hmac.compare_digest(seal, self._of(name, content)):
                return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file and its seal, if the folder can be written."""
        with suppress(OSError, InputError):
            _write(self.folder / name, content)
            _write(self.folder / _seal_name(name), self._of(name, content))

    def adopt(self, pattern: str) -> None:
        """Seal the files that have no seal yet."""
        for file in self.folder.glob(pattern):
            seal = self.folder / _seal_name(file.name)
            with suppress(OSError, InputError):
                if not seal.exists():
                    file.chmod(0o600)
                    _write(seal, self._of(file.name, file.read_bytes()))

    def purge(self, pattern: str) -> None:
        """Delete the files whose seal is not the right one.

        Raises:
            OSError: if one cannot be deleted.
        """
        for file in self.folder.glob(pattern):
            if self.read(file.name) is None:
                file.unlink(missing_ok=True)
                (self.folder / _seal_name(file.name)).unlink(missing_ok=True)

    def _of(self, name: str, content: bytes) -> bytes:
        # The name's length ends it: no content can pass for a part of another name.
        return hmac.digest(self.key, f"{len(name)} {name} ".encode() + content, "sha256")


def open_folder(folder: Path) -> Seals | None:
    """The sealed files of a folder; it is made if there is none.

    Args:
        folder: of these files alone.

    Returns:
        None if the folder cannot be written, or if anybody else can write it.
    """
    with suppress(OSError, InputError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(folder, 0o022) and os.access(folder, os.W_OK):
            return Seals(folder, _key(folder / KEY))
    return None


def _key(file: Path) -> bytes:
    """The key in a file; a new one if there is none, or if anybody else could have read it."""
    known = file.is_file() and _is_private(file, 0o077) and file.stat().st_size == _KEY_SIZE
    if not known:
        _write(file, secrets.token_bytes(_KEY_SIZE))
    return file.read_bytes()


def _is_private(path: Path, others: int) -> bool:
    """Whether a path is this user's, and none of these permissions of others is set."""
    if os.name == "nt":  # where a user's folders are private, and modes say nothing
        return True
    stat = path.stat()
    return stat.st_uid == os.getuid() and not stat.st_mode & others


def _seal_name(name: str) -> str:
    return f"{name}-seal"


def _write(file: Path, content: bytes) -> None:
    """Write a file that only this user can read, whole or not at all."""
    with hidden_folder(file.parent) as hidden:
        new = hidden / file.name
        new.touch(mode=0o600)
        new.write_bytes(content)
        new.replace(file)
