"""``python -m tests.chaos.archiver URL FOLDER DAY BYTES``: archives with limited file sizes."""

from __future__ import annotations

import resource
import signal
import sys
from datetime import date
from pathlib import Path

import psycopg

from assets.archive import archive_day
from domain.errors import TransientError

FULL = 3


def main() -> int:
    """Archive, or say why not."""
    url, folder, day, limit = sys.argv[1:]
    if int(limit):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        with psycopg.connect(url, autocommit=True) as db:
            archive_day(db, Path(folder), date.fromisoformat(day))
    except TransientError:
        return FULL
    return 0


if __name__ == "__main__":
    sys.exit(main())
