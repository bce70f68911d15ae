"""Finds the routes of paths without parameters at once: nearly every request is for one of them."""

from __future__ import annotations

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send


class PlainPaths:
    """Stands before ``router``, which tries one route after the other and refuses what none of them is for."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._routes = {
            (method, route.path): route
            for route in router.routes
            if isinstance(route, Route) and not route.param_convertors
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            await self._router(scope, receive, send)
            return
        scope["route"] = route
        await route.app(scope, receive, send)
