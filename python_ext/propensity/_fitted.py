"""A fitted candidate, what tells it from another, and whom its scores are explained against."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from python_ext.features import Feature, feature_frame, feature_matrix
from python_ext.propensity._artefact import PropensityModel


@dataclass(frozen=True)
class FittedCandidate:
    """One algorithm's best model of a target.

    Attributes
    ----------
    algorithm
        One of ``ALGORITHMS``, ``recency_alone`` or ``prevalence``.
    model
        Fitted on all training rows.
    out_of_fold
        Calibrated probability of each training row, in the order they were given, by models that
        never saw the row's customer; for the prevalence the constant.
    parameters
        Of the winning setting, the calibration among them.
    search
        Every setting tried: rung, share_of_customers, rows, settings, log_loss.
    dropped
        Feature → why it is not used.
    note
        What was cut short, or why nothing could be learned; empty otherwise.
    """

    algorithm: str
    model: PropensityModel
    out_of_fold: np.ndarray
    parameters: dict[str, Any]
    search: list[dict[str, Any]]
    dropped: dict[str, str]
    note: str = ""


def typical_values(frame: pd.DataFrame, features: Iterable[Feature]) -> list[float | str | None]:
    """Median of each number, in its own unit, and most frequent level of each category.

    Parameters
    ----------
    frame
        Training rows, untransformed. Of equally frequent levels the first by name counts.
    """
    found: list[float | str | None] = []
    for feature in features:
        if feature.kind == "category":
            levels = feature_frame(frame, [feature])[feature.name].value_counts(dropna=False)
            most = sorted(levels[levels == levels.max()].index, key=str)[0]
            found.append(most if isinstance(most, str) else None)
        else:
            values = feature_matrix(frame, [feature], transform=False)
            found.append(float(np.nanmedian(values)))
    return found


def fingerprint(
    frame: pd.DataFrame, features: Iterable[Feature], *, label: np.ndarray, group: np.ndarray
) -> str:
    """Hash of the rows, their labels and whose they are."""
    digest = hashlib.sha256()
    for feature in features:
        hashed = pd.util.hash_pandas_object(frame[feature.name], index=False).to_numpy()
        digest.update(feature.name.encode() + hashed.tobytes())
    digest.update(label.tobytes())
    digest.update(pd.util.hash_array(group.astype(str).astype(object)).tobytes())
    return digest.hexdigest()


def named(
    model: PropensityModel, parameters: dict[str, Any], *, seed: int, fingerprint: str
) -> PropensityModel:
    """The model with its ``model_id``: a hash of all that decides what was fitted."""
    inputs = [(f.name, f.kind, f.transform, f.imputation) for f in model.features]
    told = [model.target, model.algorithm, parameters, inputs, seed, fingerprint]
    text = json.dumps(told, sort_keys=True)
    return replace(model, model_id=hashlib.sha256(text.encode()).hexdigest()[:16])
