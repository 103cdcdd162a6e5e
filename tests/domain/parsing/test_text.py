"""Clean text: invisible characters are removed, the spelling stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.parsing.text import (
    clean_name,
    clean_parts,
    clean_text,
    has_controls,
    mask_digits,
    mask_email,
    mask_emails,
    printable,
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  Jane \t Doe\r\n", "Jane Doe"),
        ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("a\x00b\x07", "ab"),
        ("\u202eevil\u202c \u200fx\u2066y\u2069", "evil xy"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("no\u00a0break", "no break"),
        (
            "\U0001f469\u200d\U0001f469\u200d\U0001f467",
            "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        ),
        ("Lat\u200din", "Latin"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("lone\ud800", "lone"),
        ("", ""),
    ],
)
def test_invisible_characters_are_removed_and_spelling_stays(text: str, clean: str) -> None:
    """Control, bidi and zero-width characters go; joiners in emoji and Persian stay."""
    assert clean_text(text) == clean


@given(st.text(st.characters(codec=None)))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """The function is idempotent on any text, and its result can be stored as UTF-8."""
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode()


PARTS = st.text(st.sampled_from("ab |é\u0301\u00a0\u200d\t"), max_size=6) | st.text(max_size=12)


@given(st.lists(PARTS, max_size=9).map(tuple))
def test_parts_are_cleaned_as_each_text_is(parts: tuple[str, ...]) -> None:
    """What is seen of all parts together holds for each of them."""
    assert clean_parts(parts) == tuple(map(clean_text, parts))
    assert tuple(map(clean_name, parts)) == tuple(map(clean_text, parts))


@given(st.text())
def test_no_letter_digit_or_sign_is_lost(text: str) -> None:
    """Everything visible is still there, in order."""

    def visible_in(value: str) -> list[str]:
        return [
            ch
            for ch in unicodedata.normalize("NFC", value)
            if unicodedata.category(ch)[0] in "LNPS"
        ]

    visible = "".join(ch for ch in text if unicodedata.category(ch)[0] in "LNPSZ")
    assert visible_in(clean_text(visible)) == visible_in(visible)


@given(st.text(), st.integers(0, 20))
def test_a_cut_text_is_clean_and_short(text: str, length: int) -> None:
    """The limit is in code points, and cutting again changes nothing."""
    cut = clean_text(text, length)
    assert len(cut) <= length
    assert clean_text(cut, length) == cut


def test_a_cut_does_not_split_a_combined_character() -> None:
    """A letter keeps an accent that has no composed form, and an emoji its joiner."""
    assert clean_text("aq\u0301b", 2) == "a"
    assert clean_text("a\U0001f469\u200d\U0001f467", 3) == "a"


@given(st.text(max_size=60))
def test_masks_hide_what_they_should(text: str) -> None:
    """At most two digits of a number, two letters and a short top-level domain of an e-mail."""
    assert sum(ch.isalnum() for ch in mask_digits(text)) <= 2
    assert sum(ch not in "*@." for ch in mask_email(text)) <= 8


def test_masked_email_can_be_recognised() -> None:
    """The form is the documented one."""
    assert mask_email("jane@example.com") == "j***@e***.com"
    assert mask_email("jane") == "j***"


@given(st.text(), st.integers(2, 40))
def test_a_printable_text_is_one_line_of_bounded_length(text: str, length: int) -> None:
    """Terminals and databases accept any of them; a text that was printable stays as it is."""
    visible = printable(text, length)
    assert visible.isprintable()
    assert len(visible) <= length
    assert visible == text or not text.isprintable() or len(text) > length


def test_invisible_characters_are_escaped() -> None:
    """An invisible character may be the fault, so it is not removed."""
    assert printable("a\nb\x1b[2J\u202ec\x00", 80) == r"a\nb\x1b[2J\u202ec\x00"


def test_email_addresses_within_a_text_are_masked() -> None:
    """Anywhere in the text; everything else stays."""
    assert mask_emails("type jane@example.com, MUG@DC1") == "type j***@e***.com, MUG@DC1"
    assert has_controls("a\u2028") and has_controls("\ud800") and not has_controls("a\u200d b")
