"""Features as of now: the same SQL that builds them in bulk, compiled to answer for one row from a state in memory.

`dbt_sql` renders and parses the models; `expressions` and `row_program` compile what follows from a row alone;
`windows` compiles what is counted in the past; `moments` keeps what a user did last.
"""
