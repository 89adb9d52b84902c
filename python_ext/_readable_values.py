"""Which values staging can read as the type that is declared, for the input check."""

import re

FAMILIES = {
    "integer": re.compile(r"u?(tiny|small|big|huge)?int(eger)?\b"),
    "number": re.compile(r"float|double|real|decimal|numeric"),
    "timestamp": re.compile(r"timestamp|date"),
    "boolean": re.compile(r"bool"),
}
# Numbers as the macro read_number reads them.
_SIGN = "([€$£]|EUR|USD|GBP|CHF)"
_EXPONENT = "([eE][-+]?[0-9]+)?"
_COMMA = (
    f"^[-+]?([0-9]*|[0-9]{{1,3}}([. ][0-9]{{3}})+),[0-9]+{_EXPONENT}$"
    "|^[-+]?[0-9]{1,3}([.][0-9]{3}){2,}$"
)
_POINT = f"^[-+]?([0-9]*|[0-9]{{1,3}}([, ][0-9]{{3}})+)([.][0-9]+)?{_EXPONENT}$"
MACROS = f"""
create temp macro plain_number(value) as regexp_replace(
    regexp_replace(
        regexp_replace(
            regexp_replace(trim(value), '[ \t\u00a0\u2009\u202f\\x27’]+', ' ', 'g'),
            '^{_SIGN} ?| ?{_SIGN}$', '', 'g'
        ),
        '^([0-9].*)-$', '-\\1'
    ),
    '^[−–] ?', '-'
);
create temp macro any_number(value) as coalesce(
    try_cast(value as double),
    case
        when regexp_matches(plain_number(value), '{_COMMA}')
            then try_cast(
                replace(regexp_replace(plain_number(value), '[. ]', '', 'g'), ',', '.') as double
            )
        when regexp_matches(plain_number(value), '{_POINT}')
            then try_cast(regexp_replace(plain_number(value), '[, ]', '', 'g') as double)
    end
);
create temp macro read_number(value) as
    case when abs(any_number(value)) < 1e300 then any_number(value) end;
"""
READABLE = {
    "integer": "read_number({0}) = round(read_number({0}))",
    "number": "read_number({0}) is not null",
    "timestamp": "coalesce(try_cast({0} as timestamp), try_strptime({0}, {1})) is not null",
    "boolean": "try_cast({0} as boolean) is not null",
}
WANTED = {
    "integer": "Write whole numbers, such as 1200.",
    "number": "Write numbers, such as 1234.56 or 1 234,56.",
    "timestamp": "Write dates as 2024-12-31 or 2024-12-31 18:30:00, or add their format to "
    "date_formats under vars in dataset.yml.",
    "boolean": "Write true or false.",
}
