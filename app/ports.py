"""Which port a server listens on."""

from __future__ import annotations

import socket

from app.errors import AppError

TRIED = 100
"""How many ports after the first are tried."""


class PortTaken(AppError):
    """The port that was asked for is in use."""


def listen(host: str, port: int, *, strict: bool) -> socket.socket:
    """A bound socket on the port, or on the next free one unless `strict`.

    Raises:
        PortTaken: the port (or, if not strict, each of the next 100) is in use.
    """
    last = port if strict else port + TRIED
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in range(port, min(last, 65535) + 1):
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, number))
            bound.listen(128)
        except OSError:
            bound.close()
            continue
        return bound
    tried = f"Port {port} on {host} is" if strict else f"Ports {port} to {last} on {host} are"
    raise PortTaken(f"{tried} in use: stop what listens there, or choose another with --port.")
