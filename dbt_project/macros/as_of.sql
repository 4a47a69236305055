{# The end of what may be known, exclusive. #}
{% macro as_of() -%} timestamptz '{{ var("as_of") }}' {%- endmacro %}
