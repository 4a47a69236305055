{# Outcomes that sources call an acceptance, and ends of runs that they call a success. #}
{% macro accepted(outcome) -%} (lower({{ outcome }}) in ('accepted', 'adopted', 'taken', 'merged')) {%- endmacro %}
{% macro succeeded(status) -%} (lower({{ status }}) in ('success', 'succeeded', 'completed')) {%- endmacro %}

{# Microseconds of an outcome that is not known to come any more, of the window of a label, and of a label's delay. #}
{% macro outcome_timeout() -%} {{ microseconds(24) }} {%- endmacro %}
{% macro adoption_window() -%} {{ microseconds(336) }} {%- endmacro %}
{% macro adoption_delay() -%} {{ microseconds(360) }} {%- endmacro %}

{# Offers of one workflow to one user within the window, from which on a share is used in place of a single outcome. #}
{% macro minimum_occasions() -%} 8 {%- endmacro %}
