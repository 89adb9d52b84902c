"""Customers of five planted kinds with five features, as a script that segments by RFM reads them.

Recency (days), frequency (purchase days), monetary (net revenue), average order value and tenure
(days), drawn per kind from log-normal distributions, logarithms taken: the form in which such a
script standardises them. The kinds differ in size and overlap a little at their edges.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FEATURES = ["recency", "frequency", "monetary", "average_order_value", "tenure"]
# kind: share, then the median of recency, frequency, average order value and tenure
KINDS = {
    "loyal": (0.15, 12, 24, 80, 1500),
    "regular": (0.25, 35, 9, 45, 800),
    "new": (0.20, 20, 1.6, 40, 45),
    "lapsed": (0.22, 420, 5, 45, 1100),
    "big_ticket": (0.18, 150, 2, 420, 600),
}
SPREAD = (0.45, 0.28, 0.30, 0.30)  # of the logarithms


def generate(rows: int = 50_000, *, seed: int = 7) -> tuple[pd.DataFrame, np.ndarray]:
    """The features of ``rows`` customers, and the kind of each as a number 0…4."""
    rng = np.random.default_rng(seed)
    shares = np.array([kind[0] for kind in KINDS.values()])
    truth = rng.choice(len(KINDS), rows, p=shares / shares.sum())
    medians = np.log(np.array([kind[1:] for kind in KINDS.values()]))[truth]
    drawn = medians + rng.normal(size=(rows, 4)) * SPREAD
    recency, frequency, basket, tenure = drawn.T
    frame = pd.DataFrame(
        {
            "recency": recency,
            "frequency": frequency,
            "monetary": frequency + basket + rng.normal(scale=0.1, size=rows),
            "average_order_value": basket,
            "tenure": np.maximum(tenure, recency),
        }
    )
    return frame, truth
