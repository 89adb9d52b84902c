"""What is said when a stored model cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from python_ext.errors import SegmentationError


class ArtefactError(SegmentationError):
    """A stored model is damaged, altered, or of a kind this version cannot read."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn whatever an artefact of another kind does to its reader into an ``ArtefactError``."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ArtefactError(
            f"{what} is of a kind that this version cannot read "
            f"({type(error).__name__}: {error}). Rebuild ml_segment_models."
        ) from error
