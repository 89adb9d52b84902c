"""What the models put in the place of unknown values, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from python_ext.features import Feature, feature_matrix, untransformed
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer

IMPUTATIONS_SCHEMA = Schema(
    {
        "model": "string",
        "feature": "string",
        "label_en": "string",
        "label_fr": "string",
        "imputation": "string",
        "fitted_value": "double",
        "imputed_share_fitted": "double",
        "imputed_share_scored": "double",
    },
    key=("model", "feature"),
)


def list_imputations(
    fitted: Mapping[str, tuple[Iterable[Feature], FeatureImputer] | None], scored: pd.DataFrame
) -> pd.DataFrame:
    """One row per model and feature, with the value that stands in and the shares it stands for.

    Parameters
    ----------
    fitted
        Name of a model → its features and fitted imputer; None for a model without features.
    scored
        Rows that are scored, with the feature columns.

    Returns
    -------
    pandas.DataFrame
        Columns of ``IMPUTATIONS_SCHEMA``. ``fitted_value`` is in the feature's own unit; for
        ``knn`` it is what stands in where no neighbour knows either.
    """
    rows = []
    for model, parts in fitted.items():
        features, imputer = parts or ([], None)
        features = list(features)
        unknown = np.isnan(feature_matrix(scored, features, transform=False))
        for j, feature in enumerate(features):
            value = untransformed(np.float64(imputer.statistics_[j]), feature.transform)
            rows.append(
                {
                    "model": model,
                    "feature": feature.name,
                    "label_en": feature.label_en,
                    "label_fr": feature.label_fr,
                    "imputation": feature.imputation,
                    "fitted_value": float(value),
                    "imputed_share_fitted": float(imputer.missing_share_[j]),
                    "imputed_share_scored": float(unknown[:, j].mean()) if len(scored) else np.nan,
                }
            )
    return pd.DataFrame(rows, columns=list(IMPUTATIONS_SCHEMA))
