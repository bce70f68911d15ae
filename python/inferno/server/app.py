"""The application, composed from lists: routes, middleware, error handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.metrics.collector import EngineCollector
from inferno.metrics.processor_wait import ProcessorWaitCollector
from inferno.metrics.recorder import Recorder
from inferno.models.adapters import AdapterShelf
from inferno.models.registry import ModelRegistry
from inferno.security.keys import keys_of
from inferno.server.background import Background
from inferno.server.drain import Drain
from inferno.server.incoming import Incoming
from inferno.server.keeping import fail_orphans
from inferno.server.middleware.access_log import AccessLog
from inferno.server.middleware.admission import Admission
from inferno.server.middleware.ageing import AgeingOperation
from inferno.server.middleware.answer_heads import AnswerHeads
from inferno.server.middleware.auth import Auth
from inferno.server.middleware.body_limit import BodyLimit
from inferno.server.middleware.checks import Check, Checks
from inferno.server.middleware.error_answers import ErrorAnswers
from inferno.server.middleware.host_guard import HostGuard
from inferno.server.middleware.unknown_fields import UnknownFields
from inferno.server.middleware.version import check_version
from inferno.server.operation import Operation
from inferno.server.operations import OPERATIONS
from inferno.server.plain_paths import PlainPaths
from inferno.server.remote_images import RemoteImages
from inferno.server.running import Running
from inferno.server.services import Services
from inferno.server.settings import ServerSettings
from inferno.storing.store import RecordStore

OPEN_PATHS = frozenset(operation.path for operation in OPERATIONS if operation.open)
POLICY_VIOLATION = 1008
"""A websocket's, which nothing here answers to."""


def build_app(
    registry: ModelRegistry,
    settings: ServerSettings,
    adapters: AdapterShelf | None = None,
    responses: RecordStore | None = None,
) -> Starlette:
    """An ASGI application that owns ``registry`` and ``responses``: its lifespan ends with closing them. ``adapters``
    may be loaded at run time.

    Raises ConfigError for an API key that no header can carry, and for hosts that images cannot be fetched from.
    """
    drain = Drain()
    app = _Application(routes=_routes(drain), middleware=_middleware(settings), lifespan=_lifespan)
    app.router.redirect_slashes = False
    app.state.services = _services(registry, settings, drain, adapters, responses)
    return app


class _Application(Starlette):
    """Without the two middlewares that Starlette puts around and into ours to answer errors: ErrorAnswers does. Only
    HTTP passes ours, and nothing else is there to be had."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = PlainPaths(self.router)
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        if scope["type"] == "http":
            await self.middleware_stack(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.router(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})


class _Endpoint:
    """An operation as ASGI; Starlette would wrap a plain function in error handlers once more."""

    def __init__(self, operation: Operation) -> None:
        self._answer = operation.endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Incoming(scope, receive, send))
        await response(scope, receive, send)


def _routes(drain: Drain) -> list[BaseRoute]:
    return [_route(operation, drain) for operation in OPERATIONS]


def _route(operation: Operation, drain: Drain) -> Route:
    middleware = [Middleware(Admission, drain=drain)] if operation.generates else []
    if operation.ageing is not None:
        middleware.insert(0, Middleware(AgeingOperation, path=operation.path, ageing=operation.ageing))
    return Route(operation.path, _Endpoint(operation), methods=[operation.method], middleware=middleware)


def _middleware(settings: ServerSettings) -> list[Middleware]:
    """Outermost first. A key guards better than a name: pages do not know it."""
    checks: list[Check] = [
        *([] if settings.api_keys else [HostGuard((settings.host, *settings.allowed_hosts))]),
        Auth(keys_of(settings.api_keys), OPEN_PATHS),
        check_version,
        BodyLimit(settings.body_limit_bytes),
    ]
    return [
        Middleware(AnswerHeads),
        Middleware(AccessLog),
        Middleware(ErrorAnswers),
        Middleware(Checks, checks=checks),
        *([Middleware(UnknownFields)] if settings.unknown_fields == "report" else []),
    ]


def _services(
    registry: ModelRegistry,
    settings: ServerSettings,
    drain: Drain,
    adapters: AdapterShelf | None,
    responses: RecordStore | None,
) -> Services:
    collectors = CollectorRegistry(auto_describe=False)
    recorder = Recorder(collectors)
    running = Running()
    collectors.register(EngineCollector(registry.stats))
    collectors.register(ProcessorWaitCollector())
    return Services(
        registry=registry,
        settings=settings,
        drain=drain,
        recorder=recorder,
        metrics=collectors,
        images=RemoteImages(settings.image_hosts),
        adapters=adapters,
        responses=responses,
        background=Background(drain, running, most=settings.max_background),
        running=running,
    )


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    services: Services = app.state.services
    try:
        if services.responses is not None:
            await fail_orphans(services.responses)
        yield
    finally:
        try:
            services.drain.expire()
            await services.background.aclose()
        finally:
            try:
                await services.registry.aclose()
            finally:
                if services.responses is not None:
                    await services.responses.aclose()
