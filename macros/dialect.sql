{#-
    Every difference between the engines, and nowhere else. Each macro is one expression, with a
    DuckDB and a Spark version.
-#}


{#-
    A timestamp from what a source delivers: a timestamp as it is, ISO text, else text in one of the
    formats of `vars: date_formats`, else null. Text with a zone (10:00Z, 10:00:00 +02:00) becomes the local
    time of the session, as a typed moment with a zone does. The engine looks at text only where the column
    is text or the plain cast gives nothing, so a typed column costs nothing.
-#}
{% macro parse_timestamp(value) -%}
    {{ return(adapter.dispatch('parse_timestamp')(value)) }}
{%- endmacro %}

{% macro default__parse_timestamp(value) -%}
    {%- set text = "trim(cast(" ~ value ~ " as string), ' \n\r\t')" -%}
    {%- set zone = ' *(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$' -%}
    coalesce(
        case
            when
                typeof({{ value }}) = 'VARCHAR'
                and regexp_matches({{ text }}, ':[0-9]{2}([.][0-9]+)?{{ zone }}')
                then
                    try_cast(
                        try_cast(
                            cast(
                                try_cast(regexp_replace({{ text }}, '{{ zone }}', '') as timestamp)
                                as string
                            )
                            || regexp_replace(
                                regexp_extract({{ text }}, '{{ zone }}', 1), 'Z|z|UTC', '+00'
                            )
                            as timestamptz
                        ) as timestamp
                    )
        end,
        {{ parse_as_it_stands(value) }}
    )
{%- endmacro %}

{#- Of DuckDB alone: arguments of `coalesce` that read a moment and leave a zone out. -#}
{% macro parse_as_it_stands(value) -%}
    try_cast({{ value }} as timestamp),
    try_cast(trim(cast({{ value }} as string)) as timestamp),
    try_strptime(
        trim(cast({{ value }} as string)), ['{{ var("date_formats") | join("', '") }}']
    )
{%- endmacro %}

{% macro spark__parse_timestamp(value) -%}
    coalesce(
        {#- Spark takes "2024" for a date as well, and "12:30" for a time of today. #}
        case
            when regexp_like(cast({{ value }} as string), r'^ *[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}')
                then try_cast({{ value }} as timestamp)
        end
        {#-
            One letter of a pattern reads one digit or two, but in digits without a sign between. Letters
            that stand for themselves (the h of 18h30) are quoted, for any letter is a pattern there.
        #}
        {%- for format in var('date_formats') %},
        try_to_timestamp(
            trim(cast({{ value }} as string)),
            "{{ modules.re.sub('(?<!%)([A-Za-z]+)', "'\\1'", format)
                | replace("%Y%m%d", "yyyyMMdd") | replace("%H%M%S", "HHmmss")
                | replace("%Y", "yyyy") | replace("%m", "M") | replace("%d", "d")
                | replace("%H", "H") | replace("%M", "m") | replace("%S", "s") }}"
        )
        {%- endfor %}
    )
{%- endmacro %}


{#- A day from what a source delivers. Nobody's birthday moves with a clock: a zone is left out. -#}
{% macro parse_date(value) -%}
    {{ return(adapter.dispatch('parse_date')(value)) }}
{%- endmacro %}

{% macro default__parse_date(value) -%}
    cast(coalesce({{ parse_as_it_stands(value) }}) as date)
{%- endmacro %}

{% macro spark__parse_date(value) -%}
    cast({{ spark__parse_timestamp(value) }} as date)
{%- endmacro %}


{#- Several columns as one value; costs nothing until something is made of it. -#}
{% macro pack_columns(columns, relation) -%}
    {{ return(adapter.dispatch('pack_columns')(columns, relation)) }}
{%- endmacro %}

{% macro default__pack_columns(columns, relation) -%}
    struct_pack(
        {%- for column in columns %}
        {{ column }} := {{ relation }}.{{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{% macro spark__pack_columns(columns, relation) -%}
    struct({{ relation }}.{{ columns | join(', ' ~ relation ~ '.') }})
{%- endmacro %}


{#- Packed columns as JSON text, nulls written out. -#}
{% macro packed_to_json(packed) -%}
    {{ return(adapter.dispatch('packed_to_json')(packed)) }}
{%- endmacro %}

{% macro default__packed_to_json(packed) -%}
    cast(to_json({{ packed }}) as string)
{%- endmacro %}

{% macro spark__packed_to_json(packed) -%}
    to_json(
        {{ packed }},
        map('ignoreNullFields', 'false', 'timestampFormat', 'yyyy-MM-dd HH:mm:ss')
    )
{%- endmacro %}


{#-
    Words in lower case with a capital each, but for those listed that do not come first. Words are
    separated by blanks, hyphens and apostrophes.
-#}
{% macro capitalise_words(text, small_words) -%}
    {{ return(adapter.dispatch('capitalise_words')(text, small_words)) }}
{%- endmacro %}

{% macro default__capitalise_words(text, small_words) -%}
    array_to_string(
        list_transform(
            regexp_extract_all(lower({{ text }}), '[^ ''-]+[ ''-]*'),
            (word, place) -> case
                when
                    place > 1
                    and rtrim(word, ' ''-') in ('{{ small_words | join("', '") }}')
                    then word
                else upper(word[1]) || word[2:]
            end
        ),
        ''
    )
{%- endmacro %}

{% macro spark__capitalise_words(text, small_words) -%}
    array_join(
        transform(
            regexp_extract_all(lower({{ text }}), "([^ '-]+[ '-]*)", 1),
            (word, place) -> case
                when
                    place > 0
                    and rtrim(" '-", word) in ('{{ small_words | join("', '") }}')
                    then word
                else upper(substr(word, 1, 1)) || substr(word, 2)
            end
        ),
        ''
    )
{%- endmacro %}


{#- Whether a text matches a regular expression anywhere. Write `[0-9]`, never `\d`. -#}
{% macro matches_regex(text, pattern) -%}
    {{ return(adapter.dispatch('matches_regex')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches_regex(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches_regex(text, pattern) -%}
    regexp_like({{ text }}, r'{{ pattern }}')
{%- endmacro %}


{#- A text with every match of a regular expression replaced. -#}
{% macro replace_regex(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_regex')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_regex(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__replace_regex(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}


{#- How a replacement names the first group of its pattern. -#}
{% macro first_group() -%}
    {{ return(adapter.dispatch('first_group')()) }}
{%- endmacro %}

{% macro default__first_group() -%}\1{%- endmacro %}

{% macro spark__first_group() -%}$1{%- endmacro %}


{#- How a replacement names the second group of its pattern. -#}
{% macro second_group() -%}
    {{ return(adapter.dispatch('second_group')()) }}
{%- endmacro %}

{% macro default__second_group() -%}\2{%- endmacro %}

{% macro spark__second_group() -%}$2{%- endmacro %}


{#- Text in lower case without accents. -#}
{% macro fold_text(text) -%}
    {{ return(adapter.dispatch('fold_text')(text)) }}
{%- endmacro %}

{% macro default__fold_text(text) -%}
    strip_accents(lower(trim({{ text }})))
{%- endmacro %}

{% macro spark__fold_text(text) -%}
    {#- What `strip_accents` of DuckDB does to the letters of Latin; marks of their own are dropped. -#}
    translate(
        regexp_replace(lower(trim({{ text }})), r'\p{M}', ''),
        '{{
            'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐ'
            ~ 'ǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓ'
            ~ 'ṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ'
        }}',
        '{{
            'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouai'
            ~ 'ouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooo'
            ~ 'pprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyy'
        }}'
    )
{%- endmacro %}


{#- A text column of a seed, null where the cell is empty: Spark reads such a cell as 'None'. -#}
{% macro seed_text(column) -%}
    {{ return(adapter.dispatch('seed_text')(column)) }}
{%- endmacro %}

{% macro default__seed_text(column) -%}
    {{ column }}
{%- endmacro %}

{% macro spark__seed_text(column) -%}
    nullif({{ column }}, 'None')
{%- endmacro %}


{#- ISO day of the week: 1 is Monday, 7 is Sunday. -#}
{% macro iso_day_of_week(day) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(day)) }}
{%- endmacro %}

{% macro default__iso_day_of_week(day) -%}
    isodow({{ day }})
{%- endmacro %}

{% macro spark__iso_day_of_week(day) -%}
    weekday({{ day }}) + 1
{%- endmacro %}


{#- Whole days from one date to another. -#}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between')(first, second)) }}
{%- endmacro %}

{% macro default__days_between(first, second) -%}
    date_diff('day', {{ first }}, {{ second }})
{%- endmacro %}

{% macro spark__days_between(first, second) -%}
    cast(datediff({{ second }}, {{ first }}) as bigint)
{%- endmacro %}


{#- Every column but these. -#}
{% macro all_but(columns) -%}
    {{ return(adapter.dispatch('all_but')(columns)) }}
{%- endmacro %}

{% macro default__all_but(columns) -%}
    * exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but(columns) -%}
    * except ({{ columns | join(', ') }})
{%- endmacro %}


{#- The texts of a group, sorted and joined by commas. -#}
{% macro sorted_texts(text) -%}
    {{ return(adapter.dispatch('sorted_texts')(text)) }}
{%- endmacro %}

{% macro default__sorted_texts(text) -%}
    string_agg({{ text }}, ', ' order by {{ text }})
{%- endmacro %}

{% macro spark__sorted_texts(text) -%}
    nullif(array_join(array_sort(collect_list({{ text }})), ', '), '')
{%- endmacro %}


{#- Every column of one relation of several but those named. -#}
{% macro all_but_of(relation, columns) -%}
    {{ return(adapter.dispatch('all_but_of')(relation, columns)) }}
{%- endmacro %}

{% macro default__all_but_of(relation, columns) -%}
    {{ relation }}.* exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but_of(relation, columns) -%}
    {{ relation }}.* except ({{ columns | join(', ') }})
{%- endmacro %}


{#- Slips of the hand from one text to another: letters more, fewer, other, or two changed about. -#}
{% macro count_slips(first, second) -%}
    {{ return(adapter.dispatch('count_slips')(first, second)) }}
{%- endmacro %}

{% macro default__count_slips(first, second) -%}
    damerau_levenshtein({{ first }}, {{ second }})
{%- endmacro %}

{% macro spark__count_slips(first, second) -%}
    case
        when
            levenshtein({{ first }}, {{ second }}) = 2
            and array_sort(split({{ first }}, '')) = array_sort(split({{ second }}, ''))
            then 1
        else levenshtein({{ first }}, {{ second }})
    end
{%- endmacro %}


{#- The SHA-256 hash of bytes, in hexadecimal digits. -#}
{% macro sha256_hex(bytes) -%}
    {{ return(adapter.dispatch('sha256_hex')(bytes)) }}
{%- endmacro %}

{% macro default__sha256_hex(bytes) -%}
    sha256({{ bytes }})
{%- endmacro %}

{% macro spark__sha256_hex(bytes) -%}
    sha2({{ bytes }}, 256)
{%- endmacro %}


{#-
    How a model that is built by arrival is kept (macros/arrivals.sql): where a table can be changed
    in place, in one transaction with what is noted of it, else rebuilt each time.
-#}
{% macro by_arrival() -%}
    {{ return(adapter.dispatch('by_arrival')()) }}
{%- endmacro %}

{% macro default__by_arrival() -%}
    {{ return('incremental') }}
{%- endmacro %}

{% macro spark__by_arrival() -%}
    {{ return('table') }}
{%- endmacro %}


{#- The path of the raw file a row comes from. -#}
{% macro path_of_row() -%}
    {{ return(adapter.dispatch('path_of_row')()) }}
{%- endmacro %}

{% macro default__path_of_row() -%}
    filename
{%- endmacro %}

{% macro spark__path_of_row() -%}
    input_file_name()
{%- endmacro %}


{#- The files of a path or pattern, each with what changes when it is written anew. -#}
{% macro files_of(path) -%}
    (
        select
            filename as file,
            size || ' bytes of ' || epoch_us(last_modified)
            -- Written so lately that more could be written within the same second.
            || case
                when last_modified > current_timestamp - interval 2 second
                    then ' or later than ' || current_timestamp
                else ''
            end as version
        from read_blob({{ dbt.string_literal(path) }})
    )
{%- endmacro %}


{#- A hash of all rows of a small table. -#}
{% macro content_hash(relation) -%}
    select md5(string_agg(line, chr(10) order by line))
    from (select cast(listed as string) as line from {{ relation }} as listed)
{%- endmacro %}


{#-
    Between `as` and the bracket of a CTE that is used several times: it is read each time, where
    DuckDB would keep it in memory as a whole. Spark reads anew by itself.
-#}
{% macro read_anew() -%}
    {{ return(adapter.dispatch('read_anew')()) }}
{%- endmacro %}

{% macro default__read_anew() -%}
not materialized
{%- endmacro %}

{% macro spark__read_anew() -%}
{%- endmacro %}


{#- A number of 64 bits for the values of some expressions, null among them; seldom the same for others. -#}
{% macro hash_of(expressions) -%}
    {{ return(adapter.dispatch('hash_of')(expressions)) }}
{%- endmacro %}

{% macro default__hash_of(expressions) -%}
    hash({{ expressions | join(', ') }})
{%- endmacro %}

{% macro spark__hash_of(expressions) -%}
    xxhash64({{ expressions | join(', ') }})
{%- endmacro %}
