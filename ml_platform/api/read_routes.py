"""All routes that read: models, health, incidents, predictions, and what a version in shadow would have said."""

from typing import TYPE_CHECKING

from fastapi import APIRouter

from ml_platform.api.alert_routes import alert_router
from ml_platform.api.health_routes import health_router
from ml_platform.api.logged_routes import logged_router
from ml_platform.api.model_routes import model_router
from ml_platform.api.reading import Reading
from ml_platform.api.shadow_routes import shadow_router

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker


def read_router(worker: "Worker", reading: Reading) -> APIRouter:
    """Everything that a key with the scope `read` may ask for, and what is an operator's."""
    router = APIRouter()
    for part in (model_router, health_router, alert_router, logged_router, shadow_router):
        router.include_router(part(worker, reading))
    return router
