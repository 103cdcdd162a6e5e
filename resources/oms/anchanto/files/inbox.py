"""Incoming files: taken one at a time, oldest first, and kept unchanged.

    stock/             files wait here; a name that starts with a dot, or ends in .tmp, is not ready
    stock/taking/      the file that is being read; after a crash it is read again
    stock/taken/       files that were read, even if some of their rows were unusable
    stock/failed/      files of which nothing was used, each with a .reason.txt beside it

A file is claimed by renaming it, so a new file of the same name is a file of its own. Only one
process takes files at a time. Reading a file again changes nothing (``state.py``).
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from domain.errors import PermanentError, TransientError
from resources.oms.anchanto.files.settings import AnchantoExchange

SUFFIXES = (".csv", ".xlsx")
UNFINISHED = (".", "~$")
"""How names of files start that some program still writes or has open."""
TAKING, TAKEN, FAILED = "taking", "taken", "failed"
LOCK = ".lock"
LONGEST_NAME, LONGEST_FAULT = 80, 300
Take: TypeAlias = Callable[[Path], str]
"""Reads a file and keeps what it says; returns why it can't be used, empty if it was."""


class Inbox:
    """The incoming files of one kind, such as stock."""

    def __init__(self, exchange: AnchantoExchange, kind: str) -> None:
        self.folder = exchange.folder / kind
        self._settle, self._root = exchange.settle.total_seconds(), exchange.folder

    def waiting(self) -> list[Path]:
        """Return the files that are ready, the oldest first. Raises ``PermanentError``."""
        latest = time.time() - self._settle
        try:
            found = [
                (status.st_mtime_ns, path.name, path)
                for path in self.folder.iterdir()
                # Of the change's two times this one is the machine's own, whatever wrote the file.
                if is_ready(path) and (status := path.stat()).st_ctime <= latest
            ]
        except FileNotFoundError as error:
            if self.folder.is_dir():  # someone has taken a file back: the next look shows the rest
                raise TransientError(f"{self.folder.name} has changed while it was read") from error
            raise _unusable(self.folder, error) from error
        except OSError as error:
            raise _unusable(self.folder, error) from error
        return [path for _, _, path in sorted(found)]

    def take_all(self, take: Take) -> None:
        """Take each file that is ready. Raises ``PermanentError`` if one can't be moved."""
        if not self.waiting() and not any(self._left()):
            return
        with self._locked():
            try:
                for file in sorted(self._left(), key=_age):
                    self._finish(file, take(file))
                for path in self.waiting():
                    file = self._claim(path)
                    self._finish(file, take(file))
            except OSError as error:
                raise _unusable(self.folder, error) from error

    def _left(self) -> Iterator[Path]:
        """Yield files that were claimed, and whose process has died."""
        folder = self.folder / TAKING
        return (
            (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else iter(())
        )

    def _claim(self, path: Path) -> Path:
        target = self.folder / TAKING / path.name
        target.parent.mkdir(exist_ok=True)
        return path.rename(target)

    def _finish(self, file: Path, fault: str) -> None:
        folder = self.folder / (FAILED if fault else TAKEN)
        folder.mkdir(exist_ok=True)
        place = free_name(folder, file.name)
        if fault:
            (folder / f"{place.name}.reason.txt").write_text(f"{fault}\n", encoding="utf-8")
        file.rename(place)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = (self._root / LOCK).open("a")
        except OSError as error:
            raise _unusable(self._root, error) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)  # closing it unlocks it
            yield


def is_ready(path: Path) -> bool:
    """Return whether a name is that of a file to take."""
    is_finished = not path.name.startswith(UNFINISHED)
    return is_finished and path.suffix.lower() in SUFFIXES and path.is_file()


def place_in(file: Path, line: int, digest: str, fault: str) -> dict[str, object]:
    """Return where a row stands, and what is wrong with it, as it is kept with the row.

    A name may hold what no text can.
    """
    name = "".join(char if char.isprintable() else "?" for char in file.name)[:LONGEST_NAME]
    place: dict[str, object] = {"file": name, "line": line, "file_digest": digest}
    return {**place, "fault": fault[:LONGEST_FAULT]} if fault else place


def free_name(folder: Path, name: str) -> Path:
    """Return a path in a folder that no file has, nor its reason."""
    place, number = folder / name, 1
    while place.exists() or (folder / f"{place.name}.reason.txt").exists():
        number += 1
        place = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return place


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _unusable(folder: Path, error: OSError) -> PermanentError:
    return PermanentError(
        f"The folder {folder.name} of oms.exchange.folder can't be used: {error.strerror}; check "
        "that it exists, and that Lockstep may write to it"
    )
