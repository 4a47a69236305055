{# `value` at the previous twelve moments of the user, newest first, cut to the length of the memory. #}
{% macro remembered(value) -%}
    [
        {%- for step in range(1, 13) -%}
        lag({{ value }}, {{ step }}) over by_user{{ ", " if not loop.last }}
        {%- endfor -%}
    ][1:memory]
{%- endmacro %}
