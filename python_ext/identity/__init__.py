"""From records to persons: rules and weights, guards, groups, keys that last, households."""

from ._clusters import SCHEMA, group_records, resolve_identities
from ._decisions import LINKS_SCHEMA, link_records
from ._keys import KEYS_SCHEMA, remember_keys
from ._matching import load_model, save_model, train_model
from ._secret import (
    DEMO_SECRET,
    MIN_SECRET_LENGTH,
    SECRET_VARIABLE,
    MissingSecretError,
    customer_key,
    household_key,
    read_secret,
    record_key,
)

__all__ = [
    "DEMO_SECRET",
    "KEYS_SCHEMA",
    "LINKS_SCHEMA",
    "MIN_SECRET_LENGTH",
    "SCHEMA",
    "SECRET_VARIABLE",
    "MissingSecretError",
    "customer_key",
    "group_records",
    "household_key",
    "link_records",
    "load_model",
    "read_secret",
    "record_key",
    "remember_keys",
    "resolve_identities",
    "save_model",
    "train_model",
]
