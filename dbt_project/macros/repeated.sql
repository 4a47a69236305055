{# Tokens of a group by how often they occurred: each is repeated once, and once more for each doubling of `n`, not at all for 0;
   the most frequent first, of equally frequent ones the first in the alphabet. #}
{% macro repeated(token, n) -%}
    flatten(
        list(
            list_transform(
                range(case when {{ n }} > 0 then (floor(log2({{ n }})) + 1)::bigint else 0 end), lambda place: {{ token }}
            )
            order by {{ n }} desc, {{ token }}
        )
    )
{%- endmacro %}
