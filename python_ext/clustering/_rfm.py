"""The RFM segments where they stand in for clusters: their ids and whose is which."""

from __future__ import annotations

import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError

RFM = "rfm"  # algorithm of the fallback: the RFM segments themselves
RFM_COLUMN = "rfm_segment_id"
RFM_IDS = tuple(range(901, 912))  # as numbered in the seed rfm_segments


def rfm_index(frame: pd.DataFrame) -> np.ndarray:
    if RFM_COLUMN not in frame.columns:
        raise SegmentationError(
            f"the segments are RFM segments and the customers have no column {RFM_COLUMN}. Join "
            "int_customer_rfm to them."
        )
    ids = frame[RFM_COLUMN].to_numpy(dtype=float, na_value=np.nan)
    if not np.isin(ids, RFM_IDS).all():
        raise SegmentationError(
            f"{RFM_COLUMN} must be a number from {RFM_IDS[0]} to {RFM_IDS[-1]} for every customer. "
            "Check seeds/reference/rfm_segments.csv."
        )
    return ids.astype(np.int64) - RFM_IDS[0]
