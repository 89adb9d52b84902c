"""From records and accepted links to persons with a pseudonymous key."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from python_ext.errors import SegmentationError
from python_ext.frames import Schema

SECRET_VARIABLE = "SEGMENTATION_SECRET"
DEMO_SECRET = "visible-demo-secret-for-public-data-only"
MIN_SECRET_LENGTH = 16
KEY_LENGTH = 32

SCHEMA = Schema(
    {
        "record_id": "string",
        "source_name": "string",
        "source_record_id": "string",
        "customer_key": "string",
        "cluster_size": "bigint",
        "link_rule": "string",
        "link_weight": "double",
        "is_representative": "boolean",
    },
    key=("record_id",),
)


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


def _sorted_ids(values: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """Ids in byte order (the order of SQL's ``min``) and where each stood."""
    array = pa.array(values, type=pa.string(), from_pandas=True)
    order = pc.sort_indices(array).to_numpy()
    return pd.Index(array.take(pa.array(order)).to_pandas()), order


def _endpoints(links: pd.DataFrame, ids: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    ends = []
    for column in ("record_id_a", "record_id_b"):
        position = ids.get_indexer(pd.Index(links[column]))
        if (position < 0).any():
            strangers = links[column][position < 0].astype(str).head(3).tolist()
            raise ValueError(
                f"{int((position < 0).sum())} accepted links name a {column} that is no record, "
                f"for example {strangers}"
            )
        ends.append(position)
    return ends[0], ends[1]


def _representatives(ordered: pd.DataFrame, ids: pd.Index, person: np.ndarray) -> np.ndarray:
    """Row of each person's representative, records being sorted by id."""
    is_guest = np.asarray(ids.str.startswith("guest:"), dtype=bool)
    seen = pd.to_datetime(ordered["first_seen_at"]).fillna(pd.Timestamp.max).to_numpy()
    by_precedence = np.lexsort((np.arange(len(ids)), seen, is_guest, person))
    return by_precedence[np.unique(person[by_precedence], return_index=True)[1]]


def _strongest_link(
    first: np.ndarray, second: np.ndarray, rule: np.ndarray, weight: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rule and weight of each record's strongest link; of equals, the first rule by name."""
    best_rule = np.full(rows, "none", dtype=object)
    best_weight = np.full(rows, np.nan)
    record = np.concatenate([first, second])
    codes, rules = pd.factorize(pd.Series(rule, dtype=object), sort=True)
    code, strength = np.tile(codes, 2), np.tile(weight, 2)
    order = np.lexsort((code, -np.nan_to_num(strength, nan=-np.inf), record))
    found, position = np.unique(record[order], return_index=True)
    chosen = order[position]
    best_rule[found] = np.asarray(rules, dtype=object)[code[chosen]]
    best_weight[found] = strength[chosen]
    return best_rule, best_weight


def resolve_identities(
    records: pd.DataFrame, links: pd.DataFrame, *, secret: bytes
) -> pd.DataFrame:
    """Group records into persons by the transitive closure of accepted links.

    Parameters
    ----------
    records
        One row per ``record_id``; also ``source_name``, ``source_record_id`` and
        ``first_seen_at`` (null where not known).
    links
        ``record_id_a``, ``record_id_b``, ``rule``, ``weight`` and ``is_accepted``. A link that is
        not accepted (false or null) is ignored.
    secret
        Key of the hash, see ``read_secret``.

    Returns
    -------
    pandas.DataFrame
        Columns of ``SCHEMA``, sorted by ``record_id``. ``customer_key`` is the keyed hash of the
        ``record_id`` of the person's representative: a record with a customer number before a
        guest, then the first seen, then the smallest id (byte order). So a guest order, or a new
        duplicate, of a known customer changes no key.

    Raises
    ------
    ValueError
        If a record id is null or repeated, or an accepted link names an unknown record.
    """
    if records["record_id"].isna().any() or records["record_id"].duplicated().any():
        raise ValueError("record_id must be unique and never null")
    ids, order = _sorted_ids(records["record_id"])
    rows = len(ids)
    accepted = links[links["is_accepted"].astype("boolean").fillna(False).astype(bool)]
    first, second = _endpoints(accepted, ids)
    apart = first != second
    first, second = first[apart], second[apart]
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(rows, rows))
    label = connected_components(graph, directed=False)[1] if rows else np.empty(0, dtype=int)
    ordered = records.iloc[order]
    _, person, size = np.unique(label, return_inverse=True, return_counts=True)
    representative = _representatives(ordered, ids, person)
    keys = np.array(
        [customer_key(name, secret=secret) for name in ids.to_numpy()[representative]], dtype=object
    )
    rule, weight = _strongest_link(
        first,
        second,
        accepted["rule"].fillna("unnamed").to_numpy(dtype=object)[apart],
        accepted["weight"].to_numpy(dtype=float, na_value=np.nan)[apart],
        rows,
    )
    return pd.DataFrame(
        {
            "record_id": ids,
            "source_name": ordered["source_name"].to_numpy(),
            "source_record_id": ordered["source_record_id"].to_numpy(),
            "customer_key": keys[person] if rows else [],
            "cluster_size": size[person] if rows else [],
            "link_rule": rule,
            "link_weight": weight,
            "is_representative": np.arange(rows) == representative[person] if rows else [],
        }
    )
