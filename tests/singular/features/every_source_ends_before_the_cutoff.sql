-- No model that measures a source has seen an event of it at or after the cutoff. A row here is
-- leakage, and names the model it comes from.
{%- set models = [
    'int_purchases_measured', 'int_trends_measured', 'int_rhythm_measured', 'int_seasons_measured',
    'int_taste_measured', 'int_web_use_measured', 'int_email_response_measured',
    'int_attention_measured', 'int_care_measured', 'int_mentions_measured',
    'int_registrations_measured',
    'int_engagement_measured', 'int_lifetimes_measured', 'ml_customer_lifetimes',
] %}
{%- for model in models %}
select
    '{{ model }}' as model_name,
    measured.customer_key,
    measured.cutoff_name,
    measured.last_event_at
from {{ ref(model) }} as measured
inner join {{ ref('int_cutoffs') }} as cutoffs on measured.cutoff_name = cutoffs.cutoff_name
where measured.last_event_at >= cutoffs.cutoff_on
{{ "union all" if not loop.last }}
{%- endfor %}
