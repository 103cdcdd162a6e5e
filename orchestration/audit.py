"""``python -m orchestration.audit``: checks what Lockstep is built from, offline, and by an advisory database where one can be reached.

Offline: every requirement of the lock files is pinned and hashed and no line names an index or a host; every installed distribution has a
licence that a company can ship. Online: ``pip-audit``, where it is installed; a company's CI has it, a closed network may not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from shutil import which
from typing import Any

LOCKS = ("requirements/lock.txt", "requirements/dev-lock.txt")
TIMEOUT = 120.0
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[[A-Za-z0-9,._-]+\])?==(?P<version>[^\s;\\]+)\s*(;[^\\]*)?(?P<rest>.*)$",
    re.DOTALL,
)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_GOOD = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|LGPL|Lesser General Public|Unlicense|Zope Public|ZPL"
    r"|CC0|Public Domain|Zlib|HPND|PostgreSQL|CNRI|BlueOak)",
    re.IGNORECASE,
)
"""Permissive licences, and the weak copyleft ones, whose duties end at the library itself."""
_BAD = re.compile(
    r"\b(AGPL|Affero|SSPL|Server Side Public|BUSL|Commons Clause|(?<!L)GPL|(?<!Lesser )General Public License)",
    re.IGNORECASE,
)


def lock_faults(text: str) -> Iterator[str]:
    """Return what is wrong with a lock file: a requirement without pin or hash, or a line that names where to fetch from."""
    for entry in re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", text, flags=re.MULTILINE).strip()):
        line = entry.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("-") or "://" in line or " @ " in line:
            yield f"names where to fetch from: {line.splitlines()[0][:80]}"
            continue
        match = _PINNED.match(line)
        if match is None:
            yield f"is not pinned: {line.splitlines()[0][:80]}"
        elif not _HASH.search(line):
            yield f"has no hash: {match['name']}=={match['version']}"


def licence_of(distribution: Distribution) -> str:
    """Return what a distribution says of its licence: its expression, else its classifiers, else the field's first line."""
    metadata: Any = distribution.metadata  # a message, of which the type shows only a part
    classifiers = [
        line.rpartition("::")[2].strip()
        for line in metadata.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    stated = str(metadata.get("License") or "").strip().splitlines()
    texts = [
        str(metadata.get("License-Expression") or ""),
        " or ".join(classifiers),
        stated[0] if stated else "",
    ]
    return next((text for text in texts if text and text != "OSI Approved"), "")


def licence_faults() -> Iterator[str]:
    """Return the installed distributions whose licence is missing, unknown, or binds what is built with them."""
    for distribution in distributions():
        name, licence = str(distribution.metadata["Name"]), licence_of(distribution)
        if name == "lockstep":
            continue
        if not _GOOD.search(licence):
            yield f"{name} {distribution.version}: licence {licence or 'not stated'}"
        elif _BAD.search(licence) and " or " not in licence.lower():
            yield f"{name} {distribution.version}: licence {licence}"


def advisories(lock: Path) -> tuple[str, list[str]]:
    """Ask the advisory database about a lock file; return ``checked`` or ``not run: why``, and the findings."""
    program = which("pip-audit")
    if program is None:
        return "not run: pip-audit is not installed", []
    command = [
        program,
        "-r",
        str(lock),
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--format",
        "json",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)  # noqa: S603 - our own arguments
        return judged(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return f"not run: no answer within {TIMEOUT:.0f} s", []
    except json.JSONDecodeError:
        return (
            f"not run: {(done.stderr.strip().splitlines() or ['pip-audit said nothing'])[-1][:200]}",
            [],
        )


def judged(report: dict[str, Any]) -> tuple[str, list[str]]:
    """Return what a report of pip-audit says: it calls all well although it could look nothing up, where the database is out of reach."""
    entries = report.get("dependencies") or []
    skipped = [entry for entry in entries if "skip_reason" in entry]
    if len(skipped) == len(entries):
        return (
            "not run: the advisory database knows none of the packages, so it can't be reached from here",
            [],
        )
    found = [
        f"{entry['name']} {entry['version']}: {flaw['id']}"
        for entry in entries
        for flaw in entry.get("vulns") or ()
    ]
    return ("checked" if not skipped else f"checked but for {len(skipped)} packages"), found


def main() -> int:
    """Print what was checked; return 1 where something is wrong, 0 where nothing is or where it could not be asked."""
    root = Path(__file__).resolve().parents[1]
    faults: list[str] = []
    for name in LOCKS:
        found = [f"{name} {fault}" for fault in lock_faults((root / name).read_text("utf-8"))]
        told, vulnerable = advisories(root / name)
        faults += found + [f"{name}: {line}" for line in vulnerable]
        sys.stdout.write(
            f"{name}: {len(found)} faults; advisories {told}, {len(vulnerable)} found\n"
        )
    licences = list(licence_faults())
    faults += licences
    sys.stdout.write(
        f"licences of {len(list(distributions()))} installed distributions: {len(licences)} to look at\n"
    )
    sys.stdout.writelines(f"  {fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
