"""Text that people typed: cleaned for target systems, masked and printable for logs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from domain.memo import remembered

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@]{1,254}@[^\s@.]+\.[^\s@]+")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff]")
_JOINERS = "\u200c\u200d"
_KEPT_FORMAT = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U000e0020-\U000e007f]"
)
"""Visible format characters: Arabic and Syriac number signs, and the tags in flags of regions."""


def clean_text(text: str, max_length: int | None = None) -> str:
    """Return the text in NFC, without invisible characters, with single spaces between words.

    Letters are never removed. Joiners are kept if they are part of the spelling: inside emoji
    sequences, and between letters of scripts that use them (Persian, Indic). ``max_length`` is in
    code points; a combined character is not split.
    """
    if not text:
        return text
    if not (text.isprintable() and (text.isascii() or unicodedata.is_normalized("NFC", text))):
        text = _cleaned_unicode(text)
    elif "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    if max_length is None or len(text) <= max_length:
        return text
    return clean_text(_cut(text, max(0, max_length)))


@remembered(16_384)
def clean_name(text: str) -> str:
    """Return ``clean_text`` of a name that many records share: of a product, option or method."""
    return clean_text(text)


def clean_parts(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``clean_text`` of each part of an address; nearly always there is nothing to clean.

    That is seen at once of all parts together: if the whole is printable, normal and without
    needless spaces, so is each part.
    """
    text = "|".join(parts)
    if (
        text.isprintable()
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
        and not ("  " in text or " |" in text or "| " in text)
        and text.strip() == text
    ):
        return parts
    return tuple([clean_text(part) for part in parts])


def _cleaned_unicode(text: str) -> str:
    # A removal can bring a letter next to an accent, which NFC then composes: repeat until stable.
    while True:
        normal = unicodedata.normalize("NFC", text)
        kept = "".join([_kept(normal, i, ch) for i, ch in enumerate(normal)])
        cleaned = " ".join(kept.split())
        if cleaned == text:
            return cleaned
        text = cleaned


def _kept(text: str, at: int, ch: str) -> str:
    if ch.isspace():
        return " "
    category = unicodedata.category(ch)
    if category in ("Cc", "Cs"):
        return ""
    if category != "Cf" or _KEPT_FORMAT.match(ch):
        return ch
    if ch in _JOINERS and 0 < at < len(text) - 1 and _joins(text[at - 1], text[at + 1]):
        return ch
    return ""


def _joins(before: str, after: str) -> bool:
    if _EMOJI.match(before) and _EMOJI.match(after):
        return True
    return all(ch >= "\u0600" and unicodedata.category(ch)[0] in "LM" for ch in (before, after))


def _cut(text: str, at: int) -> str:
    while at > 0 and (
        unicodedata.combining(text[at])
        or text[at] in _JOINERS + "\ufe0f"
        or text[at - 1] in _JOINERS
    ):
        at -= 1
    return text[:at]


def has_controls(text: str) -> bool:
    """Return whether a text has control characters, line breaks or halves of surrogate pairs."""
    return not text.isprintable() and _CONTROLS.search(text) is not None


def printable(text: str, max_length: int) -> str:
    r"""Return the text as one line that is safe in a terminal, a log and a database.

    Invisible characters are escaped (``\n``, ``\u202e``) and not removed, since one of them may be
    the fault. A longer text is cut.
    """
    if len(text) > max_length:
        text = text[: max_length - 1] + "\u2026"
    if text.isprintable():
        return text
    escaped = "".join(
        [ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text]
    )
    return printable(escaped, max_length)


def mask_digits(text: str) -> str:
    """Return the text with all letters and digits masked except the last two digits."""
    visible = [i for i, ch in enumerate(text) if ch.isdigit()][-2:]
    return "".join([ch if i in visible or not ch.isalnum() else "*" for i, ch in enumerate(text)])


def mask_emails(text: str) -> str:
    """Return the text with the e-mail addresses in it masked."""
    return _EMAIL.sub(lambda found: mask_email(found.group()), text) if "@" in text else text


def mask_email(text: str) -> str:
    """Return ``j***@e***.com`` for ``jane@example.com``."""
    local, at, domain = text.rpartition("@")
    if not at:
        return f"{text[:1]}***"
    name, dot, top = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{dot}{top if name and len(top) <= 6 else '***'}"


def without_values(text: str, values: Collection[str]) -> str:
    """Return the text without these personal values, as whole words in any case.

    Single letters stay.
    """
    words = sorted((value for value in values if len(value) > 1), key=len, reverse=True)
    if not words:
        return text
    return re.sub(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", "***", text, flags=re.IGNORECASE
    )


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 order`` and ``2 orders``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
