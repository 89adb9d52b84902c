{#- The level that a sub- or micro-segment is a part of; null for a segment. -#}
{% macro level_above(level) -%}
    case {{ level }} when 'sub_segment' then 'segment' when 'micro_segment' then 'sub_segment' end
{%- endmacro %}


{#- A stage of life in French. -#}
{% macro lifecycle_fr(lifecycle) -%}
    case {{ lifecycle }}
        when 'new' then 'nouveau'
        when 'active' then 'actif'
        when 'cooling' then 'tiède'
        when 'inactive' then 'inactif'
    end
{%- endmacro %}


{#-
    Whether a segment was noted by an hourly run for a date that no run of the models followed: the
    next one reckons with that date no more. Reads the CTEs `runs` and `as_of`.
-#}
{% macro was_provisional(noted_on) -%}
    (
        {{ noted_on }} < (select as_of.as_of_date from as_of)
        and {{ noted_on }} > (select min(runs.as_of_date) from runs)
        and {{ noted_on }} not in (select runs.as_of_date from runs)
    )
{%- endmacro %}


{#-
    Whether a row of the history is kept: of who may be profiled, or is known from a later date on, whom a
    look back must not forget. Reads the CTEs `permissions` (joined) and `as_of`.
-#}
{% macro is_remembered(rows) -%}
    (
        permissions.may_be_profiled
        or (permissions.customer_key is null and {{ rows }}.as_of_date > as_of.as_of_date)
    )
{%- endmacro %}


{#- Whether a model was fitted at a date that is not the first. Reads the CTE `runs`. -#}
{% macro was_fitted_again(day) -%}
    exists (
        select 1 from runs
        where
            runs.as_of_date = {{ day }}
            and runs.decision <> 'kept'
            and runs.as_of_date > (select min(first_run.as_of_date) from runs as first_run)
    )
{%- endmacro %}
