"""Which features push a customer's score up or down."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from python_ext.features import feature_matrix, transformed
from python_ext.propensity._artefact import PropensityModel

DRIVERS = 3


def driver_effects(model: PropensityModel, frame: pd.DataFrame) -> np.ndarray:
    """Log-odds of each row minus those it would have with one feature at the training median.

    Before calibration, whose steps would hide small effects. For the logistic regression this is
    exactly coefficient times distance from the median, the missing flag included.

    Returns
    -------
    numpy.ndarray
        Shape (rows, ``model.driver_features``); positive raises the probability.
    """
    values = feature_matrix(frame, model.features)
    median = np.array(
        [
            transformed(np.float64(m), f.transform)
            for f, m in zip(model.features, model.medians, strict=True)
        ]
    )
    if isinstance(model.pipeline[-1], LogisticRegression):
        return _linear_effects(model, values, median)[:, model.driver_features]
    base = model.pipeline.decision_function(values)
    effects = np.zeros((len(values), len(model.driver_features)))
    for place, j in enumerate(model.driver_features):
        changed = values.copy()
        changed[:, j] = median[j]
        effects[:, place] = base - model.pipeline.decision_function(changed)
    return effects


def _linear_effects(model: PropensityModel, values: np.ndarray, median: np.ndarray) -> np.ndarray:
    prepare, regression = model.pipeline[:-1], model.pipeline[-1]
    away = prepare.transform(values) - prepare.transform(median.reshape(1, -1))
    contribution = away * regression.coef_[0]
    # Behind the imputed columns stand the missing flags, each of one input column.
    effects = contribution[:, : values.shape[1]].copy()
    for place, j in enumerate(prepare[0].flagged_):
        effects[:, j] += contribution[:, values.shape[1] + place]
    return effects


def driver_texts(model: PropensityModel, frame: pd.DataFrame) -> pd.DataFrame:
    """The strongest drivers of each row in words.

    Returns
    -------
    pandas.DataFrame
        driver_1 … driver_3 ("Days since the last purchase 12: raises", null where no further
        feature has an effect) and driver_1_effect … driver_3_effect.
    """
    rows = len(frame)
    table = {}
    for rank in range(1, DRIVERS + 1):
        table[f"driver_{rank}"] = np.full(rows, None, dtype=object)
        table[f"driver_{rank}_effect"] = np.full(rows, np.nan)
    if model.pipeline is None or not rows or not model.driver_features:
        return pd.DataFrame(table, index=frame.index)
    effects = driver_effects(model, frame)
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")
    raw = feature_matrix(frame, model.features, transform=False)
    for rank in range(min(DRIVERS, effects.shape[1])):
        place = order[:, rank]
        effect = effects[np.arange(rows), place]
        texts, sizes = table[f"driver_{rank + 1}"], table[f"driver_{rank + 1}_effect"]
        for column in np.unique(place):
            feature = model.features[model.driver_features[column]]
            chosen = np.flatnonzero((place == column) & (np.abs(effect) > 1e-9))
            sizes[chosen] = effect[chosen]
            values = raw[chosen, model.driver_features[column]]
            texts[chosen] = [
                f"{feature.label_en} {_number(value)}: {'raises' if up else 'lowers'}"
                for value, up in zip(values, effect[chosen] > 0, strict=True)
            ]
    return pd.DataFrame(table, index=frame.index)


def _number(value: float) -> str:
    if value != value:
        return "unknown"
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"
