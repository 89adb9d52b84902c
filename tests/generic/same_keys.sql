{#- Both relations hold the same keys: nobody is lost on the way, and nobody made up. -#}
{% test same_keys(model, to, column) %}

select
    here.{{ column }} as key_here,
    there.{{ column }} as key_there
from (select distinct {{ column }} from {{ model }}) as here
full outer join (select distinct {{ column }} from {{ to }}) as there
    on here.{{ column }} = there.{{ column }}
where here.{{ column }} is null or there.{{ column }} is null

{% endtest %}
