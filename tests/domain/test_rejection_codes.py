"""The table of codes agrees with the sources and the documentation."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from domain.connections import Connection
from domain.rejection_codes.codes import CODES, TABLES, could_fix, entry_of
from domain.rejection_codes.entry import CLASSES
from resources.oms.manhattan.settings import ManhattanSettings
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.commercetools.settings import CommercetoolsSettings

ROOT = Path(__file__).resolve().parents[2]
CODE_POSITIONS = {
    "Problem": 0,
    "reject": 0,
    "warn": 0,
    "missing": 0,
    "_rejected": 0,
    "rejection_of": 0,
    "refuse": 1,
    "_field_missing": 0,
    "accept": 1,
}
"""Functions that take a code -> the position of that argument."""
PASSED_THROUGH = {
    ("assets/delivery/adoption.py", "self._code"),  # order_adopted, customer_adopted
    ("assets/delivery/links.py", "SENT_ELSEWHERE"),
    ("assets/streams/actions/outcome.py", "REUSED"),
    ("assets/streams/inventory/delivery.py", "LOCATION_UNKNOWN"),
    ("domain/schemas/batch.py", "code"),
    ("domain/schemas/orders.py", "problem.code"),
    ("domain/addressing/addresses.py", "code"),
    ("resources/oms/extensiv/client.py", "code"),
    ("resources/oms/manhattan/client.py", "problem_code(message.code)"),
    ("resources/oms/manhattan/parsing.py", "code"),
    ("domain/parsing/problems.py", "code"),
    ("domain/parsing/payload.py", "code"),
    ("resources/platforms/bigcommerce/client.py", "code"),
    ("resources/platforms/commercetools/client.py", "code"),
    ("resources/platforms/salesforce/client.py", "code"),
    ("resources/platforms/salesforce/composite.py", "code"),
    ("resources/platforms/salesforce/parts.py", "code"),
    ("resources/platforms/commercetools/shipments/order.py", "code"),
    ("resources/platforms/commercetools/shipments/writer.py", "code"),
    ("resources/platforms/bigcommerce/shipments/writer.py", "code"),
}
"""Calls whose code is a variable; the literal that it comes from is found elsewhere."""


@cache
def trees() -> list[tuple[str, ast.Module]]:
    """Parse every module that can reject a record, except the tables themselves."""
    return [
        (file.relative_to(ROOT).as_posix(), ast.parse(file.read_text("utf-8")))
        for top in ("domain", "resources", "assets")
        for file in sorted((ROOT / top).rglob("*.py"))
        if file.parent != ROOT / "domain" / "rejection_codes"
    ]


def code_of(call: ast.Call) -> ast.expr | None:
    """Return the code argument of a call, if the call takes one."""
    name = (
        call.func.id
        if isinstance(call.func, ast.Name)
        else call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ""
    )
    if name not in CODE_POSITIONS:
        return None
    by_name = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    return by_name or (
        call.args[CODE_POSITIONS[name]] if len(call.args) > CODE_POSITIONS[name] else None
    )


def constants_of(tree: ast.Module) -> dict[str, ast.Constant]:
    """Return the module's constants by name."""
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def test_every_code_in_the_sources_has_its_line_in_the_table() -> None:
    """A record is never rejected with a code that can't be looked up."""
    used: dict[str, str] = {}
    passed_on: set[tuple[str, str]] = set()
    for file, tree in trees():
        constants = constants_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (code := code_of(node)) is not None:
                code = constants.get(ast.unparse(code), code)
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    used[code.value] = file
                elif file not in (
                    "assets/delivery/conclusions.py",
                    "assets/delivery/settlement.py",
                    "assets/pipeline/validate.py",
                    "sensors/changes.py",
                ):  # their calls take a plan, a day or a capture
                    passed_on.add((file, ast.unparse(code)))
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.target.id == "RULES"
                and isinstance(node.value, ast.Dict)
            ):
                used |= {
                    str(ast.literal_eval(key)): file for key in node.value.keys if key is not None
                }
    assert {code: file for code, file in used.items() if code not in CODES} == {}
    assert passed_on <= PASSED_THROUGH, (
        "check that each possible value of a computed code is in the table"
    )


def test_each_code_is_in_one_table() -> None:
    """The second of two entries would replace the first without a word."""
    assert sum(len(table) for table in TABLES) == len(CODES)


def test_no_line_of_the_table_is_unused() -> None:
    """A code that is no longer used is removed from the table."""
    texts = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(CODES.keys() - texts) == []


def test_every_line_says_its_rule_in_one_sentence() -> None:
    """Operators read the rules next to the record."""
    for code, entry in CODES.items():
        assert entry.category in CLASSES, code
        assert entry.rule[0].isupper(), code
        assert entry.rule.endswith("."), code
        assert len(entry.rule) <= 90, code


def test_every_setting_in_the_table_exists() -> None:
    """After a rename, a change of the setting would silently reopen nothing."""
    systems = {
        "platform": (BigCommerceSettings, CommercetoolsSettings),
        "oms": (ManhattanSettings,),
    }
    for code, entry in CODES.items():
        for path in entry.fixed_by:
            section, _, name = path.partition(".")
            models = systems.get(section) or (Connection.model_fields[section].annotation,)
            fields = {field for model in models for field in getattr(model, "model_fields", {})}
            assert not name or name in fields, f"{code}: {path}"


def test_the_omss_own_codes_are_its_business_rules() -> None:
    """They can't be listed, since they differ between tenants."""
    assert entry_of("oms_invalid_location").category == "business_rule"


@pytest.mark.parametrize(
    ("code", "changed", "fixes"),
    [
        ("shipping_method_unknown", "orders.shipping_methods", True),
        ("shipping_method_unknown", "orders.uom", False),
        ("oms_anything", "orders.uom", True),
        ("oms_payload_unreadable", "oms.names", True),
        ("total_mismatch", "orders.uom", False),
    ],
)
def test_a_changed_setting_fixes_only_what_depends_on_it(
    code: str, changed: str, fixes: bool
) -> None:
    """Otherwise each change would rerun everything."""
    assert could_fix(code, frozenset({changed})) is fixes


def test_the_documented_table_is_the_table() -> None:
    """If this fails, replace the table in docs/rejections.md with the lines of ``documented``."""
    text = (ROOT / "docs" / "rejections.md").read_text("utf-8")
    shown = [line for line in text.splitlines() if line.startswith("| `")]
    assert [line for line in shown if line.split("`")[1] in CODES] == documented()


def documented() -> list[str]:
    """Return the lines of the table, by class and code."""
    ordered = sorted(CODES.items(), key=lambda item: (CLASSES.index(item[1].category), item[0]))
    lines = []
    for code, entry in ordered:
        settings = ", ".join(f"`{name}`" for name in entry.fixed_by) or "-"
        lines.append(f"| `{code}` | {entry.category} | {entry.rule} | {settings} |")
    return lines
