"""One call from any table to models that were judged on rows they have not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.errors import SegmentationError
from python_ext.features import Feature
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._candidates import ALGORITHMS
from python_ext.propensity._fitting import FittedCandidate, fit_candidates
from python_ext.propensity._folds import grouped_folds
from python_ext.propensity._leakage import IMPLAUSIBLE_AUC, check_windows
from python_ext.propensity._metrics import judge, row_log_loss
from python_ext.propensity._promotion import asked_errors, beats_prevalence, paired_gain
from python_ext.propensity._search import SearchBudget

SKEWED = 2.0  # skewness beyond which a number that is never negative is read as its logarithm
IDENTIFIER_SHARE = 0.5  # of distinct values among rows, beyond which a text is a name, no category


@dataclass(frozen=True)
class Learned:
    """What was learned from a table.

    Attributes
    ----------
    candidates
        Each algorithm's best model and the baselines, fitted on the training rows.
    figures
        ``algorithm``, ``split``, ``metric``, ``value``, ``ci_low``, ``ci_high``. Splits are
        ``out_of_time`` and ``random_split`` where a time was given, else ``held_out`` and
        ``out_of_fold``.
    champion, reason
        Which one to use, and why.
    left_out
        Column → why it is no feature.
    is_test
        Per row of the table: True for the rows held back, False for training, null without label.
    """

    candidates: list[FittedCandidate]
    figures: pd.DataFrame
    champion: str
    reason: str
    left_out: dict[str, str]
    is_test: pd.Series

    @property
    def model(self) -> PropensityModel:
        """The champion."""
        return self.candidate(self.champion).model

    def candidate(self, algorithm: str) -> FittedCandidate:
        """One of the candidates."""
        return next(c for c in self.candidates if c.algorithm == algorithm)

    def score(self, frame: pd.DataFrame) -> np.ndarray:
        """The champion's calibrated probability of each row."""
        return self.model.score(frame)

    def figure(self, algorithm: str, split: str, metric: str) -> float:
        """One value of ``figures``."""
        table = self.figures
        found = table[
            (table["algorithm"] == algorithm)
            & (table["split"] == split)
            & (table["metric"] == metric)
        ]
        return float(found["value"].iloc[0])


def learn(
    frame: pd.DataFrame,
    *,
    label: str,
    features: Iterable[Feature | str] | None = None,
    time: str | None = None,
    group: str | None = None,
    label_ends: str | None = None,
    positive: object = None,
    test_share: float = 0.25,
    baseline: str | None = None,
    algorithms: Sequence[str] = ALGORITHMS,
    settings: SearchBudget | None = None,
    implausible_auc: float = IMPLAUSIBLE_AUC,
    allowed: Iterable[str] = (),
    resamples: int = 200,
    seed: int = 42,
) -> Learned:
    """Learn how likely a label is, from any table.

    Parameters
    ----------
    frame
        One row per case. Rows without a label are left out.
    label
        Column of what happened: boolean, 0 and 1, or two values of which ``positive`` is named.
    features
        Columns to learn from, or ``Feature`` objects that say more about them. If not given, every
        column that can be one: numbers and truth values, texts as categories; no dates, no texts
        that nearly every row has another of, and never the label, time, group or ``label_ends``.
    time
        Column by which the latest rows are held back: about ``test_share`` of them, none of a
        moment before. They decide which model is champion.
    group
        Column of whom the row is about. Without ``time`` a group is held back whole; no group is
        divided by a fold.
    label_ends
        Column of the moment at which a label was known; with ``time``. Training labels known only
        after the first row held back are refused.
    positive
        The value of ``label`` that counts as yes.
    test_share
        Share of rows held back.
    baseline
        Number that is judged on its own beside the prevalence.
    algorithms, settings, implausible_auc, allowed, seed
        As in ``fit_candidates``.
    resamples
        Bootstrap resamples of the intervals.

    Returns
    -------
    Learned

    Raises
    ------
    LeakageError
        If a feature tells the label too well, or a training label was known too late.
    SegmentationError
        If the label has other than two values, or a column is not there.

    Examples
    --------
    >>> learned = learn(table, label="bought", time="month", group="customer")  # doctest: +SKIP
    >>> learned.figures, learned.champion, learned.reason                       # doctest: +SKIP
    """
    _check_columns(frame, label, time, group, label_ends)
    happened = _as_boolean(frame[label], positive)
    known = frame[happened.notna()].assign(**{label: happened[happened.notna()].astype(bool)})
    if time is not None:
        order = [time] if group is None else [time, group]
        known = known.sort_values(order, kind="stable")
    is_test = _held_back(known, label, time, group, test_share, seed)
    if time is not None and label_ends is not None:
        windows = known.assign(split=np.where(is_test, "test", "train"))
        check_windows(windows, cutoff=time, ends=label_ends)
    train, test = known[~is_test], known[is_test]
    chosen, left_out = _features(train, features, {label, time, group, label_ends})
    fitted = fit_candidates(
        train,
        chosen,
        label=label,
        group=group,
        target=label,
        algorithms=algorithms,
        settings=settings,
        baseline=baseline,
        implausible_auc=implausible_auc,
        allowed=allowed,
        seed=seed,
    )
    names = ("out_of_time", "random_split") if time is not None else ("held_out", "out_of_fold")
    figures, losses, earlier = [], {}, {}
    for candidate in fitted:
        with threadpool_limits(1):
            unseen = candidate.model.score(test)
        for split, rows, probability in (
            (names[0], test, unseen),
            (names[1], train, candidate.out_of_fold),
        ):
            table = judge(
                rows[label].to_numpy(),
                probability,
                group=None if group is None else rows[group].to_numpy(),
                resamples=resamples,
                seed=seed,
            )
            table.insert(0, "algorithm", candidate.algorithm)
            table.insert(1, "split", split)
            figures.append(table)
        earlier[candidate.algorithm] = row_log_loss(train[label].to_numpy(), candidate.out_of_fold)
        losses[candidate.algorithm] = row_log_loss(test[label].to_numpy(), unseen)
    # Where time passed, the later rows decide; else the held back ones stay untouched.
    if time is None:
        losses, earlier = earlier, None
    deciding = train if time is None else pd.concat([test, train])
    owner = np.arange(len(deciding)) if group is None else deciding[group].to_numpy()
    split = names[1] if time is None else names[0]
    champion, reason = choose_champion(losses, group=owner, split=split, earlier=earlier)
    if fitted[0].algorithm == "prevalence" and fitted[0].note:
        reason = fitted[0].note
    marks = pd.Series(is_test, index=known.index).reindex(frame.index)
    table = pd.concat(figures, ignore_index=True)
    return Learned(fitted, table, champion, reason, left_out, marks)


def choose_champion(
    losses: Mapping[str, np.ndarray],
    *,
    group: np.ndarray,
    split: str,
    earlier: Mapping[str, np.ndarray] | None = None,
) -> tuple[str, str]:
    """The simplest algorithm that is not clearly worse than the best, if it beats the prevalence.

    Clearly means by more than one standard error of the difference between row losses, with the
    rows of one group counted together (the one-standard-error rule of Breiman and others 1984).
    The prevalence is beaten beyond noise, as the registry asks it (``beats_prevalence``).

    Parameters
    ----------
    losses
        Algorithm → log loss of each row; the prevalence among them. The other baselines do not
        stand for election.
    group
        Of each row, those of ``earlier`` last.
    split
        Name of the rows, for the reason.
    earlier
        The same for training rows, out of fold, where ``losses`` are those of later rows.

    Returns
    -------
    tuple of str
        The champion and the reason.
    """
    standing = [name for name in ALGORITHMS if name in losses]
    mean = {name: float(loss.mean()) for name, loss in losses.items()}
    if not standing:
        return "prevalence", "no algorithm stands for election"
    best = min(standing, key=lambda name: mean[name])
    whose = group[: len(losses[best])]
    for name in standing:
        excess, error = paired_gain(losses[name], losses[best], whose)
        if name == best or excess <= error:
            champion = name
            break
    parts = [losses] if earlier is None else [losses, earlier]
    is_better, gain, error = beats_prevalence(
        [part["prevalence"] for part in parts],
        [part[champion] for part in parts],
        group=group,
        candidates=len(standing),
    )
    figures = ", ".join(f"{mean[name]:.4f} for {name}" for name in (*standing, "prevalence"))
    rows = "" if earlier is None else " with the out-of-fold training rows"
    said = (
        f"log loss {figures} ({split}); {champion} has {abs(gain):.4f} "
        f"{'less' if gain >= 0 else 'more'} than the prevalence{rows} (standard error {error:.4f}, "
        f"{asked_errors(len(standing)):.2f} are asked)"
    )
    if not is_better:
        return "prevalence", f"no algorithm clearly beats the prevalence: {said}"
    why = (
        "the lowest log loss" if champion == best else f"simpler and not clearly worse than {best}"
    )
    return champion, f"{why}: {said}"


def _check_columns(frame: pd.DataFrame, *columns: str | None) -> None:
    absent = [name for name in columns if name is not None and name not in frame.columns]
    if absent:
        raise SegmentationError(f"the table has no column {absent}; it has {list(frame.columns)}")


def _as_boolean(column: pd.Series, positive: object) -> pd.Series:
    """The label as True, False or null."""
    values = column.dropna().unique()
    if positive is not None:
        if positive not in set(values):
            raise SegmentationError(f"no row has the {column.name} {positive!r}")
        happened = (column == positive).astype("boolean")
    elif set(values) <= {0, 1}:
        happened = column.astype("boolean")
    else:
        raise SegmentationError(
            f"the label {column.name} has other values than 0 and 1: say which one is yes with "
            "`positive`"
        )
    return happened.mask(column.isna())


def _held_back(
    known: pd.DataFrame,
    label: str,
    time: str | None,
    group: str | None,
    share: float,
    seed: int,
) -> np.ndarray:
    if not 0 < share < 1:
        raise SegmentationError(f"test_share must lie between 0 and 1, not at {share}")
    if time is not None:
        place = known[time].rank(method="min", pct=True).to_numpy()
        late = known.loc[place > 1 - share, time]
        # Whole moments: the earliest one held back is the first whose rows all fit the share.
        first = late.min() if len(late) else known[time].max()
        is_test = (known[time] >= first).to_numpy()
        if is_test.all() or not is_test.any():
            raise SegmentationError(f"the column {time} does not tell earlier rows from later ones")
        return is_test
    owner = np.arange(len(known)) if group is None else known[group].to_numpy()
    parts = max(2, round(1 / share))
    outside = grouped_folds(known[label].to_numpy(), owner, folds=parts, seed=seed)[0][1]
    is_test = np.zeros(len(known), dtype=bool)
    is_test[outside] = True
    return is_test


def _features(
    train: pd.DataFrame, wanted: Iterable[Feature | str] | None, reserved: set[str | None]
) -> tuple[list[Feature], dict[str, str]]:
    """Features asked for, or all that can be one; and why other columns are none."""
    left_out: dict[str, str] = {}
    named = list(train.columns if wanted is None else wanted)
    _check_columns(train, *(f.name if isinstance(f, Feature) else f for f in named))
    chosen = []
    for item in named:
        if isinstance(item, Feature):
            chosen.append(item)
            continue
        if item in reserved:
            if wanted is not None:
                raise SegmentationError(f"{item} is the label, time or group: it is no feature")
            continue
        feature = infer_feature(train[item])
        if isinstance(feature, Feature):
            chosen.append(feature)
        elif wanted is None:
            left_out[item] = feature
        else:
            raise SegmentationError(f"{item} cannot be a feature: {feature}")
    return chosen, left_out


def infer_feature(column: pd.Series) -> Feature | str:
    """What a column is to a learner, or why it is nothing to one.

    Numbers that are never negative and lean far to the right are read as their logarithm. Seen
    are the training rows alone.
    """
    name = str(column.name)
    described = {"name": name, "view": "other", "label_en": name, "label_fr": name}
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = column.dropna().astype(float)
        skewed = len(values) > 2 and values.min() >= 0 and values.skew() > SKEWED
        transform = "log" if skewed and values.nunique() > 2 else "none"
        return Feature(**described, transform=transform, imputation="flag")
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        return "a moment is no feature: give the time since it"
    if column.nunique() > IDENTIFIER_SHARE * max(int(column.notna().sum()), 1):
        return "a text that nearly every row has another of"
    return Feature(**described, transform="none", kind="category")
