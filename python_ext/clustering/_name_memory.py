"""What a segment is called, and the names of earlier builds."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from python_ext.frames import Schema

NAMES_SCHEMA = Schema(
    {
        "view": "string",
        "level": "string",
        "segment_id": "bigint",
        "parent_segment_id": "bigint",
        "archetype": "string",
        "name_features": "string",
        "segment": "string",
        "segment_fr": "string",
        "description": "string",
        "description_fr": "string",
        "evidence": "string",
        "evidence_fr": "string",
        "match_similarity": "double",
        "name_is_backed": "boolean",
        "action": "string",
        "action_fr": "string",
        "customers": "bigint",
        "first_seen_on": "date",
        "is_current": "boolean",
    },
    key=("view", "level", "segment_id"),
)


@dataclass(frozen=True)
class Name:
    """What a segment is called and by what right."""

    segment: str
    segment_fr: str
    description: str
    description_fr: str
    archetype: str | None = None
    features: tuple[tuple[str, int], ...] = ()
    similarity: float = 0.0

    @property
    def features_text(self) -> str | None:
        """``+frequency,-items_per_order``: what a name made of features claims."""
        text = ",".join(("+" if sign > 0 else "-") + name for name, sign in self.features)
        return text or None


def stored_names(
    previous: pd.DataFrame | None, as_of: object
) -> dict[tuple[str, str], dict[int, Name]]:
    """The names of earlier builds by view and level; the oldest first, which keep theirs first."""
    found: dict[tuple[str, str], dict[int, Name]] = {}
    if previous is None or previous.empty:
        return found
    known = previous[_first_seen(previous) <= pd.Timestamp(as_of)]
    for row in known.sort_values(["first_seen_on", "segment_id"]).to_dict("records"):
        text = row["name_features"]
        claims = text.split(",") if isinstance(text, str) and text else []
        archetype = row["archetype"]
        name = Name(
            row["segment"],
            row["segment_fr"],
            row["description"],
            row["description_fr"],
            archetype=archetype if isinstance(archetype, str) else None,
            features=tuple((claim[1:], 1 if claim[0] == "+" else -1) for claim in claims),
        )
        found.setdefault((row["view"], row["level"]), {})[int(row["segment_id"])] = name
    return found


def _first_seen(names: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(names["first_seen_on"])


def with_memory(rows: pd.DataFrame, previous: pd.DataFrame | None, as_of: object) -> pd.DataFrame:
    """With the day each was first seen, and the segments that are no more."""
    key = list(NAMES_SCHEMA.key)
    today = pd.Timestamp(as_of).date() if as_of is not None else None
    if previous is None or previous.empty:
        return rows.assign(first_seen_on=today)[list(NAMES_SCHEMA)]
    known = previous[_first_seen(previous) <= pd.Timestamp(as_of)].set_index(key)
    index = pd.MultiIndex.from_frame(rows[key])
    seen = known["first_seen_on"].reindex(index).to_numpy()
    rows["first_seen_on"] = [today if pd.isna(day) else pd.Timestamp(day).date() for day in seen]
    gone = known[~known.index.isin(index)].reset_index()
    gone["first_seen_on"] = [pd.Timestamp(day).date() for day in gone["first_seen_on"]]
    gone = gone.assign(is_current=False, customers=None, name_is_backed=None)
    frames = [part[list(NAMES_SCHEMA)].astype(object) for part in (rows, gone) if len(part)]
    if not frames:
        return pd.DataFrame(columns=list(NAMES_SCHEMA))
    return pd.concat(frames, ignore_index=True)
