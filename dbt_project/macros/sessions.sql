{# Moments of the same `keys` in the month before a session: a row each distinct keys and begin of a session (`began`).
   Each asked moment is itself a row of its keys, so that at both ends of the month there is a first row at or after it; the month
   holds the difference of their places. Two ASOF joins sort once; a window frame searches anew for every row. #}
{% macro moments_in_month_before(relation, keys) -%}
    with places as materialized (
        select {{ keys }}, t, rank() over (partition by {{ keys }} order by t) as place
        from {{ relation }}
    )
    select asked.*, first_after.place - first_within.place as n
    from (select distinct {{ keys }}, began, began - {{ microseconds(720) }} as month_began from {{ relation }}) as asked
    asof join places as first_after
        on {{ same(keys, "asked", "first_after") }} and asked.began <= first_after.t
    asof join places as first_within
        on {{ same(keys, "asked", "first_within") }} and asked.month_began <= first_within.t
{%- endmacro %}

{# Equal values in each of `keys`, names separated by commas. #}
{% macro same(keys, one, other) -%}
    {% for key in keys.split(", ") %}{{ "and " if not loop.first }}{{ one }}.{{ key }} = {{ other }}.{{ key }} {% endfor %}
{%- endmacro %}
{# A share of counts, shrunk towards `towards` with the weight of twenty events. #}
{% macro shrunk_share(counted, all_counted, towards) -%}
    (({{ counted }} + 20 * {{ towards }}) / ({{ all_counted }} + 20))
{%- endmacro %}

{# Millionths as whole numbers: their sums are the same in whatever order threads add them, to the bit. #}
{% macro millionths(value) -%} round(({{ value }}) * 1000000)::bigint {%- endmacro %}

{# The standard deviation of a group's millionths, in ones. #}
{% macro deviation_of(column) -%}
    (sqrt((count({{ column }}) * sum({{ column }} * {{ column }}) - sum({{ column }}) * sum({{ column }}))::double) / count({{ column }}) / 1000000)
{%- endmacro %}

{# The aspects in which the moments of a session are compared with what is usual. #}
{% macro compared_in() -%}
    {{ return(["work", "step", "transition", "place", "file", "gap"]) }}
{%- endmacro %}

{# Entropy in nats of `column` within each session, over the moments where it is known; how many values it has. #}
{% macro entropy_by_session(relation, column) -%}
    select session, greatest(ln(sum(n)) - sum({{ millionths("n * ln(n)") }}) / sum(n) / 1000000, 0) as entropy, count(*) as values
    from (select session, {{ column }}, count(*) as n from {{ relation }} where {{ column }} is not null group by session, {{ column }})
    group by session
{%- endmacro %}
