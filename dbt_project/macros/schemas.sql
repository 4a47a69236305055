{# One schema a layer, without the target's prefix: staging, intermediate, features, marts. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
