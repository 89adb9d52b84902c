"""The secret of the keyed hashes, and the hashes themselves."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from python_ext.errors import SegmentationError

SECRET_VARIABLE = "SEGMENTATION_SECRET"
DEMO_SECRET = "visible-demo-secret-for-public-data-only"
MIN_SECRET_LENGTH = 16
KEY_LENGTH = 32


class MissingSecretError(SegmentationError):
    """The secret that keys ``customer_key`` is absent or too short."""


def read_secret(
    *, demo_secret_allowed: bool = False, environ: Mapping[str, str] | None = None
) -> bytes:
    """The secret of the keyed hash, from the environment.

    Parameters
    ----------
    demo_secret_allowed
        True only for public or synthetic data: fall back to the visible ``DEMO_SECRET``.
    environ
        Environment to read; the process's own by default.

    Raises
    ------
    MissingSecretError
        If the variable is unset and the demo secret not allowed, or the secret is short.
    """
    secret = (os.environ if environ is None else environ).get(SECRET_VARIABLE, "").strip()
    # dbt may hand the flag over as text, and the text "False" must not open the door.
    if not secret and str(demo_secret_allowed).lower() == "true":
        return DEMO_SECRET.encode()
    if not secret:
        raise MissingSecretError(
            f"set the environment variable {SECRET_VARIABLE} to a random text of at least "
            f"{MIN_SECRET_LENGTH} characters and keep it: customer_key is a keyed hash, so that "
            "nobody without the secret can find a person by hashing known e-mail addresses or "
            "numbers. Another secret gives every customer another key. The visible demo secret "
            "serves only datasets whose dataset.yml says public: true."
        )
    if len(secret) < MIN_SECRET_LENGTH:
        raise MissingSecretError(
            f"{SECRET_VARIABLE} has {len(secret)} characters, at least {MIN_SECRET_LENGTH} are "
            "needed: a short secret can be guessed, and with it every customer_key."
        )
    return secret.encode()


def customer_key(record_id: str, *, secret: bytes) -> str:
    """First 32 hexadecimal characters of HMAC-SHA-256 over the record id (RFC 2104, FIPS 198-1).

    Truncation to 128 bits follows RFC 2104, section 5 (not less than half the hash).
    """
    return hmac.digest(secret, record_id.encode(), "sha256").hex()[:KEY_LENGTH]


def record_key(record_id: str, *, secret: bytes) -> str:
    """Keyed hash of a record, under which it is remembered without saying who it is.

    The same hash as ``customer_key``: the key of a person is the ``record_key`` of the record
    they were first known by, so that a memory of keys alone tells which record that was.
    """
    return customer_key(record_id, secret=secret)


def household_key(first_customer_key: str, *, secret: bytes) -> str:
    """Keyed hash of a household, from the key of its first member; never equal to that key."""
    return customer_key(f"household:{first_customer_key}", secret=secret)
