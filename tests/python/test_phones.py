"""Phone numbers against numbers published as examples."""

import pandas as pd
import pytest

from python_ext.frames import typed_table
from python_ext.phones import SCHEMA, read_phone, read_phones

# ITU-T E.123 (the notation of one number), Ofcom and ARCEP (numbers kept for drama), and the
# examples of the documentation of libphonenumber.
PUBLISHED = [
    ("+22 607 123 4567", "FR", None),  # E.123 writes it with a country code nobody has
    ("+41 44 668 18 00", "FR", "+41446681800"),
    ("044 668 18 00", "CH", "+41446681800"),
    ("0041 44 668 18 00", "FR", "+41446681800"),
    ("(650) 253-0000", "US", "+16502530000"),
    ("+44 20 8366 1177", "FR", "+442083661177"),
    ("020 8366 1177", "GB", "+442083661177"),
    ("+44 (0)20 8366 1177", "FR", "+442083661177"),
    ("01 99 00 12 34", "FR", "+33199001234"),
    ("01.99.00.12.34", "FR", "+33199001234"),
    ("0033199001234", "FR", "+33199001234"),
    ("02 36 61 83 00", "IT", "+390236618300"),
]


@pytest.mark.parametrize(("text", "country", "e164"), PUBLISHED)
def test_published_examples(text, country, e164):
    found, _, is_valid = read_phone(text, country, default_country="FR")
    assert (found if is_valid else None) == e164


@pytest.mark.parametrize(
    ("text", "kind"),
    [("06 12 34 56 78", "mobile"), ("01 42 68 53 00", "fixed"), ("0800 123 456", "other")],
)
def test_the_type_of_a_number(text, kind):
    assert read_phone(text, "FR", default_country="FR")[1:] == (kind, True)


@pytest.mark.parametrize("country", ["BE", "DE", "ES"])
def test_a_number_foreign_to_the_country_of_the_record_is_read_by_the_default(country):
    assert read_phone("01 99 00 12 34", country, default_country="FR")[0] == "+33199001234"


def test_a_number_known_in_the_country_of_the_record_is_never_read_by_the_default():
    assert read_phone("02 511 12 13", "BE", default_country="FR")[0] == "+3225111213"


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("06 39 98 12 34", "+33639981234"),  # kept for fiction: in no plan
        ("063998123456", "+3363998123456"),  # longer than any French number
        ("+33 6 39 98 12 34 56", "+3363998123456"),
    ],
)
def test_a_possible_number_that_no_plan_knows_keeps_its_form(text, e164):
    assert read_phone(text, "FR", default_country="FR") == (e164, "other", False)


@pytest.mark.parametrize("text", ["12", "", "   ", "inconnu", "0199001234567890123", "+", "a@b.fr"])
def test_what_is_no_number_is_none(text):
    assert read_phone(text, "FR", default_country="FR") == (None, None, False)


def test_notations_of_one_number_agree():
    notations = ["0639981234", "06 39 98 12 34", "06.39.98.12.34", "+33639981234", "0033639981234"]
    assert len({read_phone(text, "FR", default_country="FR") for text in notations}) == 1


@pytest.mark.parametrize("texts", [[], ["12"], ["0199001234", "12", "+41446681800"]])
def test_a_column_of_numbers_has_the_types_of_its_schema(texts):
    frame = pd.DataFrame({"phone_text": texts, "country_code": ["FR"] * len(texts)}, dtype=object)
    table = typed_table(read_phones(frame, default_country="FR"), SCHEMA)
    assert table.num_rows == len(texts)
    assert table.schema.names == list(SCHEMA)


@pytest.mark.parametrize("text", ["612345678", "612345678.0", "612345678,0", "6 12 34 56 78"])
def test_a_number_that_a_spreadsheet_took_for_a_quantity_is_read(text):
    assert read_phone(text, "FR", default_country="FR") == ("+33612345678", "mobile", True)


@pytest.mark.parametrize("text", ["6,12346E+08", "6.12345678E8", "3.36E+10"])
def test_a_number_of_which_a_spreadsheet_kept_the_size_only_is_none(text):
    assert read_phone(text, "FR", default_country="FR") == (None, None, False)
