"""The server that the api runs in: one that lets streams go as soon as it is to stop."""

import socket

import uvicorn


class ApiServer(uvicorn.Server):
    """A server that waits for requests to end when it stops, and first ends those that would never.

    An application is told of a stop only after its last answer, so an open stream would cost the whole time that others
    may take. What ends streams is in the state that the application's lifespan has given, as ``end_streams``.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as every server does."""
        end_streams = self.lifespan.state.get("end_streams")
        if end_streams is not None:
            end_streams()
        await super().shutdown(sockets)
