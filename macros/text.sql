{#- Text without padding; empty text is null. -#}
{% macro clean_text(text) -%}
    nullif(trim(cast({{ text }} as string)), '')
{%- endmacro %}


{#-
    A number from what a source delivers: a number as it is, else text as people write it: 12.50,
    12,50, 1 234,56 (whatever kind of blank), 1.234,56, 1,234.56, 1'234.50, 12,50 €, 12,50-; null
    for anything else, NaN and infinity among it. One comma alone is a decimal comma. Text is taken
    apart only where the plain cast gives nothing, so a typed column costs nothing.
    python_ext/input_check.py reads alike; a test compares the two.
-#}
{% macro read_number(value) -%}
    {%- set sign = "([€$£]|EUR|USD|GBP|CHF)" -%}
    {%- set spaced = replace_regex(
        "trim(cast(" ~ value ~ " as string))", "[ \t\u00a0\u2009\u202f\\x27’]+", " "
    ) -%}
    {%- set bare = replace_regex(spaced, "^" ~ sign ~ " ?| ?" ~ sign ~ "$", "") -%}
    {%- set plain = replace_regex(
        replace_regex(bare, "^([0-9].*)-$", "-" ~ first_group()), "^[−–] ?", "-"
    ) -%}
    {%- set exponent = "([eE][-+]?[0-9]+)?" -%}
    {%- set comma = "^[-+]?([0-9]*|[0-9]{1,3}([. ][0-9]{3})+),[0-9]+" ~ exponent
        ~ "$|^[-+]?[0-9]{1,3}([.][0-9]{3}){2,}$" -%}
    {%- set point = "^[-+]?([0-9]*|[0-9]{1,3}([, ][0-9]{3})+)([.][0-9]+)?" ~ exponent ~ "$" -%}
    {#- Either engine sorts NaN above every number. #}
    case
        when {{ value }} is null then null
        when try_cast({{ value }} as double) is not null
            then case
                when abs(try_cast({{ value }} as double)) < 1e300
                    then try_cast({{ value }} as double)
            end
        when {{ matches_regex(plain, comma) }}
            then try_cast(replace({{ replace_regex(plain, "[. ]", "") }}, ',', '.') as double)
        when {{ matches_regex(plain, point) }}
            then try_cast({{ replace_regex(plain, "[, ]", "") }} as double)
    end
{%- endmacro %}


{#- A whole number, also where it was written as 3.0; null for anything else. -#}
{% macro read_integer(value) -%}
    case
        when {{ read_number(value) }} = floor({{ read_number(value) }})
            then try_cast({{ read_number(value) }} as integer)
    end
{%- endmacro %}


{#- An e-mail address in lower case where it has the form of one, else null. -#}
{% macro clean_email(text) -%}
    case
        when {{ matches_regex("lower(trim(cast(" ~ text ~ " as string)))",
            "^[a-z0-9_%+-]+([.][a-z0-9_%+-]+)*@[a-z0-9-]+([.][a-z0-9-]+)*[.][a-z]{2,}$") }}
            then lower(trim(cast({{ text }} as string)))
    end
{%- endmacro %}


{#- The part of an e-mail address before the @, folded and without separators. -#}
{% macro email_name(email) -%}
    replace({{ fold_spelling("split_part(cast(" ~ email ~ " as string), '@', 1)") }}, ' ', '')
{%- endmacro %}


{#- A last name without the form of address that was typed before it. -#}
{% macro without_title(name) -%}
    {{ replace_regex(
        "trim(cast(" ~ name ~ " as string))",
        "^([Mm]|[Mm][Mm]?[RrEe]|[Mm][Ll][Ll][Ee]|[Mm]onsieur|MONSIEUR|[Mm]adame|MADAME)([.] *| +)", ""
    ) }}
{%- endmacro %}


{#- Text in lower case without accents or punctuation: how seeds of spellings are written. -#}
{% macro fold_spelling(text) -%}
    nullif(trim({{ replace_regex(fold_text("cast(" ~ text ~ " as string)"), "[^a-z0-9]+", " ") }}), '')
{%- endmacro %}


{#-
    A customer number in the form that typists agree on: small letters and digits, without leading
    zeros and without the decimals that a spreadsheet adds.
-#}
{% macro fold_number(text) -%}
    {%- set whole = replace_regex("trim(cast(" ~ text ~ " as string))", "[.]0+$", "") -%}
    {%- set plain = replace_regex(fold_text(whole), "[^a-z0-9]+", "") -%}
    nullif({{ replace_regex(plain, "^0+", "") }}, '')
{%- endmacro %}


{#-
    A name of a person or a town: one blank between words, plain apostrophes and hyphens, and
    capitals as in French where it came in only capitals or only small letters.
-#}
{% macro clean_name(text) -%}
    {%- set spaced = replace_regex(
        replace_regex("trim(cast(" ~ text ~ " as string))", "[ \t\u00a0]+", " "), "[’‘ʼ]", "''"
    ) -%}
    {%- set plain = "nullif(trim(" ~ replace_regex(spaced, "[‐‑–]", "-") ~ "), '')" -%}
    case
        when {{ plain }} = upper({{ plain }}) or {{ plain }} = lower({{ plain }})
            then {{ capitalise_words(plain, var('small_words_of_names')) }}
        else {{ plain }}
    end
{%- endmacro %}


{#-
    A postcode in capitals with single blanks; a French one without blanks, with the leading zero
    that a spreadsheet takes away, and in Corsica with the 20 of the post instead of 2A or 2B.

    Arguments:
        text (string): the postcode as delivered.
        country (string): ISO code of its country.
-#}
{% macro clean_postcode(text, country) -%}
    {%- set plain = replace_regex(
        replace_regex("upper(trim(cast(" ~ text ~ " as string)))", "[.]0+$", ""),
        "[ \t\u00a0]+", " "
    ) -%}
    {%- set french = replace_regex(
        replace_regex(plain, "^FR?-", ""), "[ .]", ""
    ) -%}
    case
        when {{ country }} = 'FR' and {{ matches_regex(french, "^[0-9]{4}$") }}
            then '0' || {{ french }}
        when {{ country }} = 'FR' and {{ matches_regex(french, "^2[AB][0-9]{3}$") }}
            then '20' || substr({{ french }}, 3)
        when {{ country }} = 'FR' and {{ matches_regex(french, "^[0-9]{5}$") }} then {{ french }}
        else nullif({{ plain }}, '')
    end
{%- endmacro %}


{#-
    The codes of the rules of lesser severity that a row breaks, joined by commas; null for none.

    Arguments:
        conditions (dict): reason code → condition.
-#}
{% macro list_flags(conditions) -%}
    {%- if not conditions %}cast(null as string)
    {%- else -%}
    nullif(
        concat_ws(
            ','
            {%- for code, condition in conditions.items() %},
            case when {{ condition }} then '{{ code }}' end
            {%- endfor %}
        ),
        ''
    )
    {%- endif %}
{%- endmacro %}


{#- The raw row as JSON where it is set aside: packed columns become text only there. -#}
{% macro raw_row(reason, packed) -%}
    case when {{ reason }} is not null then {{ packed_to_json(packed) }} end
{%- endmacro %}


{#-
    JSON text of a row with the values of these columns hidden, and wherever they stand e-mail
    addresses (also as in an address of a page) and phone numbers.

    Arguments:
        json (string): the text, written by `packed_to_json`.
        columns (list): columns that hold personal data.
-#}
{% macro mask_json(json, columns) -%}
    {%- set value = '(?:"(?:[^"\\\\]|\\\\.)*"|[-+.0-9eE]+|true|false'
        ~ '|[{](?:[^{}]|[{][^{}]*[}])*[}]|\\[[^\\]]*\\])' -%}
    {%- set phone = '(?:[+]|00)[1-9](?:[ .-]?[0-9]){7,14}|0[1-9](?:[ .-]?[0-9]{2}){4}' -%}
    {%- set hidden = replace_regex(
        json, '"(' ~ columns | join('|') ~ ')":' ~ value, '"' ~ first_group() ~ '":"***"'
    ) if columns else json -%}
    {{ replace_regex(
        replace_regex(hidden, '[^"\\\\ ]+(?:@|%40)[^"\\\\ ]+', '***'),
        '(^|[^0-9A-Za-z+.-])(?:' ~ phone ~ ')($|[^0-9A-Za-z])', first_group() ~ '***' ~ second_group()
    ) }}
{%- endmacro %}


{#- The part of a postcode that area statistics are kept by. -#}
{% macro postcode_prefix(postcode) -%}
    substr({{ postcode }}, 1, 2)
{%- endmacro %}


{#-
    The code of every spelling that a raw column has: looked up once for each spelling, not once for
    each row. Reads the CTEs `source` and `spellings`.

    Arguments:
        column (string): the raw column.
        domain (string): its domain in the seed value_spellings.
        relation (relation), table (string): what `source()` gave, and its name as `web.events`.
-#}
{% macro codes_of(column, domain, relation, table) -%}
    select
        written.{{ column }} as written,
        coalesce(spellings.code, lower({{ clean_text('written.' ~ column) }})) as code
    from (
        select distinct {{ column }} from {{ read_again('source', relation, table) }}
    ) as written
    left join spellings
        on
            spellings.domain = '{{ domain }}'
            and {{ fold_spelling('written.' ~ column) }} = spellings.spelling
{%- endmacro %}
