"""RSA keys, made and used by ``cryptography``, which the product doesn't have."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Json = dict[str, Any]
PKCS8, PKCS1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


def key(name: str = "ours") -> RSAPrivateKey:
    """Return a key, which is made once in a process."""
    return _made(name)


@cache
def _made(_name: str) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65_537, key_size=2_048)


def pem_of(name: str = "ours", form: PrivateFormat = PKCS8) -> str:
    """Return a private key as text."""
    return key(name).private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_pem_of(name: str = "ours") -> str:
    """Return its public key as text."""
    found = key(name).public_key()
    return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def token_of(claims: Json, name: str = "ours", algorithm: str = "RS256") -> str:
    """Return claims as a JSON Web Token."""
    text = ".".join(_encoded(orjson.dumps(each)) for each in ({"alg": algorithm}, claims))
    return f"{text}.{_encoded(key(name).sign(text.encode(), PKCS1v15(), SHA256()))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
