"""A card per champion as one page for people: what it is for, how good it is, and its limits."""

from python_ext.model_cards._facts import DECISIONS, run_decision
from python_ext.model_cards._page import write_model_cards

__all__ = ["DECISIONS", "run_decision", "write_model_cards"]
