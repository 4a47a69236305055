{# What lies in the `hours` before each asked moment, strictly: one pass over rows and moments of the same `keys` together.
   `rows_of` has the keys, a BIGINT time `t` and what `aggregates` read; `asked` has the keys and `t`. The result has the keys, `t`
   and the aggregates, a row each distinct question; `aggregates` maps a name to an aggregate with the placeholder OVER. #}
{% macro known_before(rows_of, asked, keys, hours, values, aggregates) -%}
    select distinct {{ keys }}, t, {{ aggregates.keys() | join(", ") }}
    from (
        select
            {{ keys }}, t, asking,
            {% for name, aggregate in aggregates.items() -%}
            {{ aggregate | replace("OVER", "over past") }} as {{ name }}{{ "," if not loop.last }}
            {% endfor %}
        from (
            select {{ keys }}, t, false as asking{% for value in values %}, {{ value }}{% endfor %}
            from {{ rows_of }}
            union all by name
            select distinct {{ keys }}, t, true as asking
            from {{ asked }}
        )
        window past as (partition by {{ keys }} order by t {{ before(hours) }})
    )
    where asking
{%- endmacro %}
