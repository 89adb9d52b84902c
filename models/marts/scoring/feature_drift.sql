-- One row per comparison, feature and start of the step: what moved, and what to make of it.
with drift as (

    select * from {{ ref('ml_feature_drift') }}

),

feature_definitions as (

    select * from {{ ref('feature_definitions') }}

),

named as (

    select
        drift.*,
        coalesce(
            feature_definitions.label_en, 'Score ' || replace(drift.feature, 'score:', '')
        ) as label_en,
        coalesce(
            feature_definitions.label_fr, 'Score ' || replace(drift.feature, 'score:', '')
        ) as label_fr
    from drift
    left join feature_definitions on drift.feature = feature_definitions.feature

),

final as (

    select
        comparison,
        feature,
        label_en,
        label_fr,
        from_on,
        to_on,
        from_cutoff,
        to_cutoff,
        from_customers,
        to_customers,
        reference_on,
        psi,
        critical,
        usual_psi,
        null_share_before,
        null_share,
        null_change,
        null_critical,
        new_categories,
        new_category_share,
        is_latest,
        severity,
        reading,
        alarm,
        label_en || ' (' || feature || '), ' || comparison
        || ' of ' || cast(from_on as string) || ' and ' || cast(to_on as string)
        || ': PSI ' || {{ in_words('psi') }} || ', chance gives ' || {{ in_words('critical') }}
        || coalesce(', usual are up to ' || {{ in_words('usual_psi') }}, '')
        || case
            when abs(null_change) > null_critical
                then
                    '; unknown ' || {{ in_words('100 * null_share_before') }} || ' % before and '
                    || {{ in_words('100 * null_share') }} || ' % now'
            else ''
        end
        || coalesce(
            '; new: ' || new_categories || ' ('
            || {{ in_words('100 * new_category_share') }} || ' %)',
            ''
        )
        || case
            when reading = 'drifted' and usual_psi is null
                then '; nothing earlier to compare with'
            when reading = 'drifted' and not has_year
                then '; less than a year of history, it may be the season'
            else ''
        end as finding
    from named

)

select * from final
