"""Customers with planted segments, and the view that looks at them."""

import pandas as pd
from sklearn.datasets import make_blobs

from python_ext import clustering


def view_of(frame, name="all"):
    """A view of the columns f0, f1, …, standardised and no more."""
    columns = [column for column in frame if column.startswith("f") and column[1:].isdigit()]
    features = [
        # A group of its own each, so that nothing is weighted.
        clustering.ViewFeature(
            name=column,
            view=column,
            transform="none",
            label_en=column.upper(),
            label_fr=column.upper(),
        )
        for column in columns
    ]
    return clustering.View(name, name, name, "none", tuple(features))


def customers(points, **columns):
    """A feature table out of coordinates, and its view."""
    frame = pd.DataFrame(points, columns=[f"f{j}" for j in range(len(points[0]))])
    keys = [f"c{i:05d}" for i in range(len(frame))]
    frame = frame.assign(customer_key=keys, **columns)
    return frame, view_of(frame)


def blobs(k, *, rows=600, dimensions=4, seed=1):
    """Well-separated round segments; ``monetary`` is the number of the segment."""
    points, truth = make_blobs(rows, dimensions, centers=k, cluster_std=0.6, random_state=seed)
    return *customers(points, monetary=truth.astype(float)), truth


def chosen(choice):
    """The chosen row."""
    return choice.candidates[choice.candidates["is_chosen"]].iloc[0]
