"""The table of codes, held against the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.connections import Connection
from domain.rejection_codes import CLASSES, CODES, could_fix, entry_of
from resources.oms.manhattan.settings import ManhattanSettings
from resources.platforms.bigcommerce.settings import BigCommerceSettings

ROOT = Path(__file__).resolve().parents[2]
TAKERS = {"Problem": 0, "reject": 0, "warn": 0, "_rejected": 0, "accept": 1}
"""Who takes a code, and in which place."""
PASSED_ON = {
    ("domain/schemas/batch.py", "code"),
    ("domain/schemas/orders.py", "p.code"),
    ("domain/addressing/addresses.py", "code"),
    ("resources/oms/manhattan/client.py", "problem_code(message.code)"),
    ("resources/oms/manhattan/payload.py", "code"),
    ("resources/platforms/bigcommerce/parsing.py", "code"),
    ("resources/platforms/bigcommerce/orders/consignments.py", "problem.code"),
    ("resources/platforms/bigcommerce/shipments.py", "code"),
}
"""Where a code is not written but passed on; its origin is found by itself."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Parse every module that can reject a record, but the table itself."""
    for top in ("domain", "resources", "assets"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if file.name != "rejection_codes.py":
                yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text("utf-8"))


def code_of(call: ast.Call) -> ast.expr | None:
    """Return the code that a call hands over, if it is a call that takes one."""
    name = (
        call.func.id
        if isinstance(call.func, ast.Name)
        else call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ""
    )
    if name not in TAKERS:
        return None
    by_name = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    return by_name or (call.args[TAKERS[name]] if len(call.args) > TAKERS[name] else None)


def test_every_code_in_the_sources_has_its_line_in_the_table() -> None:
    """A record is never rejected for something that nobody can look up."""
    used: dict[str, str] = {}
    passed_on: set[tuple[str, str]] = set()
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (code := code_of(node)) is not None:
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    used[code.value] = file
                elif file not in (
                    "assets/pipeline/validate.py",
                    "sensors/changes.py",
                ):  # its reject() takes a capture
                    passed_on.add((file, ast.unparse(code)))
            if (
                isinstance(node, ast.AnnAssign)
                and ast.unparse(node.target) == "RULES"
                and isinstance(node.value, ast.Dict)
            ):
                used |= {
                    str(ast.literal_eval(key)): file for key in node.value.keys if key is not None
                }
    assert {code: file for code, file in used.items() if code not in CODES} == {}
    assert passed_on <= PASSED_ON, (
        "a code that is computed needs a look: can each of its values be found in the table?"
    )


def test_no_line_of_the_table_is_unused() -> None:
    """What can no longer happen is taken out of the table."""
    texts = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(CODES.keys() - texts) == []


def test_every_line_says_its_rule_in_one_sentence() -> None:
    """Operators read them next to the record."""
    for code, entry in CODES.items():
        assert entry.category in CLASSES, code
        assert entry.rule[0].isupper(), code
        assert entry.rule.endswith("."), code
        assert len(entry.rule) <= 90, code


def test_every_setting_in_the_table_exists() -> None:
    """A setting that was renamed would silently re-open nothing any more."""
    systems = {"platform": BigCommerceSettings, "oms": ManhattanSettings}
    for code, entry in CODES.items():
        for path in entry.fixed_by:
            section, _, name = path.partition(".")
            model = systems.get(section) or Connection.model_fields[section].annotation
            assert not name or name in model.model_fields, f"{code}: {path}"  # type: ignore[union-attr]


def test_the_omss_own_codes_are_its_business_rules() -> None:
    """They can't be listed: each tenant has others."""
    assert entry_of("oms_invalid_location").category == "business_rule"


@pytest.mark.parametrize(
    ("code", "changed", "mended"),
    [
        ("shipping_method_unknown", "orders.shipping_methods", True),
        ("shipping_method_unknown", "orders.uom", False),
        ("oms_anything", "orders.uom", True),
        ("oms_payload_unreadable", "oms.names", True),
        ("total_mismatch", "orders.uom", False),
    ],
)
def test_a_changed_setting_mends_only_what_depends_on_it(
    code: str, changed: str, mended: bool
) -> None:
    """A rerun of everything for each changed word would be no help."""
    assert could_fix(code, frozenset({changed})) is mended


def test_the_documented_table_is_the_table() -> None:
    """docs/rejections.md shows every code as it is here: replace its table by the lines of ``documented`` where this fails."""
    text = (ROOT / "docs" / "rejections.md").read_text("utf-8")
    shown = [line for line in text.splitlines() if line.startswith("| `")]
    assert [line for line in shown if line.split("`")[1] in CODES] == documented()


def documented() -> list[str]:
    """Return the table's lines, by class and code."""
    ordered = sorted(CODES.items(), key=lambda item: (CLASSES.index(item[1].category), item[0]))
    return [
        f"| `{code}` | {e.category} | {e.rule} | {', '.join(f'`{name}`' for name in e.fixed_by) or '-'} |"
        for code, e in ordered
    ]
