"""A card per champion as one page for people: what it is for, how good it is, and its limits."""

from python_ext.model_cards._facts import DECISIONS, Cards, TargetFacts, run_decision
from python_ext.model_cards._page import write_model_cards
from python_ext.model_cards._read import cards_of

__all__ = ["DECISIONS", "Cards", "TargetFacts", "cards_of", "run_decision", "write_model_cards"]
