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
    Whether a row of the history was written while another view was the main one, whose numbers mean other
    segments: told by its model. Reads the CTE `runs`.
-#}
{% macro is_of_another_view(model_id) -%}
    (
        {{ model_id }} is not null
        and {{ model_id }} in (
            select known.model_id from {{ ref('ml_segment_models') }} as known
            where known.is_chosen and known.model_id is not null
        )
        and {{ model_id }} not in (select runs.model_id from runs where runs.model_id is not null)
    )
{%- endmacro %}


{#-
    Whether another view was the main one since the last state of this one: then nobody compared the models
    in between. Reads the CTEs `remembered`, `last_state` and `as_of`.
-#}
{% macro was_another_view() -%}
    coalesce(
        (
            select max(remembered.as_of_date)
            from remembered
            cross join as_of as today
            where remembered.is_of_another_view and remembered.as_of_date < today.as_of_date
        ) > (select max(last_state.as_of_date) from last_state),
        false
    )
{%- endmacro %}


{#- The highest level at which a customer is in another segment than before; null for none. -#}
{% macro highest_level_changed(compared) -%}
    case
        when coalesce({{ compared }}.segment_id, 0) <> coalesce({{ compared }}.old_segment_id, 0)
            then 'segment'
        when
            coalesce({{ compared }}.sub_segment_id, 0)
            <> coalesce({{ compared }}.old_sub_segment_id, 0)
            then 'sub_segment'
        when {{ compared }}.micro_segment_id <> {{ compared }}.old_micro_segment_id
            then 'micro_segment'
    end
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
