{# The most frequent value of `column` a group of `keys`; of equally frequent ones the first in the alphabet. #}
{% macro most_frequent(relation, keys, column) -%}
    select {{ keys }}, first({{ column }} order by n desc, {{ column }}) as {{ column }}
    from (
        select {{ keys }}, {{ column }}, count(*) as n
        from {{ relation }}
        where {{ column }} is not null
        group by {{ keys }}, {{ column }}
    )
    group by {{ keys }}
{%- endmacro %}
