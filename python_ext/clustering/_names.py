"""Readable names: a segment keeps the one it has; a new one is named after its profile."""

from __future__ import annotations

from functools import cached_property

import pandas as pd
from scipy.optimize import linear_sum_assignment

from python_ext.clustering._actions import suggest_action
from python_ext.clustering._archetypes import Archetypes
from python_ext.clustering._marks import (
    MIN_NUANCE,
    MIN_TRAIT,
    Mark,
    claimable,
    name_choices,
    trait_choices,
)
from python_ext.clustering._name_memory import NAMES_SCHEMA, Name, stored_names, with_memory
from python_ext.clustering._profiles import FIRST_RFM_ID, LEVELS
from python_ext.clustering._wording import Wording

MIN_SIMILARITY = 0.40  # a weaker match would be a name without backing
EVIDENCE_FEATURES = 3
STRONG = 0.6  # share of the strongest difference that another needs to give the name instead
WHOLE = "whole"
RFM = "rfm"

_OF_PARENT = (
    "description",
    "description_fr",
    "evidence",
    "evidence_fr",
    "match_similarity",
    "name_is_backed",
    "action",
    "action_fr",
)


def rfm_segment_ids(rfm_segments: pd.DataFrame) -> dict[str, int]:
    """Ids of the RFM segments where they stand in for clusters, as the seed numbers them."""
    numbered = rfm_segments.drop_duplicates("rfm_segment")
    pairs = zip(numbered["rfm_segment"], numbered["rfm_segment_id"], strict=True)
    return {name: int(number) for name, number in pairs}


def name_segments(
    profiles: pd.DataFrame,
    archetypes: pd.DataFrame,
    archetype_features: pd.DataFrame,
    feature_words: pd.DataFrame,
    *,
    categories: pd.DataFrame | None = None,
    category_labels: pd.DataFrame | None = None,
    rfm_segments: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    as_of: object = None,
    min_similarity: float = MIN_SIMILARITY,
) -> pd.DataFrame:
    """Name each segment of each view and level.

    A segment that had a name keeps it as long as it lives. A new segment is named after the kind
    of customers (``segment_archetypes``) its profile resembles, each kind used once per view. One
    that resembles none is named by what marks it most, in the words of ``feature_words``. Sub- and
    micro-segments carry the parent's name and what sets them apart from their siblings.

    Parameters
    ----------
    profiles
        Rows of ``PROFILES_SCHEMA``.
    archetypes, archetype_features, feature_words, category_labels, actions, rfm_segments
        The seeds of these names (``segment_actions`` for ``actions``).
    categories
        ``category_rank`` and ``category``: what stands behind taste_1, taste_2, …
    previous
        Rows of ``NAMES_SCHEMA`` of earlier builds, or None.
    as_of
        Date of this build, ``first_seen_on`` of new segments. What was first seen later than it
        is of a build that this one does not know of, and is left as it is.
    min_similarity
        Least likeness of a segment to a kind.

    Returns
    -------
    pandas.DataFrame
        Columns of ``NAMES_SCHEMA``: the segments of today, and those of before that are no more
        (``is_current`` false). Names are unique among the current segments of a view and level.
        ``name_is_backed`` tells whether today's profile still supports the name. "Everyone" is the
        only name that a segment loses: when it is no longer the only one.
    """
    wording = Wording.of(
        feature_words=feature_words, categories=categories, category_labels=category_labels
    )
    kinds = Archetypes(archetypes, archetype_features)
    rfm = {}
    if rfm_segments is not None:
        french = dict(zip(rfm_segments["rfm_segment"], rfm_segments["rfm_segment_fr"], strict=True))
        rfm = {n: (name, french[name]) for name, n in rfm_segment_ids(rfm_segments).items()}
    stored = stored_names(previous, as_of)
    records: list[dict[str, object]] = []
    for view, of_view in profiles.groupby("view", sort=True):
        parents: dict[int, Name] = {}
        rows_above: dict[int, dict[str, object]] = {}
        for level in LEVELS:
            part = of_view[of_view["level"] == level]
            if part.empty:
                break
            naming = _Naming(part, view, level, wording, kinds, rfm, parents, min_similarity)
            names = naming.names(stored.get((view, level), {}))
            rows = {}
            for number, name in sorted(names.items()):
                rows[number] = naming.record(number, name, actions)
                above = naming.parent_of(number)
                if above is not None and name.segment == parents[above].segment:
                    # An only part is its parent: what is said of it is said against all.
                    rows[number] |= {column: rows_above[above][column] for column in _OF_PARENT}
            records += rows.values()
            parents, rows_above = names, rows
    table = pd.DataFrame(records, columns=[c for c in NAMES_SCHEMA if c != "first_seen_on"])
    return with_memory(table, previous, as_of)


class _Naming:
    """The names of one view and level."""

    def __init__(
        self,
        profiles: pd.DataFrame,
        view: str,
        level: str,
        wording: Wording,
        kinds: Archetypes,
        rfm: dict[int, tuple[str, str]],
        parents: dict[int, Name],
        min_similarity: float,
    ) -> None:
        self.view, self.level, self.wording, self.parents = view, level, wording, parents
        self.rfm, self.min_similarity = rfm, min_similarity
        self.profile = {
            int(number): part.set_index("feature")
            for number, part in profiles.groupby("segment_id", sort=True)
        }
        # Of a skewed feature the log may differ one way and the mean the other, or hardly: nobody
        # should read of such a difference.
        profiles = profiles.assign(claim=claimable(profiles, "z"))
        self.z = profiles.pivot(index="segment_id", columns="feature", values="z")
        self.claim = profiles.pivot(index="segment_id", columns="feature", values="claim")
        self.mean = profiles.pivot(index="segment_id", columns="feature", values="mean")
        self.kinds = kinds.of_view(view, list(self.z.columns))
        self.is_top = level == "segment"
        self.is_whole = self.is_top and len(self.profile) == 1

    @cached_property
    def likeness(self) -> pd.DataFrame:
        """Of the segments to the kinds."""
        return self.kinds.likeness(self.z, self.claim, self.mean)

    def names(self, stored: dict[int, Name]) -> dict[int, Name]:
        """A name for every segment; those in ``stored`` keep theirs."""
        kept: dict[int, Name] = {}
        taken: set[str] = set()
        for number in self.profile:
            name = stored.get(number)
            is_misplaced = name is not None and (name.archetype == WHOLE) != self.is_whole
            if name is None or (self.is_top and is_misplaced) or _is_taken(name, taken):
                continue
            kept[number] = name
            taken |= {name.segment, name.segment_fr}
        new = [number for number in self.profile if number not in kept]
        if self.is_top:
            found = self._first_level(new, kept, taken)
        else:
            found = self._lower_level(new, taken)
        return {**kept, **found}

    def _first_level(
        self, new: list[int], kept: dict[int, Name], taken: set[str]
    ) -> dict[int, Name]:
        found: dict[int, Name] = {}
        used = {name.archetype for name in kept.values()}
        free = [k for k in self.kinds.names if k not in used and self.kinds.text(k)[0] not in taken]
        rows = [n for n in new if n < FIRST_RFM_ID and not self.is_whole]
        likeness = self.likeness.reindex(index=rows, columns=free)
        likeness = likeness.where(likeness >= self.min_similarity, 0.0).fillna(0.0)
        pairs = linear_sum_assignment(-likeness.to_numpy())
        for row, column in zip(*pairs, strict=True):
            similarity = float(likeness.iat[row, column])
            if similarity > 0:
                kind = free[column]
                found[rows[row]] = Name(
                    *self.kinds.text(kind), archetype=kind, similarity=similarity
                )
        taken |= {word for name in found.values() for word in (name.segment, name.segment_fr)}
        # Who stands out most chooses its words first.
        strength = {n: max((m.size for m in self._marks(n, "z")), default=0.0) for n in new}
        for number in sorted(new, key=lambda n: (-strength[n], n)):
            if number in found:
                continue
            if self.is_whole and number < FIRST_RFM_ID:
                found[number] = _EVERYONE
            elif number in self.rfm:
                found[number] = _rfm_name(*self.rfm[number])
            else:
                found[number] = self._by_features(number, taken)
            taken |= {found[number].segment, found[number].segment_fr}
        return found

    def _by_features(self, number: int, taken: set[str]) -> Name:
        """What the segment is most, and a trait beside it where that is taken."""
        marks = self._marks(number, "z")
        described = self._description(
            marks, "Compared with all customers", "Par rapport à l'ensemble des clients"
        )
        least = STRONG * max((mark.size for mark in marks), default=0.0)
        heads = [mark for mark in marks if mark.can_head and mark.size >= least][:3]
        for texts, features in name_choices(heads, marks):
            name = Name(*texts, *described, features=features)
            if not _is_taken(name, taken):
                return name
        raise AssertionError("the last choice is always free")

    def _lower_level(self, new: list[int], taken: set[str]) -> dict[int, Name]:
        """The parent's name and one trait; whoever differs most chooses first."""
        marks = {number: self._marks(number, "z_vs_parent") for number in new}
        strength = {number: max((m.size for m in marks[number]), default=0.0) for number in new}
        found = {}
        for number in sorted(new, key=lambda n: (-strength[n], n)):
            parent = self.parents[self.parent_of(number)]
            found[number] = self._sub_name(parent, number, marks[number], taken)
            taken |= {found[number].segment, found[number].segment_fr}
        return found

    def _sub_name(self, parent: Name, number: int, marks: list[Mark], taken: set[str]) -> Name:
        siblings = [n for n in self.profile if self.parent_of(n) == self.parent_of(number)]
        # "More frequent · less frequent" says nothing: a part tells something new of its parent.
        told = {self.wording.theme(feature) for feature, _ in parent.features}
        marks = [mark for mark in marks if mark.theme not in told]
        if len(siblings) == 1 and not _is_taken(parent, taken):
            return parent
        described = self._description(
            marks,
            f"Compared with the rest of “{parent.segment}”",
            f"Par rapport aux autres « {parent.segment_fr} »",
        )
        for (english, french), features in trait_choices(marks):
            name = Name(
                f"{parent.segment} · {english}",
                f"{parent.segment_fr} · {french}",
                *described,
                features=features,
            )
            if not _is_taken(name, taken):
                return name
        raise AssertionError("the last choice is always free")

    def parent_of(self, number: int) -> int | None:
        """The part's parent; None for a segment."""
        parent = self.profile[number]["parent_segment_id"].iloc[0]
        return None if pd.isna(parent) else int(parent)

    def _marks(self, number: int, column: str) -> list[Mark]:
        """What a name may be made of, strongest first, one feature per theme.

        Only features that made the segments of the view, where one of them marks the segment.
        """
        profile = self.profile[number]
        profile = profile[claimable(profile, column) != 0]
        ranked = profile[profile["differentiator_rank"].notna()].sort_values("differentiator_rank")
        own = ranked[ranked["is_circular"].astype(bool)]
        ranked = own if (own[column].abs() >= MIN_TRAIT).any() else ranked
        marks, themes = [], set()
        for feature, row in ranked.iterrows():
            size = float(abs(row[column]))
            theme = self.wording.theme(feature)
            if size < MIN_NUANCE or theme in themes or not self.wording.is_nameable(feature):
                continue
            themes.add(theme)
            sign = 1 if row[column] > 0 else -1
            marks.append(Mark.of(feature, sign, size, theme, row, self.wording))
        return marks

    def _description(self, marks: list[Mark], english: str, french: str) -> tuple[str, str]:
        told = [mark for mark in marks if mark.size >= MIN_TRAIT][:EVIDENCE_FEATURES]
        if not told:
            return (f"{english}: no marked difference.", f"{french} : pas de différence marquée.")
        traits = [", ".join(texts) for texts in zip(*(mark.trait for mark in told), strict=True)]
        return f"{english}: {traits[0]}.", f"{french} : {traits[1]}."

    def record(self, number: int, name: Name, actions: pd.DataFrame | None) -> dict[str, object]:
        """The row of a segment: its name, and what today's profile says to it."""
        profile = self.profile[number]
        similarity, is_backed = name.similarity, True
        column = "z" if self.is_top else "z_vs_parent"
        if name.archetype in self.kinds.names:
            similarity = float(self.likeness.at[number, name.archetype])
            is_backed = similarity > 0
            backing = self.kinds.backing(name.archetype, profile)
        elif name.archetype not in (None, WHOLE, RFM):
            is_backed, backing, similarity = False, profile.iloc[:0], 0.0
        else:
            claimed = [feature for feature, _ in name.features]
            backing = profile[profile["differentiator_rank"].notna()]
            claim = claimable(profile, column)
            backing = backing[claim[backing.index].abs() >= MIN_NUANCE]
            backing = backing.assign(
                is_other=~backing.index.isin(claimed),
                is_foreign=~backing["is_circular"].astype(bool),
            ).sort_values(["is_other", "is_foreign", "differentiator_rank"])
            is_backed = all(sign * claim.get(f, 0.0) >= MIN_NUANCE for f, sign in name.features)
        action = suggest_action(
            actions,
            archetype=name.archetype if is_backed else None,
            rfm_segment=name.segment if name.archetype == RFM else None,
            z=profile[column].where(profile["is_circular"].astype(bool)),
            wording=self.wording,
        )
        parent = profile["parent_segment_id"].iloc[0]
        return {
            "view": self.view,
            "level": self.level,
            "segment_id": number,
            "parent_segment_id": parent,
            "archetype": name.archetype,
            "name_features": name.features_text,
            "segment": name.segment,
            "segment_fr": name.segment_fr,
            "description": name.description,
            "description_fr": name.description_fr,
            "evidence": self._evidence(backing, "en"),
            "evidence_fr": self._evidence(backing, "fr"),
            "match_similarity": similarity,
            "name_is_backed": is_backed,
            "action": action[0],
            "action_fr": action[1],
            "customers": profile["customers"].iloc[0],
            "is_current": True,
        }

    def _evidence(self, backing: pd.DataFrame, language: str) -> str:
        index = "index_vs_all" if self.is_top else "index_vs_parent"
        against = "overall_mean" if self.is_top else "parent_mean"
        parts, themes = [], set()
        for feature, row in backing.iterrows():
            if (theme := self.wording.theme(feature)) in themes:
                continue
            themes.add(theme)
            label = row[f"label_{language}"]
            if self.wording.unit(feature) != "percent" and row[index] == row[index]:
                figure = f"{'index' if language == 'en' else 'indice'} {abs(row[index]):.0f}"
            else:
                mean, other = (
                    self.wording.figure(feature, row[name], language) for name in ("mean", against)
                )
                link = "against" if language == "en" else "contre"
                figure = f"{mean} {link} {other}"
            parts.append(f"{label}: {figure}" if language == "en" else f"{label} : {figure}")
            if len(parts) == EVIDENCE_FEATURES:
                break
        nothing = "no feature differs" if language == "en" else "aucun critère ne diffère"
        return ("; " if language == "en" else " ; ").join(parts) or nothing


_EVERYONE = Name(
    "Everyone",
    "Tous les clients",
    "No stable segmentation was found: all customers form one segment.",
    "Aucune segmentation stable : tous les clients forment un seul segment.",
    archetype=WHOLE,
)


def _rfm_name(english: str, french: str) -> Name:
    return Name(
        english,
        french,
        "RFM segment: no stable segmentation was found, so recency, frequency and value divide.",
        "Segment RFM : sans segmentation stable, la récence, la fréquence et le montant divisent.",
        archetype=RFM,
    )


def _is_taken(name: Name, taken: set[str]) -> bool:
    return name.segment in taken or name.segment_fr in taken
