"""The lock files: every requirement is pinned and hashed, and no line names an index or a host."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from orchestration.settings import project_root

LOCKS = tuple(f"requirements/{name}.txt" for name in ("lock", "dev-lock", "bench-lock"))
PINNED = re.compile(r"^[\w.-]+(\[[\w,.-]+\])?==(?P<version>[^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
EXAMPLE_HASH = "--hash=sha256:" + "0" * 64


def errors(text: str) -> Iterator[str]:
    """Return what is wrong with a lock file."""
    without_comments = re.sub(r"^\s*#.*\n?", "", text, flags=re.MULTILINE).strip()
    for entry in re.split(r"\n(?=\S)", without_comments):
        first_line = entry.partition("\n")[0]
        if entry.startswith("-") or "://" in entry or " @ " in entry:
            yield f"names where to fetch from: {first_line}"
        elif not PINNED.match(entry):
            yield f"is not pinned: {first_line}"
        elif not HASH.search(entry):
            yield f"has no hash: {first_line}"


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    """Pip refuses a file whose hash is not in the lock: what is installed is what was reviewed."""
    text = (project_root() / name).read_text("utf-8")
    assert text.count("==") > 20
    assert list(errors(text)) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("idna==3.6", "has no hash: idna==3.6"),
        (f"idna>=3.6 \\\n    {EXAMPLE_HASH}", "is not pinned: idna>=3.6"),
        (
            f"--index-url https://example.com/simple\nidna==3.6 \\\n    {EXAMPLE_HASH}",
            "names where to fetch from: --index-url",
        ),
        (
            f"idna @ https://example.com/idna.whl \\\n    {EXAMPLE_HASH}",
            "names where to fetch from: idna @",
        ),
    ],
)
def test_an_unsafe_lock_is_reported(text: str, error: str) -> None:
    """A requirement without pin or hash, or from a given URL, would be installed unreviewed."""
    [found] = errors(text)
    assert found.startswith(error)
