-- One row: from which moment on the rows of each feature table are asked for, in microseconds since 1970.
select
    {% for table in asked_tables() %}
    ({{ asked_from(table) }})::bigint as {{ table }}{{ "," if not loop.last }}
    {% endfor %}
