{# The name of the session of an event `e` and its moment `m`: as the source has it, or else the stretch of work. A session that is
   one change set (a commit) is no stretch of work: pauses say where one ends. #}
{% macro session_name(e, m) -%}
    coalesce(nullif({{ e }}.session_id, {{ e }}.change_set_id), 'stretch:' || {{ e }}.user_id || ':' || {{ m }}.session_start)
{%- endmacro %}

{# The same of a published moment. #}
{% macro published_name() -%} coalesce(session_id, 'stretch:' || user_id || ':' || stretch_began) {%- endmacro %}

{# Moments of the same `keys` in the month before a session: a row each asked moment of `relation` whose keys are all known (`first_row`).
   Keys and time become one whole number, so that a sorted list of numbers has the moments of the same keys side by side, in the order
   of time. The moment itself is in it: at both ends of the month there is a first number at or after it, and the month holds the
   difference of their ranks. ASOF joins sort numbers once; a window frame searches anew for every row. #}
{% macro moments_in_month_before(relation, keys) -%}
    with codes as (
        select {{ keys }}, row_number() over () as code
        from (select distinct {{ keys }} from {{ relation }} where {{ asked('moment_surprises') }})
    ),
    places as (
        select
            first_row,
            {{ asked('moment_surprises') }} as is_asked,
            {{ in_order("code", "place") }} as own,
            {{ in_order("code", "began_place") }} as began,
            {{ in_order("code", "month_place") }} as month_began
        from {{ relation }}
        inner join codes using ({{ keys }})
    ),
    ranked as materialized (select own, rank() over (order by own) as n from places)
    select asked.first_row, first_after.n - first_within.n as n
    from (select * from places where is_asked) as asked
    asof join ranked as first_after on asked.began <= first_after.own
    asof join ranked as first_within on asked.month_began <= first_within.own
{%- endmacro %}

{# One number that sorts by `code` first, then by `place`; both are below 2^31. #}
{% macro in_order(code, place) -%} {{ code }}::bigint * 2147483648 + {{ place }} {%- endmacro %}

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
