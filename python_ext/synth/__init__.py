"""Demo data with known truth."""

from ._generate import generate
from ._oracle import oracle_purchase_probability

__all__ = ["generate", "oracle_purchase_probability"]
