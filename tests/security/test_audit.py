"""What Lockstep is built from: every file of a pinned version has a hash, no line names an index, and all licences can be shipped."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest

from orchestration.audit import LOCKS, judged, licence_faults, licence_of, lock_faults

ROOT = Path(__file__).resolve().parents[2]
HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    """Pip refuses a file whose hash is not in the lock, so what is installed is what was reviewed."""
    text = (ROOT / name).read_text("utf-8")
    assert text.count("==") > 50
    assert list(lock_faults(text)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("idna==3.6\n", "has no hash: idna==3.6"),
        (f"idna>=3.6 \\\n    {HASH}\n", "is not pinned: idna>=3.6"),
        (
            f"--index-url https://example.com/simple\nidna==3.6 \\\n    {HASH}\n",
            "names where to fetch from: --index-url",
        ),
        (
            f"idna @ https://example.com/idna.whl \\\n    {HASH}\n",
            "names where to fetch from: idna @",
        ),
    ],
)
def test_a_faulty_lock_is_found(text: str, fault: str) -> None:
    """A requirement without hash or pin, or one from a named place, would be installed unseen."""
    [found] = lock_faults(text)
    assert found.startswith(fault)


def test_all_installed_licences_can_be_shipped() -> None:
    """Permissive or weak copyleft: nothing that binds the product, and nothing without a licence."""
    assert list(licence_faults()) == []
    assert "Apache" in licence_of(distribution("dagster"))


def test_an_audit_that_could_look_nothing_up_is_no_clean_bill() -> None:
    """pip-audit skips what its database does not answer for, and calls all well."""
    skipped = {"name": "idna", "skip_reason": "Dependency not found on PyPI"}
    flawed = {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60"}]}
    assert judged({"dependencies": [skipped]})[0].startswith("not run")
    assert judged({"dependencies": [skipped, flawed]}) == (
        "checked but for 1 packages",
        ["idna 3.6: PYSEC-2024-60"],
    )
    assert judged({"dependencies": [flawed | {"vulns": []}]}) == ("checked", [])
