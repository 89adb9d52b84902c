"""Kinds of customers, and how much a profile resembles one."""

from __future__ import annotations

import numpy as np
import pandas as pd

MIN_EVIDENCE = 0.20  # standard deviations a feature must differ by to count as evidence
MIN_CORE = 0.40  # and one of a kind's core features at least, to give its name
MIN_COVERAGE = 0.5  # share of a kind's directions that must have a feature in the profile
CORE = 0.75  # features within this share of a kind's strongest direction are its core
MAX_CONTRADICTION = 0.40  # standard deviations a feature of weight may differ the other way
WEIGHTY = 0.30  # direction from which a feature has weight


class Archetypes:
    """The seeds ``segment_archetypes`` and ``archetype_features``, ready to compare with profiles.

    Parameters
    ----------
    archetypes
        ``archetype``, ``views`` (names with blanks between, where the kind may be used; empty
        for all), ``typical_size`` (empty: any), names and descriptions.
    features
        ``archetype``, ``feature``, ``direction`` from −1 to 1, ``is_required`` (a profile without
        this difference is not of the kind) and ``minimum_mean``, ``maximum_mean`` (limits of the
        segment's mean in the feature's own unit: what the description claims outright).
    """

    def __init__(self, archetypes: pd.DataFrame, features: pd.DataFrame) -> None:
        self._texts = archetypes.set_index("archetype").sort_index()
        self._features = features
        self._columns: list[str] = []
        self.names: list[str] = []

    def of_view(self, view: str, columns: list[str]) -> Archetypes:
        """Those that may be used in a view, given the features that are known.

        A kind goes when a required feature of it is unknown, or more than half of what makes it.
        """
        found = Archetypes.__new__(Archetypes)
        found._texts, found._columns = self._texts, columns
        found._features = self._features[self._features["feature"].isin(columns)]
        size = self._features["direction"].abs()
        is_known = self._features["feature"].isin(columns)
        is_required = self._features["is_required"].astype(str).str.lower().isin(["true", "1", "t"])
        kind = self._features["archetype"]
        covered = size.where(is_known, 0).groupby(kind).sum() / size.groupby(kind).sum()
        lacking = set(kind[is_required & ~is_known])
        found.names = [
            name
            for name, row in self._texts.iterrows()
            if _is_in(view, row["views"])
            and covered.get(name, 0.0) >= MIN_COVERAGE
            and name not in lacking
        ]
        return found

    def text(self, name: str) -> tuple[str, str, str, str]:
        """Name and description in English and French: ``name_en, name_fr, description_en, …``."""
        row = self._texts.loc[name]
        return row["name_en"], row["name_fr"], row["description_en"], row["description_fr"]

    def likeness(self, z: pd.DataFrame, claim: pd.DataFrame, mean: pd.DataFrame) -> pd.DataFrame:
        """Segments by kinds, 0–1; zero where the profile does not back the kind.

        The cosine of the angle between the segment's z values and the kind's directions, over all
        features that any kind of the view is made of. Where the kind has a typical size t, it is
        multiplied by sqrt(min(s, t) / max(s, t)), s being the segment's z along the directions,
        weighted by them. ``claim`` holds z where the means differ visibly the same way, else zero.
        Backed: every required feature differs as the kind says, one of the core
        clearly, none of weight says the opposite, and the limits of means hold.
        """
        rows = self._features[self._features["archetype"].isin(self.names)]
        direction = rows.pivot(index="archetype", columns="feature", values="direction")
        direction = direction.reindex(self.names).fillna(0.0).astype(float)
        used = list(direction.columns)
        values = z[used].fillna(0.0).to_numpy(dtype=float)
        d = direction.to_numpy()
        lengths = np.linalg.norm(values, axis=1)[:, None] * np.linalg.norm(d, axis=1)[None, :]
        product = values @ d.T
        cosine = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 1e-12)
        told = claim[used].fillna(0.0).to_numpy(dtype=float)[:, None, :] * np.sign(d)[None, :, :]
        required = self._matrix(rows, used, "is_required", False).astype(str)
        required = np.isin(np.char.lower(required.astype(str)), ["true", "1", "t"])
        core = (np.abs(d) >= CORE * np.abs(d).max(axis=1, initial=0.0, keepdims=True)) & (d != 0)
        backed = ((told >= MIN_CORE) & core).any(axis=2)
        backed &= ((told >= MIN_EVIDENCE) | ~required).all(axis=2)
        backed &= ~((told <= -MAX_CONTRADICTION) & (np.abs(d) >= WEIGHTY)).any(axis=2)
        means = mean[used].to_numpy(dtype=float)[:, None, :]
        low = self._matrix(rows, used, "minimum_mean", np.nan).astype(float)
        high = self._matrix(rows, used, "maximum_mean", np.nan).astype(float)
        backed &= (np.isnan(low) | (means >= low)).all(axis=2)
        backed &= (np.isnan(high) | (means <= high)).all(axis=2)
        return pd.DataFrame(
            np.where(backed, cosine, 0.0) * self._size_fit(product, d),
            index=z.index,
            columns=self.names,
        )

    def backing(self, name: str, profile: pd.DataFrame) -> pd.DataFrame:
        """Rows of a profile, indexed by feature, that speak for the kind; strongest first."""
        rows = self._features[self._features["archetype"] == name].set_index("feature")
        direction = rows["direction"].reindex(profile.index).fillna(0.0)
        pull = profile["z"] * direction
        agrees = (pull > 0) & (profile["z"].abs() >= MIN_EVIDENCE)
        found = profile[agrees].assign(pull=pull[agrees])
        return found.sort_values("pull", ascending=False, kind="stable")

    def _size_fit(self, product: np.ndarray, direction: np.ndarray) -> np.ndarray:
        typical = self._texts["typical_size"].reindex(self.names).to_numpy(dtype=float)[None, :]
        weights = np.abs(direction).sum(axis=1)[None, :]
        size = np.maximum(
            np.divide(product, weights, out=np.zeros_like(product), where=weights > 0), 1e-9
        )
        fit = np.sqrt(np.minimum(size, typical) / np.maximum(size, typical))
        return np.where(np.isnan(typical), 1.0, fit)

    def _matrix(
        self, rows: pd.DataFrame, used: list[str], column: str, default: object
    ) -> np.ndarray:
        table = rows.pivot(index="archetype", columns="feature", values=column)
        table = table.reindex(index=self.names, columns=used).astype(object)
        return table.where(table.notna(), default).to_numpy()


def _is_in(view: str, views: object) -> bool:
    return not isinstance(views, str) or not views.strip() or view in views.split()
