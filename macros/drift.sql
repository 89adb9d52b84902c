{#-
    After a build: a line for each feature and score that drifted, and for each champion that
    decayed, the worst first, and what to do.
-#}
{% macro warn_of_drift(results) -%}
    {%- set built = {} -%}
    {%- for result in results or []
        if result.node.name in ['feature_drift', 'model_decay']
        and result.status | string == 'success' -%}
        {%- do built.update({result.node.name: result.node.relation_name}) -%}
    {%- endfor -%}
    {%- if execute and built.feature_drift -%}
        {%- set query -%}
            select alarm || ' drift: ' || finding
            from {{ built.feature_drift }}
            where alarm <> 'none'
            order by case alarm when 'major' then 1 else 2 end, psi desc, feature, comparison
        {%- endset -%}
        {%- do warn_of(
            run_query(query).columns[0].values(), 'feature_drift',
            'look at the source of the first of them; the models are trained anew when their own '
            ~ 'limit is passed (var propensity_drift_psi), or with propensity_retrain: always'
        ) -%}
    {%- endif -%}
    {%- if execute and built.model_decay -%}
        {%- set query -%}
            select 'decay: ' || finding
            from {{ built.model_decay }}
            where is_alarm
            order by target, metric
        {%- endset -%}
        {%- do warn_of(
            run_query(query).columns[0].values(), 'model_decay',
            'do not use the scores of the target before a new model is promoted '
            ~ '(model_registry says why one was or was not)'
        ) -%}
    {%- endif -%}
{%- endmacro %}


{#-
    The first findings as warnings, how many more there are, and one line that says what to do.

    Arguments:
        findings (list of string): the worst first.
        table (string): where all of them stand.
        advice (string): what to do.
-#}
{% macro warn_of(findings, table, advice) -%}
    {%- for finding in findings[:8] -%}
        {%- do exceptions.warn('WARNING: ' ~ finding) -%}
    {%- endfor -%}
    {%- if findings -%}
        {%- set more = findings | length - 8 -%}
        {%- do exceptions.warn(
            'WARNING: ' ~ ('and ' ~ more ~ ' more, in the table ' ~ table ~ '; ' if more > 0 else '')
            ~ advice
        ) -%}
    {%- endif -%}
{%- endmacro %}
