"""What every request passes on its way to a route, one file each: layers of pure ASGI, and checks of its head."""
