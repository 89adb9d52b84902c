"""Phone numbers as people write them, in the one international form (E.164).

The plans of all countries come from the library ``phonenumbers``, the Python version of Google's
libphonenumber.
"""

import re

import pandas as pd
import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from python_ext.frames import Schema

SCHEMA = Schema(
    {
        "phone_text": "string",
        "country_code": "string",
        "e164": "string",
        "phone_type": "string",
        "is_valid": "boolean",
    },
    key=("phone_text", "country_code"),
)

FEWEST_DIGITS, MOST_DIGITS = 8, 15
"""Digits of a number with its country code; E.164 allows 15, and no subscriber has under 8."""

_TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
}


def read_phone(
    text: str, country: str, *, default_country: str
) -> tuple[str | None, str | None, bool]:
    """Read one number.

    A number without a country code is read by the plan of the record's country, and by that of
    ``default_country`` where the former does not know it. A number that neither plan knows but that
    has a possible length keeps its form by the former: it still tells two people apart.

    Parameters
    ----------
    text : str
        As written.
    country, default_country : str
        ISO 3166 codes of two letters.

    Returns
    -------
    e164 : str or None
        ``+`` and 8 to 15 digits; None where the text is no number.
    phone_type : str or None
        mobile, fixed or other.
    is_valid : bool
        Whether the plan of its country knows the number.
    """
    # A spreadsheet that takes the number for a quantity adds .0, or keeps a few digits only.
    if re.fullmatch(r"\s*[0-9][.,][0-9]+[eE]\+?[0-9]+\s*", text):
        return None, None, False
    written = re.sub(r"^(\s*[0-9]+)[.,]0+\s*$", r"\1", text)
    # 00 dials out of most countries, and no national number begins with it.
    written = re.sub(r"^\s*00", "+", written)
    candidates = [
        number
        for region in dict.fromkeys((country, default_country))
        if (number := _parsed(written, region)) is not None
    ]
    known = next((n for n in candidates if phonenumbers.is_valid_number(n)), None)
    if known is not None:
        kind = _TYPES.get(phonenumbers.number_type(known), "other")
        return phonenumbers.format_number(known, PhoneNumberFormat.E164), kind, True
    for number in candidates:
        form = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if FEWEST_DIGITS <= len(form) - 1 <= MOST_DIGITS:
            return form, "other", False
    return None, None, False


def read_phones(texts: pd.DataFrame, *, default_country: str) -> pd.DataFrame:
    """Read a column of numbers.

    Parameters
    ----------
    texts : pandas.DataFrame
        Columns ``phone_text`` and ``country_code``, nothing missing.
    default_country : str
        As in ``read_phone``.

    Returns
    -------
    pandas.DataFrame
        The columns of ``SCHEMA``, in the same order of rows.
    """
    found = [
        read_phone(text, country, default_country=default_country)
        for text, country in zip(texts["phone_text"], texts["country_code"], strict=True)
    ]
    read = pd.DataFrame(found, columns=["e164", "phone_type", "is_valid"], index=texts.index)
    read["is_valid"] = read["is_valid"].astype(bool)
    return pd.concat([texts[["phone_text", "country_code"]], read], axis=1)


def _parsed(text: str, region: str) -> PhoneNumber | None:
    """The number by one plan; None where the text is no number there."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    number.extension = None
    return number
