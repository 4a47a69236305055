{# The time of the build, exclusive: nothing from it on is read. #}
{% macro as_of() -%} timestamptz '{{ var("as_of") }}' {%- endmacro %}
