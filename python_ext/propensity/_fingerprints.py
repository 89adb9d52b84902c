"""From which rows and with which code a model was made."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from pandas.util import hash_array

LIBRARIES = ("numpy", "scikit-learn")


def data_fingerprint(*parts: pd.DataFrame, columns: Sequence[str]) -> str:
    """Hash of the content of several tables, whatever the order of their rows and columns.

    Numbers count by their value: a whole number is the same as a column of integers or of floats.

    Parameters
    ----------
    parts
        Training rows, test rows, …; what is a training row may not become a test row unnoticed.
    columns
        What is looked at.
    """
    digest = hashlib.sha256()
    names = sorted(columns)
    digest.update("|".join(names).encode())
    for part in parts:
        rows = np.zeros(len(part), dtype=np.uint64)
        for name in names:
            # Order of columns within a row matters, hence the multiplier.
            rows = rows * np.uint64(6364136223846793005) + _hashes(part[name])
        rows.sort()
        digest.update(f"#{len(part)}#".encode())
        digest.update(rows.astype("<u8").tobytes())
    return digest.hexdigest()


def _hashes(column: pd.Series) -> np.ndarray:
    if is_bool_dtype(column.dtype) or is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        # One zero, and one value for everything unknown.
        values = np.where(np.isnan(values), np.nan, values + 0.0)
        return hash_array(values.astype("<f8").view("<u8"))
    texts = column.astype(object).where(column.notna(), None)
    codes, levels = pd.factorize(texts)
    known = hash_array(np.array([str(level) for level in levels], dtype=object), categorize=False)
    return np.append(known, np.uint64(0))[codes].astype(np.uint64)


@cache
def code_fingerprint() -> str:
    """Hash of the code that trains and judges, and of the libraries that decide the figures."""
    package = Path(__file__).resolve().parent
    shared = [package.parent / name for name in ("features.py", "imputation.py")]
    digest = hashlib.sha256()
    for file in [*sorted(package.glob("*.py")), *shared]:
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        digest.update(f"{file.parent.name}/{file.name}\n{text}\n".encode())
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()
