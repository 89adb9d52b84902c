"""How near a build on generated data comes to the truth it was generated from."""

from python_ext.truth._comparison import (
    TruthReport,
    compare_with_truth,
    main_person,
    pair_quality,
)
from python_ext.truth._drivers import IRRELEVANT, driver_directions, process_agreement
from python_ext.truth._measures import Measure
from python_ext.truth._observed import Observed, read_observed
from python_ext.truth._scores import (
    TARGETS,
    calibration_error_by_chance,
    scores_beside_truth,
)

__all__ = [
    "IRRELEVANT",
    "TARGETS",
    "Measure",
    "Observed",
    "TruthReport",
    "calibration_error_by_chance",
    "compare_with_truth",
    "driver_directions",
    "main_person",
    "pair_quality",
    "process_agreement",
    "read_observed",
    "scores_beside_truth",
]
