"""Readable names: archetypes matched to profiles, else the two strongest differentiators."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from python_ext.frames import Schema

MIN_SIMILARITY = 0.40  # a weaker match would be a name without backing
MIN_EVIDENCE = 0.20  # standard deviations a feature must differ by to count as evidence
EVIDENCE_FEATURES = 3
MIN_COVERAGE = 0.5  # share of an archetype's directions that must have a feature in the profile
CORE = 0.75  # features within this share of an archetype's strongest direction are its core
MAX_CONTRADICTION = 0.40  # standard deviations a feature of weight may differ the other way
WEIGHTY = 0.30  # direction from which a feature has weight

NAMES_SCHEMA = Schema(
    {
        "level": "string",
        "segment_id": "bigint",
        "archetype": "string",
        "segment": "string",
        "segment_fr": "string",
        "description": "string",
        "description_fr": "string",
        "evidence": "string",
        "match_similarity": "double",
        "customers": "bigint",
    },
    key=("level", "segment_id"),
)


def name_segments(
    profiles: pd.DataFrame,
    archetypes: pd.DataFrame,
    *,
    min_similarity: float = MIN_SIMILARITY,
) -> pd.DataFrame:
    """Name each segment after the archetype its profile resembles.

    Parameters
    ----------
    profiles
        Rows of ``PROFILES_SCHEMA``.
    archetypes
        The seed ``segment_archetypes``: one row per archetype and feature with ``direction`` from
        −1 to 1, and the archetype's names and descriptions repeated on each of its rows.
    min_similarity
        Least cosine similarity between the segment's z values and the archetype's directions,
        over the features any archetype uses. Below it, and where the profile does not back the
        archetype, the name is built from the segment's two strongest differentiators. An
        archetype more than half of which is switched off is not used.

    Returns
    -------
    pandas.DataFrame
        Columns of ``NAMES_SCHEMA``, one row per level and segment; names are unique in a level.
    """
    named = [_name_level(part, archetypes, min_similarity) for _, part in profiles.groupby("level")]
    return pd.concat(named) if named else pd.DataFrame(columns=list(NAMES_SCHEMA))


def _name_level(
    profiles: pd.DataFrame, archetypes: pd.DataFrame, min_similarity: float
) -> pd.DataFrame:
    texts = archetypes.drop_duplicates("archetype").set_index("archetype").sort_index()
    z = profiles.pivot(index="segment_id", columns="feature", values="z").fillna(0.0)
    direction = _directions(archetypes, texts.index, z.columns)
    similarity = _similarity(z[direction.columns].to_numpy(dtype=float), direction.to_numpy())
    similarity = np.where(similarity >= min_similarity, similarity, 0.0)
    matched = dict(zip(*linear_sum_assignment(-similarity), strict=True))
    records, taken = [], set()
    for row, segment in enumerate(z.index):
        profile = profiles[profiles["segment_id"] == segment].set_index("feature")
        column = matched.get(row)
        likeness = float(similarity[row, column]) if column is not None else 0.0
        if len(z) == 1:
            record = _everyone()
        elif likeness > 0:
            record = _by_archetype(profile, direction.iloc[column], texts.iloc[column])
        else:
            record = _by_differentiators(profile, taken)
        taken.add(record["segment"])
        records.append(
            {
                "level": profile["level"].iloc[0],
                "segment_id": segment,
                **record,
                "match_similarity": likeness,
                "customers": profile["customers"].iloc[0],
            }
        )
    return pd.DataFrame(records)[list(NAMES_SCHEMA)]


def _directions(archetypes: pd.DataFrame, names: pd.Index, features: pd.Index) -> pd.DataFrame:
    """Directions, archetypes by features at hand; zero for an archetype too little of which is."""
    known = archetypes[archetypes["feature"].isin(features)]
    direction = known.pivot(index="archetype", columns="feature", values="direction")
    direction = direction.reindex(names).fillna(0.0).astype(float)
    whole = archetypes["direction"].abs().groupby(archetypes["archetype"]).sum()
    covered = direction.abs().sum(axis=1) >= MIN_COVERAGE * whole.reindex(names)
    return direction.mul(covered.astype(float), axis=0)


def _similarity(z: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cosine of each segment and archetype, zero where the profile does not back the archetype.

    Backed: a core feature differs as the archetype says, and none of weight says the opposite.
    """
    lengths = np.linalg.norm(z, axis=1)[:, None] * np.linalg.norm(direction, axis=1)[None, :]
    product = z @ direction.T
    cosine = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 1e-12)
    pull = z[:, None, :] * np.sign(direction)[None, :, :]
    strongest = np.abs(direction).max(axis=1, initial=0.0, keepdims=True)
    core = (np.abs(direction) >= CORE * strongest) & (direction != 0)
    agrees = ((pull >= MIN_EVIDENCE) & core).any(axis=2)
    contradicted = ((pull <= -MAX_CONTRADICTION) & (np.abs(direction) >= WEIGHTY)).any(axis=2)
    return np.where(agrees & ~contradicted, cosine, 0.0)


def _by_archetype(
    profile: pd.DataFrame, direction: pd.Series, words: pd.Series
) -> dict[str, object]:
    pull = profile["z"] * direction.reindex(profile.index).fillna(0.0)
    agrees = (pull > 0) & (profile["z"].abs() >= MIN_EVIDENCE)
    backing = profile[agrees].assign(pull=pull).sort_values("pull", ascending=False, kind="stable")
    return {
        "archetype": words.name,
        "segment": words["name_en"],
        "segment_fr": words["name_fr"],
        "description": words["description_en"],
        "description_fr": words["description_fr"],
        "evidence": _evidence(backing),
    }


def _evidence(profile: pd.DataFrame) -> str:
    parts = []
    for _, row in profile.head(EVIDENCE_FEATURES).iterrows():
        figure = (
            f"index {row['index_vs_all']:.0f}"
            if row["index_vs_all"] == row["index_vs_all"]
            else f"mean {row['mean']:.3g} against {row['overall_mean']:.3g}"
        )
        parts.append(f"{row['label_en']}: {figure}")
    return "; ".join(parts)


def _by_differentiators(profile: pd.DataFrame, taken: set[str]) -> dict[str, object]:
    """Name from the strongest differentiators, one more of them as long as the name is taken."""
    ranked = profile[profile["differentiator_rank"].notna()].sort_values("differentiator_rank")
    if not len(ranked):
        count = profile["customers"].iloc[0]
        return _record(f"Average customers ({count})", f"Clients moyens ({count})", ranked)
    for count in range(min(2, len(ranked)), len(ranked) + 1):
        top = ranked.head(count)
        english = _phrase(top, "label_en", high="high", low="low", between=", ")
        if english not in taken:
            break
    french = _phrase(top, "label_fr", high="au-dessus :", low="au-dessous :", between=" ; ")
    return _record(english, french, top)


def _record(english: str, french: str, top: pd.DataFrame) -> dict[str, object]:
    evidence = _evidence(top) or "no feature differs"
    return {
        "archetype": None,
        "segment": english,
        "segment_fr": french,
        "description": f"Customers who stand out by: {evidence}.",
        "description_fr": f"Clients qui se distinguent ainsi : {french}.",
        "evidence": evidence,
    }


def _phrase(ranked: pd.DataFrame, label: str, *, high: str, low: str, between: str) -> str:
    parts = [
        f"{high if row['z'] > 0 else low} {_lower_first(row[label])}"
        for _, row in ranked.iterrows()
    ]
    text = between.join(parts)
    return text[:1].upper() + text[1:]


def _lower_first(label: str) -> str:
    """A label inside a phrase; an abbreviation such as RFM or E-mail keeps its capital."""
    return label if label[1:2].isupper() or label[1:2] == "-" else label[:1].lower() + label[1:]


def _everyone() -> dict[str, object]:
    return {
        "archetype": None,
        "segment": "Everyone",
        "segment_fr": "Tous les clients",
        "description": "No stable segmentation was found: all customers form one segment.",
        "description_fr": "Aucune segmentation stable : tous les clients forment un seul segment.",
        "evidence": "see the reason in ml_segment_models",
    }
