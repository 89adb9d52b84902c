"""The same job by this project: one process, from the file to the refined segments."""

import json
import sys

import pandas as pd

from python_ext import clustering


def main() -> None:
    """Print one line of JSON: the number chosen, the inertia, that of the sample's solution."""
    customers = pd.read_parquet(sys.argv[1])
    features = tuple(
        clustering.ViewFeature(
            # Standardised and no more, each in a group of its own: StandardScaler's coordinates.
            name=name,
            view=name,
            transform="none",
            label_en=name,
            label_fr=name,
            winsor_lower=0.0,
            winsor_upper=0.0,
        )
        for name in customers.columns
        if name != "customer_key"
    )
    view = clustering.View("rfm_like", "RFM-like", "Type RFM", "none", features)
    choice = clustering.choose_segments(
        customers, view, algorithms=["kmeans"], max_k=10, worth="monetary"
    )
    model = choice.model
    points = model.preparation.transform(customers)
    labels = ((points[:, None] - model.centroids) ** 2).sum(axis=2).argmin(axis=1)
    print(
        json.dumps(
            {
                "k": model.k,
                "inertia": float(((points - model.centroids[labels]) ** 2).sum()),
                "candidates": len(choice.candidates),
            }
        )
    )


if __name__ == "__main__":
    main()
