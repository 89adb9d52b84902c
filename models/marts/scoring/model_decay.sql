-- One row per target, run and metric: how the champion did, beside its own figure at promotion.
with decay as (

    select * from {{ ref('ml_model_decay') }}

),

final as (

    select
        target,
        as_of_date,
        metric,
        model_id,
        algorithm,
        promoted_on,
        {{ days_between('promoted_on', 'as_of_date') }} as days_since_promotion,
        test_rows,
        value_at_promotion,
        low_at_promotion,
        high_at_promotion,
        value,
        ci_low,
        ci_high,
        worse_by,
        noise,
        is_latest,
        verdict,
        is_alarm and is_latest as is_alarm,
        'the ' || metric || ' of ' || target || ' (' || algorithm || ', promoted on '
        || cast(promoted_on as string) || ') is ' || {{ in_words('value') }}
        || case
            when verdict = 'at_promotion' then ''
            else
                ', it was ' || {{ in_words('value_at_promotion') }} || coalesce(
                    ': ' || {{ in_words('abs(worse_by)') }}
                    || case when worse_by > 0 then ' worse' else ' better' end
                    || ', chance gives up to ' || {{ in_words('noise') }},
                    ''
                )
        end as finding
    from decay

)

select * from final
