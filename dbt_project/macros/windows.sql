{# Frames that end strictly before the row: a tie (the same microsecond) is not the past.
   Times are microseconds since 1970 in a BIGINT, which sorts and searches faster than TIMESTAMPTZ. #}

{% macro microseconds(hours) -%} {{ (hours * 3600 * 1000000) | int }} {%- endmacro %}

{% macro before(hours) -%}
    range between {{ microseconds(hours) }} preceding and 1 preceding
{%- endmacro %}

{# The same with the row itself, for the first row of a window alone. #}
{% macro since(hours) -%}
    range between {{ microseconds(hours) }} preceding and current row
{%- endmacro %}
