-- Who the users are: groups for fairness and segments, never a feature of the pattern classifier.
select
    user_id,
    source,
    team,
    region,
    tenure_days
from {{ source('lake', 'users') }}
