"""How two records are compared, column by column, and how much that can say."""

from __future__ import annotations

from math import log2
from typing import Any

_SHARED_WORDS = (
    "len(list_intersect(address_words_l, address_words_r))"
    " / (len(address_words_l) + len(address_words_r)"
    " - len(list_intersect(address_words_l, address_words_r)))"
)


def _typing_errors(column: str, most: int) -> str:
    """A condition that two values are at most so many typing errors apart.

    Levenshtein counts neighbours that changed places as two, and takes a sixth of the time.
    """
    return (
        f"case when abs(length({column}_l) - length({column}_r)) > {most} then false"
        f" when levenshtein({column}_l, {column}_r) > {2 * most} then false"
        f" else damerau_levenshtein({column}_l, {column}_r) <= {most} end"
    )


_SAME_CITY = "jaro_winkler_similarity(city_l, city_r) >= 0.92"
# A case looks at the second pair only where the first agrees; `and` would look at both.
_SWAPPED = (
    "case when jaro_winkler_similarity(first_name_l, last_name_r) >= 0.88"
    " then jaro_winkler_similarity(last_name_l, first_name_r) >= 0.88 else false end"
)
_SIMILAR = "jaro_winkler_similarity({0}_l, {0}_r) >= 0.88"


def _near(condition: str, column: str) -> str:
    """A condition that holds for misspellings only.

    Martin and Martine are a letter apart and two people; Matrin is nobody's name.
    """
    two_names = f"is_{column}_established_l and is_{column}_established_r"
    return f"case when {two_names} then false else {condition.format(column)} end"


# By column: levels between "same" and "different" (label, SQL condition), best first, and whether
# "same" is weighted by how frequent the value is: Martin says less than Vauquelin.
_LEVELS: dict[str, tuple[tuple[tuple[str, str], ...], bool]] = {
    "first_name": (
        (
            ("swapped with the last name", _SWAPPED),
            ("one typing error", _near(_typing_errors("first_name", 1), "first_name")),
            ("similar", _near(_SIMILAR, "first_name")),
        ),
        True,
    ),
    "last_name": (
        (
            ("one typing error", _near(_typing_errors("last_name", 1), "last_name")),
            ("similar", _near(_SIMILAR, "last_name")),
        ),
        True,
    ),
    "email": (
        (
            # Not the part before the @ alone: it repeats the names, and would count them twice.
            ("two typing errors at most", _typing_errors("email", 2)),
        ),
        True,
    ),
    "phone": ((("one digit off", "levenshtein(phone_l, phone_r) <= 1"),), True),
    "address": (
        (
            ("two typing errors at most", _typing_errors("address_letters", 2)),
            ("most words shared", f"{_SHARED_WORDS} >= 0.6"),
            ("some words shared", f"{_SHARED_WORDS} >= 0.3"),
        ),
        True,
    ),
    "postcode": (
        (
            (
                "one character off in the same city",
                f"({_typing_errors('postcode', 1)}) and {_SAME_CITY}",
            ),
            ("same city", _SAME_CITY),
            ("one character off", _typing_errors("postcode", 1)),
            ("same area", "postcode_l[1:2] = postcode_r[1:2]"),
        ),
        True,
    ),
    "birth_on": (
        (
            ("one typing error", _typing_errors("birth_on", 1)),
            ("two typing errors", _typing_errors("birth_on", 2)),
            (
                "same day or same year",
                "birth_on_l[5:10] = birth_on_r[5:10] or birth_on_l[1:4] = birth_on_r[1:4]",
            ),
        ),
        False,
    ),
}
COLUMNS = tuple(_LEVELS)
BY_FREQUENCY = tuple(column for column, (_, by_frequency) in _LEVELS.items() if by_frequency)
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


def most_bits(column: str, weights: list[dict[str, Any]], *, exactly: bool) -> str:
    """SQL of the most that a column can say for two records being one person, in bits.

    Parameters
    ----------
    column
        One of ``COLUMNS``.
    weights
        ``m`` and ``u`` of each level in the order of ``labels``.
    exactly
        Whether to go through all levels. Else two values that differ may be as similar as values
        can be, which costs nothing to look at.
    """
    missing, same, *others = comparison(column, weights)["comparison_levels"]
    bits = [log2(level["m_probability"] / level["u_probability"]) for level in others]
    said_by_same = f"{log2(same['m_probability'] / same['u_probability'])}"
    if "tf_adjustment_column" in same:
        said_by_same = f"log2({same['m_probability']} / tf_{column}_l)"
    cases = [
        f"when {missing['sql_condition']} then 0",
        f"when {same['sql_condition']} then {said_by_same}",
    ]
    if exactly:
        between = zip(others[:-1], bits[:-1], strict=True)
        cases += [f"when {level['sql_condition']} then {value}" for level, value in between]
    return f"case {' '.join(cases)} else {bits[-1] if exactly else max(bits)} end"
