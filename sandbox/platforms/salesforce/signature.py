"""Verifies what a client has signed with RS256 (RFC 7518, 3.3), with the public key alone."""

from __future__ import annotations

import base64
import hashlib

SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before the digest (RFC 8017, 9.2)."""


def is_signed(pem: str, message: bytes, signature: str) -> bool:
    """Return whether the signature, in URL-safe base64, is of the key's owner."""
    modulus, exponent = _numbers(pem)
    length = (modulus.bit_length() + 7) // 8
    try:
        given = decoded(signature)
    except ValueError:
        return False
    ending = b"\x00" + SHA256 + hashlib.sha256(message).digest()
    wanted = b"\x00\x01" + b"\xff" * (length - 2 - len(ending)) + ending
    number = int.from_bytes(given)
    if len(given) != length or number >= modulus:
        return False
    return pow(number, exponent, modulus).to_bytes(length) == wanted


def decoded(text: str) -> bytes:
    """Decode URL-safe base64 without padding. Raises ``ValueError``."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _numbers(pem: str) -> tuple[int, int]:
    """Return modulus and exponent of a ``PUBLIC KEY``. Raises ``ValueError``."""
    lines = [line for line in pem.split("\n") if line and not line.startswith("-----")]
    whole = base64.b64decode("".join(lines), validate=True)
    information = _element(whole)[0]
    bits = _element(information[_element(information)[1] :])[0]
    numbers = _element(bits[1:])[0]  # the first byte of a bit string counts its unused bits
    modulus, end = _element(numbers)
    return int.from_bytes(modulus), int.from_bytes(_element(numbers[end:])[0])


def _element(der: bytes) -> tuple[bytes, int]:
    """Return the value of the element at the start, and where it ends."""
    start, length = 2, der[1]
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:start])
    return der[start : start + length], start + length
