"""One comparison with the truth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One comparison.

    Attributes
    ----------
    question : str
        What is compared.
    found : float or None
        Figure of the build; None where it cannot be computed.
    ceiling : float or None
        The best possible: 1, for a score what its observations allow, for a calibration error
        what chance alone shows.
    basis : str
        What it was measured on.
    """

    question: str
    found: float | None
    ceiling: float | None
    basis: str
