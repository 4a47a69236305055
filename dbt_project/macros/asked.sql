{# What a build may be asked for the newest rows of alone: published tables, of which those before stay, and the events that are read. #}
{% macro asked_tables() -%}
    {{ return(["pattern_features", "step_features", "session_features", "moment_surprises", "int_events"]) }}
{%- endmacro %}

{# The moment, in microseconds since 1970, from which on the rows of a table are asked for; year 1 if nothing is said. It is a
   number in the SQL, so that DuckDB knows how few rows are left (a row of a table in its place: forty times the time). By the comment
   it is found by those who want all rows of the same SQL. #}
{% macro asked_from(table) -%} {{ of_this_build("asked_from", {}).get(table, -62135596800000000) }} /* asked from */ {%- endmacro %}

{# The same as a time, by which files of earlier days are not opened. #}
{% macro asked_time(table) -%} make_timestamptz({{ asked_from(table) }}) {%- endmacro %}

{# Whether a row is asked for, or lies within the `hours` before those that are: the past that windows over it look back on. #}
{% macro asked(table, t="t", hours=0) -%} {{ t }} >= {{ asked_from(table) }} - {{ microseconds(hours) }} {%- endmacro %}

{# The rows of a table before those that are asked for, as they were published; none where all are. #}
{% macro kept(table) -%}
    (
        select *
        from read_parquet('{{ of_this_build("kept", "kept") }}/{{ table }}/*.parquet', hive_partitioning = false)
        where occurred_at < {{ asked_time(table) }}
    )
{%- endmacro %}

{# Whether a moment is asked for by any of the tables that have a row an event or a moment. #}
{% macro asked_of_moments(hours=0) -%}
    t >= least({{ asked_from("pattern_features") }}, {{ asked_from("step_features") }}, {{ asked_from("moment_surprises") }})
        - {{ microseconds(hours) }}
{%- endmacro %}
