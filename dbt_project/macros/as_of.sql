{# The time of the build, exclusive: nothing from it on is read. #}
{% macro as_of() -%} timestamptz '{{ of_this_build("as_of", "9999-12-31T00:00:00+00:00") }}' {%- endmacro %}

{# What is another for each build, of ML_PLATFORM_BUILD (JSON). It is read when a model is compiled alone: as `--vars`, or read by the
   parser, it would let dbt parse the whole project again. #}
{% macro of_this_build(name, otherwise) -%}
    {{ return(fromjson(env_var("ML_PLATFORM_BUILD", "{}")).get(name, otherwise) if execute else otherwise) }}
{%- endmacro %}
