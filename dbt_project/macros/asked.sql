{# Feature tables of which a build may be asked for the newest rows alone: those before are published, and stay. #}
{% macro asked_tables() -%} {{ return(["pattern_features", "step_features"]) }} {%- endmacro %}

{# The moment, in microseconds since 1970, from which on the rows of a feature table are asked for; year 1 if nothing is said. It is a
   number in the SQL, so that DuckDB knows how few rows are left (a row of a table in its place: forty times the time). By the comment
   it is found by those who want all rows of the same SQL. #}
{% macro asked_from(table) -%} {{ var("asked_from", {}).get(table, -62135596800000000) }} /* asked from */ {%- endmacro %}

{# Whether a row is asked for, or lies within the `hours` before those that are: the past that windows over it look back on. #}
{% macro asked(table, t="t", hours=0) -%} {{ t }} >= {{ asked_from(table) }} - {{ microseconds(hours) }} {%- endmacro %}
