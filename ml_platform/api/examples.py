"""Examples of answers, as OpenAPI shows them; a test holds each to its type."""

from typing import Any

_FIGURE = {"value": 0.847, "low": 0.836, "high": 0.858}
_GATE = {
    "name": "over_rules",
    "outcome": "PASS",
    "words": "PASS",
    "value": 0.31,
    "low": 0.29,
    "high": 0.33,
    "limit": 0.0,
    "explanation": "f1_macro is above that of the rules",
}
_SUMMARY = {
    "model": "pattern_classifier",
    "title": "category of an event",
    "answers": "version 3",
    "version": 3,
    "since": "2026-05-01T12:00:00+00:00",
    "by": "pattern_classifier/champion",
    "why": "all gates pass",
    "verdict": "PROMOTE",
    "evaluated": 3,
    "metric": "f1_macro",
    "figure": _FIGURE,
    "baseline": {"value": 0.537, "low": 0.52, "high": 0.551},
    "ceiling": None,
    "rollout": "version 4 by the policy ramp: step 2 of 4, 10% of the users",
    "guard": {
        "version": 4,
        "step": 2,
        "steps": 4,
        "planned_share": 0.1,
        "share": 0.1,
        "halted": False,
        "seen": {
            "answers": 212,
            "least_answers": 400,
            "hours": 6.5,
            "least_hours": 24.0,
        },
        "looked_at": "2026-05-02T18:30:00Z",
        "decision": "wait",
        "why": "the step has not seen enough",
        "guardrails": [
            {
                "guardrail": "errors",
                "state": "quiet",
                "since": "2026-05-01T12:00:00Z",
                "observed": {"version": 0.012, "others": 0.01},
                "evidence": 0.31,
                "suspected_from": 20.0,
                "limit": 666.7,
                "chance": 1.0,
            }
        ],
    },
}
MODELS: dict[str, Any] = {
    "models": [{"model": _SUMMARY, "schema_at": "/api/ml/models/pattern_classifier"}]
}
_MONITORING = {
    "window": ["2026-04-24T12:00:00+00:00", "2026-05-01T12:00:00+00:00"],
    "version": "3",
    "light": "GREEN",
    "drift": "NONE",
    "performance": "OK",
    "decision": "NO_ACTION",
    "decided_by": "quiet",
    "confidence": "HIGH",
    "rows": 4_210,
    "clusters": 612,
    "largest_changes": ["hour"],
    "causes": [],
    "likely_causes": [],
    "suggestion": "",
}
MODEL: dict[str, Any] = {
    "summary": _SUMMARY,
    "classes": ["bugfix", "feature"],
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Features of pattern_classifier",
        "type": "object",
        "properties": {"hour": {"type": ["number", "null"]}, "tool": {"type": ["string", "null"]}},
        "required": ["hour", "tool"],
        "additionalProperties": False,
    },
    "example": {"hour": 1.0, "tool": "text"},
    "gates": [_GATE],
    "versions": [
        {
            "version": 3,
            "status": "production",
            "verdict": "PROMOTE",
            "decided_by": "all gates pass",
            "registered_at": "2026-05-01T12:00:00+00:00",
            "evaluations": 1,
            "parent": 2,
            "size_bytes": 1_204_224,
            "framework": "onnx",
            "lineage": {
                "training_set_fingerprint": "f" * 64,
                "artifact_sha256": "a" * 64,
                "report_id": "e" * 64,
                "code_version": "0.1.0",
                "mlflow_run_id": "7f5b3f3d0c3c4a8f8d6f1d8f0a0c9f11",
                "dagster_run_id": "4f8a2d6e-6f0e-4c52-a3a5-0f6f7d9f6a11",
            },
        }
    ],
    "monitoring": _MONITORING,
}
_SUBJECT = {"name": "candidate", "version": "3", "metrics": {"f1_macro": _FIGURE}}
METRICS: dict[str, Any] = {
    "model": "pattern_classifier",
    "version": 3,
    "in_production": True,
    "as_of": "2026-05-01T12:00:00Z",
    "simulated": False,
    "rows": 5_000,
    "clusters": 900,
    "headline": ["f1_macro"],
    "candidate": _SUBJECT,
    "baseline": {**_SUBJECT, "name": "baseline", "version": "rules@0123456789ab"},
    "dummy": {**_SUBJECT, "name": "dummy", "version": "majority"},
    "ceiling": None,
    "undefined": {},
}
EVALUATION: dict[str, Any] = {
    "model": "pattern_classifier",
    "version": 3,
    "report_id": "e" * 64,
    "verdict": "PROMOTE",
    "decided_by": "all gates pass",
    "policy": "mission",
    "gates": [_GATE],
    "dimensions": [
        {
            "name": "cost",
            "question": "How fast does it predict, and what does a prediction cost?",
            "summary": "One row takes 0.31 ms.",
            "measures": {"one_row_p95_ms": {"value": 0.42, "low": 0.4, "high": 0.45}},
            "findings": [],
            "advice": ["Ask in batches: a row is 17 times cheaper in the best one."],
        }
    ],
}
_INCIDENT = {
    "incident_id": "pattern_classifier:performance:20260501T1200Z",
    "model": "pattern_classifier",
    "kind": "performance",
    "severity": "warning",
    "status": "acknowledged",
    "roots": ["accuracy"],
    "first_seen": "2026-05-01T12:00:00Z",
    "last_seen": "2026-05-02T00:00:00Z",
    "windows": 3,
    "worst": 0.081,
    "words": [
        "accuracy is 0.790 on 2310 labelled rows, 0.860 at the evaluation: a relative loss of 8.1%"
    ],
    "version": "3",
    "reopened": 0,
    "resolved_at": None,
    "acknowledged_by": "ada",
    "acknowledged_because": "the new team",
    "runbook": "docs/runbooks/performance.md",
    "runbook_page": "/runbooks/performance",
    "page": "/incidents/pattern_classifier:performance:20260501T1200Z",
    "silenced_until": None,
    "same_cause": [],
}
TREND: dict[str, Any] = {
    "model": "pattern_classifier",
    "reports": [
        {
            "window_start": "2026-04-24T12:00:00Z",
            "window_end": "2026-05-01T12:00:00Z",
            "version": "3",
            "light": "yellow",
            "drift": "moderate",
            "features": [{"name": "tool", "psi": 0.18, "size": 0.2, "severity": "moderate"}],
            "performance": "ok",
            "metric": "f1_macro",
            "metric_baseline": 0.847,
            "metric_now": 0.839,
            "metric_low": 0.821,
            "metric_high": 0.856,
            "metric_until": "2026-04-16T12:00:00Z",
            "performance_reason": "",
            "estimate": {
                "value": 0.844,
                "low": 0.826,
                "high": 0.862,
                "trust": "trusted",
                "reason": "",
            },
            "decision": "monitor",
            "decided_by": "moderate drift",
            "rows": 4_210,
        }
    ],
    "incidents": [_INCIDENT],
    "changes": [
        {
            "at": "2026-04-27T06:00:00Z",
            "version": 3,
            "what": "promoted",
            "by": "champion asset",
        }
    ],
}
SHADOW: dict[str, Any] = {
    "model": "pattern_classifier",
    "version": "4",
    "since": "2026-05-01T12:00:00Z",
    "until": "2026-05-02T09:30:00Z",
    "pairs": 1_250,
    "compared": 1_243,
    "failed_served": 0,
    "failed_shadow": 7,
    "dropped": 12,
    "users": 84,
    "agreement": {"value": 0.942, "low": 0.921, "high": 0.958},
    "confusions": [{"served": "bugfix", "shadow": "refactoring", "pairs": 31}],
    "other_differences": 41,
    "confidence": {"mean": 0.012, "p50": 0.021, "p95": 0.118},
    "served_latency": {"p50": 0.41, "p99": 1.9},
    "shadow_latency": {"p50": 0.62, "p99": 3.1},
    "arms": [{"version": "3", "arm": "champion", "agreement": {"pairs": 1_243, "agreed": 1_171}}],
    "most_differing": [{"user_id": "user_007", "agreement": {"pairs": 40, "agreed": 31}}],
}
ADVICE: dict[str, Any] = {
    "models": [
        {
            "model": "pattern_classifier",
            "version": 3,
            "summary": "One row takes 0.31 ms.",
            "measures": {"cache_hit_rate": {"value": 0.12, "low": 0.12, "high": 0.12}},
            "advice": ["Keep answers: 12 % of the rows come again, at most 1.14 times as fast."],
            "not_applicable": {"gain of int8 weights": "trees have no matrix of 1,000 weights"},
        }
    ],
    "without": [],
}
HEALTH: dict[str, Any] = {
    "status": "ok",
    "reasons": [],
    "worker": {
        "ledger_reachable": True,
        "log": "committing",
        "production_read_at": "2026-05-01T12:00:01Z",
        "models_loaded": 2,
    },
    "models": [
        {
            "model": "pattern_classifier",
            "status": "ok",
            "answers_with": "3",
            "follows": True,
            "ledger": {
                "model": "pattern_classifier",
                "status": "ok",
                "answers": "version 3",
                "light": "green",
                "performance": "ok",
                "decision": "no_action",
                "window_end": "2026-05-01T12:00:00Z",
                "age_days": 4.2,
                "revision": 7,
            },
        }
    ],
}
_STATISTICS = {
    "hours": 1,
    "answers": 7_200,
    "per_second": 2.0,
    "p50_ms": 0.41,
    "p99_ms": 1.9,
    "fallbacks": {"no version is in production": 3},
}
SYSTEM: dict[str, Any] = {
    "processes": [
        {
            "pid": 4711,
            "role": "worker",
            "answers_this": True,
            "resident_mb": 190.2,
            "own_mb": 121.7,
            "cpu_seconds": 12.5,
            "threads": 9,
        }
    ],
    "answers": [_STATISTICS],
    "log": {"committed": 7_200, "spooled": 0, "refused": 0, "groups": 3_100},
    "cache": {"hits": 812, "misses": 6_388, "kept": 640},
    "models_loaded": 2,
    "hashes_checked": 2,
}
ALERTS: dict[str, Any] = {
    "incidents": [_INCIDENT],
    "silences": [
        {
            "silence_id": "silence:0f6f7d9f6a11",
            "model": "*",
            "kind": "feature_drift",
            "until": "2026-05-03T00:00:00Z",
            "by": "ada",
            "reason": "the migration of May",
            "hides_critical": False,
        }
    ],
}
ACKNOWLEDGE: dict[str, Any] = {"reason": "the new team; I look"}
SILENCE: dict[str, Any] = {
    "model": "pattern_classifier",
    "kind": "feature_drift",
    "until": "2026-05-03T00:00:00Z",
    "reason": "the migration of May",
}
ALERT: dict[str, Any] = {
    "incident": _INCIDENT,
    "began": {
        "window_end": "2026-04-29T06:00:00Z",
        "change": 0.074,
        "p_value": 0.0005,
        "windows": 40,
    },
    "events": [
        {
            "event_id": "pattern_classifier:performance:20260501T1200Z:20260501T1200Z",
            "incident_id": "pattern_classifier:performance:20260501T1200Z",
            "model": "pattern_classifier",
            "happening": "opened",
            "at": "2026-05-01T12:00:00Z",
            "kind": "performance",
            "severity": "warning",
            "roots": ["accuracy"],
            "effect": 0.081,
            "words": _INCIDENT["words"],
            "version": "3",
            "told": True,
            "by": "",
            "until": None,
            "hides_critical": False,
        }
    ],
}
_PREDICTION = {
    "prediction_id": "019a0c55-7b1c-7c3e-9d0a-2f1d3c5b7a90",
    "model": "pattern_classifier",
    "version": "3",
    "arm": "champion",
    "origin": "served",
    "user_id": "user_007",
    "row_id": "event_42",
    "predicted_at": "2026-05-01T12:00:00Z",
    "milliseconds": 0.41,
    "prediction": "bugfix",
    "confidence": 0.91,
    "fallback": "",
    "outcome": "bugfix",
    "outcome_known_at": "2026-05-03T08:00:00Z",
}
PREDICTIONS: dict[str, Any] = {
    "predictions": [_PREDICTION],
    "next": "019a0c55-7b1c-7c3e-9d0a-2f1d3c5b7a90",
}
PREDICTION: dict[str, Any] = {
    "answer": _PREDICTION,
    "data_version": "f" * 64,
    "feature_version": "0" * 64,
    "features": '{"hour": 9.0, "tool": "git"}',
    "scores": "[0.91, 0.09]",
}
_RUN_ID = "4f8a2d6e-6f0e-4c52-a3a5-0f6f7d9f6a11"
_LINK = f"http://127.0.0.1:3000/runs/{_RUN_ID}"
TRAIN: dict[str, Any] = {"model": "pattern_classifier"}
RETRAIN: dict[str, Any] = {"model": "pattern_classifier", "reason": "a new team began in May"}
LAUNCHED: dict[str, Any] = {
    "run_id": _RUN_ID,
    "progress_at": f"/api/ml/runs/{_RUN_ID}",
    "link": _LINK,
}
RUN: dict[str, Any] = {
    "run_id": _RUN_ID,
    "job": "train_pattern_classifier",
    "status": "STARTED",
    "steps_done": 2,
    "steps": 5,
    "started_at": "2026-05-01T12:00:00Z",
    "ended_at": None,
    "link": _LINK,
}
