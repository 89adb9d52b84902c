"""Fitted models as bytes that can be read back without running anything in them."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from python_ext.errors import SegmentationError
from python_ext.features import Feature, feature_frame
from python_ext.imputation import FeatureImputer
from python_ext.propensity._calibration import calibrate
from python_ext.propensity._recalibration import logit

FORMAT = "segmentation.propensity.4"
# Beyond what skops trusts by itself, and nothing else.
TRUSTED = [
    "numpy.dtype",
    "python_ext.imputation.FeatureImputer",
    "python_ext.propensity._encoding.FeatureEncoder",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]
_MEMORY_ADDRESS = re.compile(r'("__id__": |"file": ")(\d+)')


class ArtefactError(SegmentationError):
    """A stored model is damaged, altered, or holds a type that is not trusted."""


@dataclass(frozen=True)
class PropensityModel:
    """A fitted model for one target with all that scoring needs.

    Attributes
    ----------
    target, algorithm, model_id
        Which model this is.
    features
        Input columns in order; empty for the prevalence baseline.
    pipeline
        Fitted scikit-learn pipeline over ``feature_frame(frame, features)``: ``FeatureEncoder``,
        ``FeatureImputer``, perhaps a scaler, the estimator. None for the prevalence.
    calibrator
        Fitted map from the pipeline's probability to the final one.
    prevalence
        Smoothed share of positive labels in the training rows.
    typical
        What the middle customer of the training rows has: the median of each number, in the
        feature's own unit, and the most frequent level of each category.
    """

    target: str
    algorithm: str
    model_id: str
    features: list[Feature]
    pipeline: Any
    calibrator: Any
    prevalence: float
    typical: list[float | str | None] = field(default_factory=list)

    def score(self, frame: pd.DataFrame) -> np.ndarray:
        """Calibrated probability of each row."""
        if self.pipeline is None:
            return np.full(len(frame), self.prevalence)
        if not len(frame):
            return np.empty(0)
        raw = self.pipeline.predict_proba(feature_frame(frame, self.features))[:, 1]
        return calibrate(self.calibrator, raw)

    def log_odds(self, frame: pd.DataFrame) -> np.ndarray:
        """Log-odds of each row before calibration: what explanations add up to."""
        if self.pipeline is None:
            return np.full(len(frame), float(logit(np.array(self.prevalence))))
        if not len(frame):
            return np.empty(0)
        return self.prepared_log_odds(self.prepare(frame))

    def prepare(self, frame: pd.DataFrame) -> np.ndarray:
        """The numbers the estimator reads, shape (rows, outputs); see ``output_features``."""
        return self.pipeline[:-1].transform(feature_frame(frame, self.features))

    def prepared_log_odds(self, values: np.ndarray) -> np.ndarray:
        """Log-odds before calibration of rows as ``prepare`` gives them."""
        return estimator_log_odds(self.estimator, values)

    @property
    def estimator(self) -> Any:
        """The last step of the pipeline; None for the prevalence."""
        return None if self.pipeline is None else self.pipeline[-1]

    @property
    def output_features(self) -> np.ndarray:
        """Position in ``features`` that each column of ``prepare`` is made of.

        A category may have several columns, and a number a second one that says it is unknown.
        """
        encoder, imputer = self.pipeline[0], self.pipeline[1]
        place = {feature.name: j for j, feature in enumerate(self.features)}
        column = np.array([place[encoder.names_[j]] for j in encoder.outputs_], dtype=int)
        return np.concatenate([column, column[imputer.flagged_]]).astype(int)

    @property
    def imputation(self) -> tuple[list[Feature], FeatureImputer] | None:
        """Its number features with what stands in for their unknown values; None for the baseline.

        The first columns of the imputer are these features, in this order.
        """
        if self.pipeline is None:
            return None
        numbers = [feature for feature in self.features if feature.kind == "number"]
        return numbers, self.pipeline[1]

    def to_bytes(self) -> bytes:
        """A skops file; the same model gives the same bytes."""
        content = {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "features": [dict(feature.__dict__) for feature in self.features],
            "format": FORMAT,
        }
        return _reproducible(skops.io.dumps(content))


_READING = threading.Lock()


def undisturbed(read: Callable[[], Any]) -> Any:
    """What ``read`` gives, one thread at a time, and once more where another got in its way.

    numpy reads the head of an array through ast, which counts its depth once for all threads in
    Python 3.11: where another model of dbt, or dbt itself, parses at the same time, it can fail
    with a SystemError that says nothing of the array.
    """
    with _READING:
        try:
            return read()
        except SystemError:
            return read()


def estimator_log_odds(estimator: Any, values: np.ndarray) -> np.ndarray:
    """Log-odds of the positive class, exact where the estimator computes in log-odds itself."""
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function(values)
    return logit(estimator.predict_proba(values)[:, 1])


def _reproducible(artefact: bytes) -> bytes:
    """Rewrite a skops file without its memory addresses, file times and unused bytes.

    skops names objects by their address in memory, which differs from run to run.
    """
    with zipfile.ZipFile(io.BytesIO(artefact)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1))

    schema = _MEMORY_ADDRESS.sub(renumber, schema)
    renamed = {
        numbers[name.split(".")[0]] + ".npy": _without_padding(data)
        for name, data in members.items()
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as file:
        for name, data in sorted({**renamed, "schema.json": schema.encode()}.items()):
            file.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _without_padding(member: bytes) -> bytes:
    """The array with zeros between its fields, where a tree's nodes hold whatever was in memory."""
    values = undisturbed(lambda: np.load(io.BytesIO(member), allow_pickle=False))
    if not values.dtype.names:
        return member
    clean = np.zeros(values.shape, dtype=values.dtype)
    for name in values.dtype.names:
        clean[name] = values[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def read_artefact(artefact: bytes, *, sha256: str) -> PropensityModel:
    """Read a model back after checking that its bytes are the ones once written.

    Raises
    ------
    ArtefactError
        If the hash differs, a type is not on the trusted list, or the format is unknown.
    """
    artefact = bytes(artefact)
    if hashlib.sha256(artefact).hexdigest() != sha256:
        raise ArtefactError(
            "a propensity artefact was altered after it was written: its hash differs. "
            "Run `segmentation models repair`, then build again."
        )
    try:
        content = undisturbed(lambda: skops.io.loads(artefact, trusted=TRUSTED))
    except (UntrustedTypesFoundException, TypeError, zipfile.BadZipFile, KeyError) as error:
        raise ArtefactError(f"a propensity artefact is refused: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ArtefactError(f"a propensity artefact is not of the format {FORMAT}")
    features = [Feature(**feature) for feature in content.pop("features")]
    return PropensityModel(features=features, **content)
