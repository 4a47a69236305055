{# A pause that ends a stretch of work, and one that ends a run in one folder, in microseconds. #}
{% macro stretch_pause() -%} {{ microseconds(0.5) }} {%- endmacro %}
{% macro run_pause() -%} {{ microseconds(8) }} {%- endmacro %}

{# How many moments of the user are remembered. #}
{% macro most_remembered() -%} {{ return(12) }} {%- endmacro %}

{# `value` at the moments of the user that are remembered, newest first, cut to the length of the memory. #}
{% macro remembered(value) -%}
    [
        {%- for step in range(most_remembered()) -%}
        lag({{ value }}, {{ step + 1 }}) over by_user{{ ", " if not loop.last }}
        {%- endfor -%}
    ][1:memory]
{%- endmacro %}
