"""A fitted segmentation that can be stored, read back safely, and applied in batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from python_ext.clustering._artefact import ArtefactError, reading
from python_ext.clustering._assigners import (
    Assigner,
    Centroids,
    effective_variance,
    outlier_limits,
    read_assigner,
)
from python_ext.clustering._preparation import ViewPreparation
from python_ext.clustering._rfm import RFM, RFM_COLUMN, RFM_IDS, rfm_index
from python_ext.clustering._views import ViewFeature
from python_ext.errors import SegmentationError
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer

FORMAT = "segmentation.2026-11"
CUSTOMER_KEY = "customer_key"

CLUSTERS_SCHEMA = Schema(
    {
        "view": "string",
        "customer_key": "string",
        "segment_id": "bigint",
        "sub_segment_id": "bigint",
        "micro_segment_id": "bigint",
        "membership_probability": "double",
        "second_segment_id": "bigint",
        "second_probability": "double",
        "distance": "double",
        "is_outlier": "boolean",
        "imputed_features": "bigint",
        "model_id": "string",
        "previous_model_segment_id": "bigint",
    },
    key=("view", "customer_key"),
)


@dataclass(frozen=True)
class SegmentModel:
    """Segments of one view in prepared coordinates, and what is needed to assign any customer.

    Attributes
    ----------
    view
        Name of the view.
    algorithm
        kmeans, ward, average, gmm, dbscan, hdbscan, or rfm: no algorithm found anything, and the
        RFM segments stand in.
    preparation
        From raw features to coordinates.
    centroids
        Shape (k, width): mean of each segment's customers; row i is the segment of index i.
    shares
        Share of the fitted customers in each segment.
    limits
        Distance to its centroid beyond which a member of a segment counts as an outlier.
    assigner
        The algorithm's own rule of who belongs where; None for rfm.
    ids
        Public id of each segment, by index.
    issued
        Level → highest id ever given, so that none is given twice.
    nesting
        Sub- and micro-segments, or None.
    reference
        What drift is measured against, or None.
    """

    view: str
    algorithm: str
    preparation: ViewPreparation
    centroids: np.ndarray
    shares: np.ndarray
    limits: np.ndarray
    assigner: Assigner | None
    ids: tuple[int, ...]
    issued: dict[str, int]
    nesting: Any = None
    reference: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.centroids)

    @property
    def is_fallback(self) -> bool:
        """Whether these are the RFM segments, because nothing stable was found."""
        return self.algorithm == RFM

    @classmethod
    def fit(
        cls,
        preparation: ViewPreparation,
        points: np.ndarray,
        labels: np.ndarray,
        *,
        view: str,
        algorithm: str,
        far: np.ndarray,
        worth: np.ndarray,
        outlier: float,
        assigner: Assigner | None = None,
    ) -> SegmentModel:
        """Describe a finished clustering; segments get the ids 1…k.

        Parameters
        ----------
        points, far
            The fitted customers in prepared coordinates, winsorised and not.
        labels
            Cluster of each customer, 0…k−1.
        worth
            Segments are numbered by its mean, largest first, so that the same solution always
            gets the same numbers.
        outlier
            Limit = median + outlier · 1.4826 · MAD of the members' distances.
        assigner
            In the order of ``labels``; the spherical posterior of the centroids if not given.
        """
        k = (
            len(assigner.probabilities(points[:1])[0])
            if assigner is not None and len(points)
            else 0
        )
        k = max(k, int(labels.max(initial=0)) + 1)
        members = [labels == cluster for cluster in range(k)]
        centroids = np.array(
            [points[m].mean(axis=0) if m.any() else np.zeros(points.shape[1]) for m in members]
        )
        value = [float(worth[m].mean()) if m.any() else 0.0 for m in members]
        order = sorted(range(k), key=lambda c: (-value[c], tuple(centroids[c])))
        centroids = centroids[order]
        number = np.argsort(order)[labels]
        shares = np.bincount(number, minlength=k) / len(number) if len(number) else np.ones(k)
        if assigner is None:
            assigner = Centroids(centroids, shares, effective_variance(points - centroids[number]))
        else:
            assigner = assigner.reordered(order)
        return cls(
            view=view,
            algorithm=algorithm,
            preparation=preparation,
            centroids=centroids,
            shares=shares,
            limits=outlier_limits(far, centroids, number, outlier),
            assigner=assigner,
            ids=tuple(range(1, k + 1)),
            issued={"segment": k},
        )

    @classmethod
    def of_rfm(
        cls,
        preparation: ViewPreparation,
        points: np.ndarray,
        rfm_segment_id: np.ndarray,
        *,
        view: str,
        far: np.ndarray,
        outlier: float,
    ) -> SegmentModel:
        """The RFM segments as the segmentation of a view in which nothing was found."""
        number = np.asarray(rfm_segment_id, dtype=np.int64) - RFM_IDS[0]
        k = len(RFM_IDS)
        members = [number == segment for segment in range(k)]
        middle = points.mean(axis=0) if len(points) else np.zeros(points.shape[1])
        centroids = np.array([points[m].mean(axis=0) if m.any() else middle for m in members])
        return cls(
            view=view,
            algorithm=RFM,
            preparation=preparation,
            centroids=centroids,
            shares=np.bincount(number, minlength=k) / max(len(number), 1),
            limits=outlier_limits(far, centroids, number, outlier),
            assigner=None,
            ids=RFM_IDS,
            issued={"segment": 0},
        )

    def labels(self, points: np.ndarray) -> np.ndarray:
        """Index 0…k−1 of the most probable segment of each row of prepared coordinates.

        Raises
        ------
        SegmentationError
            For RFM segments, which follow a column and not the coordinates.
        """
        return self._probabilities(points).argmax(axis=1)

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Mask of the rows that have a segment in this view."""
        if self.is_fallback or not self.preparation.features:
            return np.ones(len(frame), bool)
        return self.preparation.known(frame)

    def assign(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Segment of each customer with its probability.

        The segment is the most probable one. ``distance`` is Euclidean, to the segment's centroid,
        before winsorising, so that an extreme customer is seen as one. RFM segments are certain.

        Returns
        -------
        pandas.DataFrame
            Columns of ``CLUSTERS_SCHEMA``, one row per row of ``frame`` that is known in this
            view. ``previous_model_segment_id`` is null.
        """
        known = self.known(frame)
        if not known.all():
            frame = frame[known]
        points, far = self.preparation.transform_both(frame)
        rows = np.arange(len(frame))
        number = np.array(self.ids, dtype=np.int64)
        second = second_probability = np.nan
        if self.is_fallback:
            first = rfm_index(frame)
            probability, noise = np.ones(len(frame)), np.zeros(len(frame), bool)
        else:
            posterior = self._probabilities(points)
            first = posterior.argmax(axis=1)
            probability = posterior[rows, first]
            noise = self.assigner.far_out(points, first)
            if self.k > 1:
                posterior[rows, first] = -1.0
                second = posterior.argmax(axis=1)
                second_probability = posterior[rows, second]
                second = number[second]
        sub = micro = np.nan
        if self.nesting is not None and len(frame):
            sub, micro = self.nesting.assign(points, first)
        distance = np.sqrt(((far - self.centroids[first]) ** 2).sum(axis=1))
        return pd.DataFrame(
            {
                "view": self.view,
                "customer_key": frame[CUSTOMER_KEY].to_numpy(),
                "segment_id": number[first],
                "sub_segment_id": sub,
                "micro_segment_id": micro,
                "membership_probability": probability,
                "second_segment_id": second,
                "second_probability": second_probability,
                "distance": distance,
                "is_outlier": noise | (distance > self.limits[first]),
                "imputed_features": self.preparation.count_imputed(frame),
                "model_id": self.model_id,
                "previous_model_segment_id": np.nan,
            },
            index=np.arange(len(frame)),
        )

    def segment_ids(self, frame: pd.DataFrame) -> np.ndarray:
        """Public segment id of each row as float, NaN where the view knows nothing of it."""
        found = np.full(len(frame), np.nan)
        known = self.known(frame)
        part = frame if known.all() else frame[known]
        first = (
            rfm_index(part) if self.is_fallback else self.labels(self.preparation.transform(part))
        )
        found[known] = np.array(self.ids, dtype=float)[first]
        return found

    def replace_ids(
        self, ids: Sequence[int], issued: Mapping[str, int] | None = None
    ) -> SegmentModel:
        """The same segments under other ids.

        Raises
        ------
        SegmentationError
            If an id repeats, is not positive, or there is not one for each segment.
        """
        ids = tuple(int(number) for number in ids)
        if len(ids) != self.k or len(set(ids)) != self.k or min(ids) < 1:
            raise SegmentationError(
                f"segments of view {self.view} cannot have the ids {ids}: {self.k} different "
                "positive numbers are needed"
            )
        return replace(self, ids=ids, issued=dict(self.issued if issued is None else issued))

    def with_nesting(self, nesting: Any) -> SegmentModel:
        """The same segments with sub- and micro-segments."""
        return replace(self, nesting=nesting)

    def with_reference(self, reference: dict[str, Any] | None) -> SegmentModel:
        """The same segments with what drift is measured against."""
        return replace(self, reference=reference)

    @property
    def imputation(self) -> tuple[list[ViewFeature], FeatureImputer]:
        """Its features with what stands in for their unknown values."""
        return self.preparation.features, FeatureImputer.from_dict(self.preparation.imputer)

    def to_bytes(self) -> bytes:
        """JSON text: readable, and nothing in it can run."""
        return self._stored

    @cached_property
    def _stored(self) -> bytes:
        content = {
            "format": FORMAT,
            "view": self.view,
            "algorithm": self.algorithm,
            "preparation": self.preparation.to_dict(),
            "centroids": self.centroids.tolist(),
            "shares": self.shares.tolist(),
            "limits": self.limits.tolist(),
            "assigner": None if self.assigner is None else self.assigner.to_dict(),
            "ids": list(self.ids),
            "issued": self.issued,
            "nesting": None if self.nesting is None else self.nesting.to_dict(),
            "reference": self.reference,
        }
        return json.dumps(content, sort_keys=True, allow_nan=False).encode()

    @cached_property
    def model_id(self) -> str:
        """First 16 hexadecimal characters of the artefact's SHA-256."""
        return hashlib.sha256(self._stored).hexdigest()[:16]

    @classmethod
    def from_bytes(cls, artefact: bytes, *, model_id: str) -> SegmentModel:
        """Read an artefact whose hash is its model id.

        Raises
        ------
        ArtefactError
            If the bytes do not hash to ``model_id`` or are of another format.
        """
        artefact = bytes(artefact)
        if hashlib.sha256(artefact).hexdigest()[:16] != model_id:
            raise ArtefactError(
                f"the artefact of segment model {model_id} was altered after it was written: its "
                "hash differs. Run `segmentation models repair`, then build again."
            )
        with reading(f"segment model {model_id}"):
            return cls._read(json.loads(artefact), model_id)

    @classmethod
    def _read(cls, stored: Mapping[str, Any], model_id: str) -> SegmentModel:
        if stored.get("format") != FORMAT:
            raise ArtefactError(
                f"segment model {model_id} has the format {stored.get('format')!r}; this version "
                f"reads {FORMAT!r}. Rebuild ml_segment_models."
            )
        preparation = ViewPreparation.from_dict(stored["preparation"])
        width = preparation.width
        model = cls(
            view=stored["view"],
            algorithm=stored["algorithm"],
            preparation=preparation,
            centroids=np.array(stored["centroids"], dtype=float).reshape(-1, width),
            shares=np.array(stored["shares"], dtype=float),
            limits=np.array(stored["limits"], dtype=float),
            assigner=read_assigner(stored["assigner"], width) if stored["assigner"] else None,
            ids=tuple(stored["ids"]),
            issued=dict(stored["issued"]),
            nesting=_read_nesting(stored["nesting"]),
            reference=stored["reference"],
        )
        if not model.k == len(model.ids) == len(model.shares) == len(model.limits):
            raise ValueError(f"{model.k} centroids and {len(model.ids)} ids")
        return model

    def _probabilities(self, points: np.ndarray) -> np.ndarray:
        if self.assigner is None:
            raise SegmentationError(
                f"the segments of view {self.view} are RFM segments: they follow the column "
                f"{RFM_COLUMN}, not coordinates. Pass the customers to assign()."
            )
        return self.assigner.probabilities(points)


def _read_nesting(stored: Mapping[str, Any] | None) -> Any:
    if stored is None:
        return None
    from python_ext.clustering._nesting import Nesting

    return Nesting.from_dict(stored)
