{# The month before the session starts; every event of the session looks at the same rows, none of them its own. #}
{% macro month_before_session() -%}
    range between into_session + {{ microseconds(720) }} preceding and into_session + 1 preceding
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
