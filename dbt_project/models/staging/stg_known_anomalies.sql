-- Sessions reported as anomalous that started before `as_of`.
select
    anomaly_id,
    session_id,
    user_id,
    occurred_at,
    source,
    kind
from {{ source('lake', 'known_anomalies') }}
where occurred_at < {{ as_of() }}
