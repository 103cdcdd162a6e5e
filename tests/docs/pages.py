"""The documentation's pages, and what they quote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "benchmarks" / "README.md",
        *(ROOT / "resources").rglob("README.md"),
    }
)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def name_of(page: Path) -> str:
    """Return a page's path from the project's root."""
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    """Return the relative links of a page, images included."""
    text = INLINE_CODE.sub("", FENCE.sub("", page.read_text()))
    return [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def quoted_commands(page: Path, program: str) -> Iterator[str]:
    """Yield the commands of a program in a page's code, without trailing comments."""
    text = page.read_text()
    lines = [line for block in FENCE.findall(text) for line in block.split("\n")[1:-1]]
    for code in [*lines, *INLINE_CODE.findall(FENCE.sub("", text))]:
        command = re.sub(r"\s+#.*", "", code.strip()).removeprefix(".venv/bin/")
        if command.startswith(f"{program} "):
            yield command
