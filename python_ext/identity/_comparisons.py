"""How two records are compared, column by column, and which pairs are compared at all."""

from __future__ import annotations

from typing import Any

_SHARED_WORDS = (
    "len(list_intersect(address_words_l, address_words_r))"
    " / len(list_distinct(list_concat(address_words_l, address_words_r)))"
)
_TYPING_ERROR = "damerau_levenshtein({0}_l, {0}_r) <= 1"
_SAME_CITY = "jaro_winkler_similarity(city_l, city_r) >= 0.92"
_SWAPPED = (
    "(jaro_winkler_similarity(first_name_l, last_name_r) >= 0.88"
    " and jaro_winkler_similarity(last_name_l, first_name_r) >= 0.88)"
)
_SIMILAR = "jaro_winkler_similarity({0}_l, {0}_r) >= 0.88"


def _near(condition: str, column: str) -> str:
    """A condition that holds for misspellings only.

    Martin and Martine are a letter apart and two people; Matrin is nobody's name.
    """
    two_names = f"is_{column}_established_l and is_{column}_established_r"
    return f"{condition.format(column)} and not ({two_names})"


# By column: levels between "same" and "different" (label, SQL condition), best first, and whether
# "same" is weighted by how frequent the value is: Martin says less than Vauquelin.
_LEVELS: dict[str, tuple[tuple[tuple[str, str], ...], bool]] = {
    "first_name": (
        (
            ("swapped with the last name", _SWAPPED),
            ("one typing error", _near(_TYPING_ERROR, "first_name")),
            ("similar", _near(_SIMILAR, "first_name")),
        ),
        True,
    ),
    "last_name": (
        (
            ("one typing error", _near(_TYPING_ERROR, "last_name")),
            ("similar", _near(_SIMILAR, "last_name")),
        ),
        True,
    ),
    "email": (
        (
            # Not the part before the @ alone: it repeats the names, and would count them twice.
            ("two typing errors at most", "damerau_levenshtein(email_l, email_r) <= 2"),
        ),
        True,
    ),
    "phone": ((("one digit off", "levenshtein(phone_l, phone_r) <= 1"),), True),
    "address": (
        (
            (
                "two typing errors at most",
                "damerau_levenshtein(address_letters_l, address_letters_r) <= 2",
            ),
            ("most words shared", f"{_SHARED_WORDS} >= 0.6"),
            ("some words shared", f"{_SHARED_WORDS} >= 0.3"),
        ),
        True,
    ),
    "postcode": (
        (
            (
                "one character off in the same city",
                f"{_TYPING_ERROR.format('postcode')} and {_SAME_CITY}",
            ),
            ("same city", _SAME_CITY),
            ("one character off", _TYPING_ERROR.format("postcode")),
            ("same area", "postcode_l[1:2] = postcode_r[1:2]"),
        ),
        True,
    ),
    "birth_on": (
        (
            ("one typing error", _TYPING_ERROR.format("birth_on")),
            ("two typing errors", "damerau_levenshtein(birth_on_l, birth_on_r) <= 2"),
            (
                "same day or same year",
                "birth_on_l[5:10] = birth_on_r[5:10] or birth_on_l[1:4] = birth_on_r[1:4]",
            ),
        ),
        False,
    ),
}
COLUMNS = tuple(_LEVELS)
SAME, DIFFERENT = "same", "different"


def labels(column: str) -> list[str]:
    """Names of the levels of a comparison, best first, without the one for missing values."""
    return [SAME, *(label for label, _ in _LEVELS[column][0]), DIFFERENT]


def comparison(column: str, weights: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A comparison in Splink's terms.

    Parameters
    ----------
    column
        One of ``COLUMNS``.
    weights
        ``m`` and ``u`` of each level in the order of ``labels``; none for an untrained one.
    """
    between, by_frequency = _LEVELS[column]
    same: dict[str, Any] = {"sql_condition": f"{column}_l = {column}_r"}
    if by_frequency:
        same |= {"tf_adjustment_column": column, "tf_adjustment_weight": 1.0}
    levels = [same, *({"sql_condition": condition} for _, condition in between)]
    levels.append({"sql_condition": "ELSE"})
    for level, label in zip(levels, labels(column), strict=True):
        level["label_for_charts"] = label
    for level, weight in zip(levels, weights or [], strict=bool(weights)):
        level |= {"m_probability": weight["m"], "u_probability": weight["u"]}
    no_evidence = f"{column}_l is null or {column}_r is null"
    if column == "last_name":
        # Said once already, by the first name.
        no_evidence += f" or {_SWAPPED}"
    missing = {
        "sql_condition": no_evidence,
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    return {"output_column_name": column, "comparison_levels": [missing, *levels]}


def _same(*expressions: str) -> str:
    """Condition that both records agree on each expression ({0} stands for the record)."""
    return " and ".join(
        f"{text.format('l')} = {text.format('r')}"
        for text in (e if "{0}" in e else "{0}." + e for e in expressions)
    )


_FIRST_INITIAL = "substr({0}.first_name, 1, 1)"
_LAST_INITIAL = "substr({0}.last_name, 1, 1)"
# House number and the beginning of the street.
_STREET = "substr({0}.address_letters, 1, 6)"

# A pair is compared when it agrees on all of one of these ({0} stands for the record) …
PREDICTION_BLOCKS = (
    ("email",),
    ("phone",),
    ("birth_on",),
    ("last_name", "first_name"),
    ("address_letters", "postcode"),
    ("address_letters", "city"),
    ("last_name", "postcode"),
    ("first_name", "postcode"),
    (_FIRST_INITIAL, "substr({0}.last_name, 1, 3)", "city"),
    (_FIRST_INITIAL, _LAST_INITIAL, "postcode"),
    (_LAST_INITIAL, "address_letters"),
    (_STREET, "postcode"),
    (_STREET, "city"),
)
# … unless so many records do that agreeing says nothing, for pairs grow with their square. Frequent
# birth dates and streets in large towns are such; records of one person agree elsewhere as well.
MOST_IN_A_BLOCK = 100
SWAPPED_BLOCK = "l.first_name = r.last_name and l.last_name = r.first_name"


def block_columns(table: str) -> list[str]:
    """SQL of a column for each of ``PREDICTION_BLOCKS``: what agrees, null in large blocks."""
    columns = []
    for number, block in enumerate(PREDICTION_BLOCKS):
        parts = [e.format(table) if "{0}" in e else f"{table}.{e}" for e in block]
        key = " || '|' || ".join(f"cast({part} as varchar)" for part in parts)
        size = f"count(*) over (partition by {key})"
        columns.append(f"case when {size} <= {MOST_IN_A_BLOCK} then {key} end as block_{number}")
    return columns


# Expectation-maximisation runs within each of these in turn, and learns the columns that the block
# does not fix. None is a household's (an address, a last name with a postcode): there most are
# relatives, and the two classes found would be household and strangers.
TRAINING_BLOCKS = (
    _same("first_name", "last_name"),
    _same("first_name", "birth_on"),
    _same("birth_on", "postcode"),
)
