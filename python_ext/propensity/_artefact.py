"""Fitted models as bytes that can be read back without running anything in them."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from python_ext.errors import SegmentationError
from python_ext.features import Feature, feature_matrix
from python_ext.imputation import FeatureImputer
from python_ext.propensity._calibration import calibrate

FORMAT = "segmentation.propensity.2"
# Beyond what skops trusts by itself, and nothing else.
TRUSTED = [
    "numpy.dtype",
    "python_ext.imputation.FeatureImputer",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
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
    medians
        Median of each input over the training rows, in the feature's own unit.
    pipeline
        Fitted scikit-learn pipeline over the transformed columns; None for the baseline.
    calibrator
        Fitted map from the pipeline's probability to the final one.
    prevalence
        Smoothed share of positive labels in the training rows.
    """

    target: str
    algorithm: str
    model_id: str
    features: list[Feature]
    medians: list[float]
    pipeline: Any
    calibrator: Any
    prevalence: float

    def score(self, frame: pd.DataFrame) -> np.ndarray:
        """Calibrated probability of each row."""
        if self.pipeline is None:
            return np.full(len(frame), self.prevalence)
        if not len(frame):
            return np.empty(0)
        raw = self.pipeline.predict_proba(feature_matrix(frame, self.features))[:, 1]
        return calibrate(self.calibrator, raw)

    @property
    def imputation(self) -> tuple[list[Feature], FeatureImputer] | None:
        """Its features with what stands in for their unknown values; None for the baseline."""
        return None if self.pipeline is None else (self.features, self.pipeline[0])

    def to_bytes(self) -> bytes:
        """A skops file; the same model gives the same bytes."""
        content = {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "features": [dict(feature.__dict__) for feature in self.features],
            "format": FORMAT,
        }
        return _reproducible(skops.io.dumps(content))


def _reproducible(artefact: bytes) -> bytes:
    """Rewrite a skops file without its memory addresses and file times.

    skops names objects by their address in memory, which differs from run to run.
    """
    with zipfile.ZipFile(io.BytesIO(artefact)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1))

    schema = _MEMORY_ADDRESS.sub(renumber, schema)
    renamed = {numbers[name.split(".")[0]] + ".npy": data for name, data in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as file:
        for name, data in sorted({**renamed, "schema.json": schema.encode()}.items()):
            file.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
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
            "Rebuild ml_propensity_models."
        )
    try:
        content = skops.io.loads(artefact, trusted=TRUSTED)
    except (UntrustedTypesFoundException, TypeError, zipfile.BadZipFile, KeyError) as error:
        raise ArtefactError(f"a propensity artefact is refused: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ArtefactError(f"a propensity artefact is not of the format {FORMAT}")
    features = [Feature(**feature) for feature in content.pop("features")]
    return PropensityModel(features=features, **content)
