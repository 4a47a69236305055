{# 1.0 where the operation is one of the names that sources give to `kind`, else 0.0. #}
{% macro operation_is(kind, column="operation") -%}
    {%- set names = {
        "add": "'add', 'added', 'a', 'create', 'created', 'new'",
        "delete": "'delete', 'deleted', 'd', 'remove', 'removed'",
        "rename": "'rename', 'renamed', 'r', 'move', 'moved'",
    } -%}
    (lower({{ column }}) in ({{ names[kind] }}))::double
{%- endmacro %}

{# What was done to what kind of file, as one token. #}
{% macro operation_token() -%} 'o:' || operation || coalesce('|k:' || path_kind, '') {%- endmacro %}

{# How many tokens a change set has at most, the most frequent ones. #}
{% macro most_change_set_tokens() -%} {{ return(60) }} {%- endmacro %}
