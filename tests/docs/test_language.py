"""Words that were replaced stay out of code, messages and documentation (docs/glossary.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of

FOLDERS = (
    "domain",
    "resources",
    "assets",
    "sensors",
    "orchestration",
    "sandbox",
    "benchmarks",
    "tests",
)

REPLACED = {
    "begun": "begun",
    "blanks": "blanks",
    "course": "courses?",
    "dear": "dear",
    "desk": "desks?",
    "heal": "heal(?:s|ed|ing)?",
    "judge": "judg(?:es?|ed|ing)",
    "lights": "lights",
    "mend": "mend(?:s|ed|ing)?",
    "nobody": "nobody",
    "overtaken": "overtaken",
    "sighting": "sightings?",
    "somebody": "somebody",
    "tell": "tell(?:s|ing)?",
    "told": "told",
    "uncollected": "uncollected",
    "verdict": "verdicts?",
    "whoever": "whoever",
}
"""The words, as docs/glossary.md lists them, and their forms."""
WORDS = re.compile("|".join(REPLACED.values()))
PHRASES = re.compile(
    r"\bst(?:and|ands|ood|anding) still\b"
    r"|\b(?:order|line|item) says\b"
    r"|(?<!written )\bby 'lockstep\b"
    r"|\b(?:its|the|their|our|by|of) present (?:state|settings?|rules|versions?|status|one)\b",
    re.IGNORECASE,
)
SUSPECT = re.compile(f"{WORDS.pattern}|{PHRASES.pattern}", re.IGNORECASE)
"""Phrases that came back: an order has a total and says nothing; a command is run with ...; what
holds now is current."""

ALLOWED = (
    # The ledger's schema: columns and stored values, which only a migration could rename.
    re.compile(r"\b(?:can_heal|healed_by|healing_since)\b"),
    re.compile(r"""['"]heal(?:ing|ed)?['"]"""),
)
"""Names that are not ours to choose; the words are looked for in what is left of a line."""

SEEN_AS_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Words within names, too: ``was_begun`` and ``ReportVerdict``."""


def _sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            # A migration that has run is never edited, and this module lists the words.
            is_source = path.suffix in (".py", ".sql") and "migrations" not in path.parts
            if is_source and path != Path(__file__):
                yield path
    # The glossary lists the words, and the changelog describes the past.
    yield from (page for page in PAGES if page.name not in ("glossary.md", "CHANGELOG.md"))
    yield from (ROOT / name for name in ("Makefile", "pyproject.toml", "dagster.yaml"))
    yield ROOT / "docs" / "connections.example.yaml"


def _found(path: Path) -> list[str]:
    whole = path.read_text()
    # Few lines have one of the words at all, which a single pass over the file finds.
    starts = [match.start() for match in SUSPECT.finditer(whole)]
    numbers = sorted({whole.count("\n", 0, start) + 1 for start in starts})
    lines = whole.split("\n") if numbers else []
    found = []
    for number in numbers:
        text = lines[number - 1]
        for pattern in ALLOWED:
            text = pattern.sub("", text)
        words = {word.lower() for word in SEEN_AS_WORD.findall(text)}
        words = {word for word in words if WORDS.fullmatch(word)}
        words |= {phrase.lower() for phrase in PHRASES.findall(text)}
        found += [f"line {number}: {word}" for word in sorted(words)]
    return found


@pytest.mark.parametrize("folder", [*FOLDERS, "docs"])
def test_replaced_words_do_not_come_back(folder: str) -> None:
    """docs/glossary.md names the word to use instead."""
    files = [
        path
        for path in _sources()
        if (path.relative_to(ROOT).parts[0] if path.suffix in (".py", ".sql") else "docs") == folder
    ]
    assert files
    assert [f"{name_of(path)} {found}" for path in files for found in _found(path)] == []


def test_the_scan_finds_words_in_names_and_sentences(tmp_path: Path) -> None:
    """Whole words are found in any case; parts of longer words and schema names are not."""
    file = tmp_path / "sample.py"
    file.write_text(
        "was_begun = Verdict()  # It stands still.\n"
        "text = 'The order says 5. Approve it ' + \"by 'lockstep rejections retry'\"\n"
        "of_course = healthy + recourse + intelligible\n"
        "row['can_heal'] = 'healing'\n"
        "# The present state, without blanks; at present.\n"
    )
    assert _found(file) == [
        "line 1: begun",
        "line 1: stands still",
        "line 1: verdict",
        "line 2: by 'lockstep",
        "line 2: order says",
        "line 3: course",
        "line 5: blanks",
        "line 5: the present state",
    ]


def test_the_glossary_names_a_better_word_for_each() -> None:
    """A failing test leads to the word to use."""
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    rows = glossary[glossary.index("| do not use |") :].split("\n")[2:]
    listed = {word for row in rows for word in re.findall(r"[a-z]+", row.partition(" | ")[0])}
    assert set(REPLACED) <= listed
