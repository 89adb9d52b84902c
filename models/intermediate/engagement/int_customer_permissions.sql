-- One row per customer_key: what the person allows at the as-of date.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

decided as (

    select
        customer_key,
        bool_or(purpose = 'email_marketing' and is_granted) as has_email_consent,
        bool_or(purpose = 'ad_targeting' and is_granted) as has_ad_consent,
        bool_or(purpose = 'profiling' and is_granted) as has_profiling_consent,
        bool_or(purpose = 'profiling' and not is_granted) as has_objected_to_profiling
    from {{ ref('int_consents_current') }}
    group by customer_key

),

final as (

    select
        customers.customer_key,
        coalesce(decided.has_email_consent, false) as has_email_consent,
        coalesce(decided.has_profiling_consent, false) as has_profiling_consent,
        coalesce(decided.has_ad_consent, false) as has_ad_consent,
        {%- if var('profiling_basis') == 'consent' %}
        coalesce(decided.has_profiling_consent, false) as may_be_profiled
        {%- elif var('profiling_basis') == 'legitimate_interest' %}
        not coalesce(decided.has_objected_to_profiling, false) as may_be_profiled
        {%- else %}
        {{ exceptions.raise_compiler_error(
            "profiling_basis is '" ~ var('profiling_basis')
            ~ "'; write legitimate_interest (all but who objected) or consent (who granted)."
        ) }}
        {%- endif %}
    from customers
    left join decided on customers.customer_key = decided.customer_key

)

select * from final
