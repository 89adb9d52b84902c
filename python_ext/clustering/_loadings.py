"""What the factors behind the features of each view are, for reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from python_ext.clustering._preparation import ViewPreparation
from python_ext.features import with_category_labels
from python_ext.frames import Schema

LOADINGS_SCHEMA = Schema(
    {
        "view": "string",
        "feature": "string",
        "factor": "bigint",
        "label_en": "string",
        "label_fr": "string",
        "method": "string",
        "loading": "double",
        "communality": "double",
        "variance_share": "double",
        "eigenvalue": "double",
        "eigenvalue_of_chance": "double",
        "kaiser_factors": "bigint",
        "parallel_factors": "bigint",
        "used_for_clustering": "boolean",
        "customers": "bigint",
    },
    key=("view", "feature", "factor"),
)


def list_loadings(
    preparations: Iterable[ViewPreparation], *, categories: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Loadings of all views.

    Parameters
    ----------
    preparations
        One per view.
    categories
        ``category_rank`` and ``category``: what stands behind taste_1, taste_2, …, for the labels.

    Returns
    -------
    pandas.DataFrame
        Columns of ``LOADINGS_SCHEMA``: one row per view, prepared feature and factor.
    """
    tables = [
        replace(
            preparation, features=with_category_labels(preparation.features, categories)
        ).loadings()
        for preparation in preparations
    ]
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame(columns=list(LOADINGS_SCHEMA))
    return pd.concat(tables, ignore_index=True)[list(LOADINGS_SCHEMA)]
