{# The calendar of a local time in microseconds: the day begins at 0, the week on Monday (1 January 1970 was a Thursday). #}
{% macro clock_features(local_t) -%}
    {%- set day = microseconds(24) -%}
    {%- set turn = "2 * pi() * ((" ~ local_t ~ " // 60000000) % 1440) / 1440" -%}
    {%- set week_turn = "2 * pi() * ((" ~ local_t ~ " // " ~ day ~ " + 3) % 7) / 7" -%}
    (({{ local_t }} // {{ day }} + 3) % 7 >= 5)::double as is_weekend,
    ({{ local_t }} // 3600000000 % 24)::double as hour,
    (({{ local_t }} // {{ day }} + 3) % 7)::double as weekday,
    sin({{ turn }}) as hour_sin,
    cos({{ turn }}) as hour_cos,
    sin({{ week_turn }}) as weekday_sin,
    cos({{ week_turn }}) as weekday_cos
{%- endmacro %}
