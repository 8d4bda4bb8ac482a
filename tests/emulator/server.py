# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a HTTP server: AWS's calls, the control path, and the Python API of both."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from itertools import chain, cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .model import ServiceError
from .readers import ScriptError
from .replies import Reply, Trickle
from .service import Service
from .signature import ACCESS_KEY, SECRET_KEY, Request
from .source_servers import DEFAULT_REGION, Document

if TYPE_CHECKING:
    from types import TracebackType

CONTROL_PATH = "/_emulator/"

# What the control path lists, and how.
RESOURCES: Mapping[str, Callable[[Service, str], Document]] = {
    "servers": Service.servers,
    "jobs": Service.jobs,
    "recovery_instances": Service.recovery_instances,
}

# The length that a body announces that never ends.
ENDLESS = 2**31


class Emulator:
    """DRS on a port of the loopback interface; a context manager that serves in a daemon thread.

    `script` is described in README.md; `port` 0 takes a free one. Raises ScriptError, and OSError for a taken port.
    """

    def __init__(self, script: Mapping[str, Any] | None = None, port: int = 0) -> None:
        self._service = Service(script or {})
        self._server = _Server(port, self._service)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Emulator:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.end()
        self._thread.join()

    @property
    def url(self) -> str:
        """The endpoint, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point AWS clients and amazon.aws modules at the emulator."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": DEFAULT_REGION,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_URL": self.url,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def journal(self) -> list[Document]:
        """Every call so far, oldest first."""
        return self._service.journal()

    def calls(self, operation: str) -> list[Document]:
        """The calls of one operation so far, oldest first."""
        return [entry for entry in self.journal() if entry["operation"] == operation]

    def servers(self, region: str = DEFAULT_REGION) -> dict[str, Document]:
        """The true state of every source server of a region, by ID."""
        return self._service.servers(region)

    def jobs(self, region: str = DEFAULT_REGION) -> dict[str, Document]:
        """The true state of every job of a region, by ID."""
        return self._service.jobs(region)

    def recovery_instances(self, region: str = DEFAULT_REGION) -> dict[str, Document]:
        """The true state of every recovery instance of a region, by ID."""
        return self._service.recovery_instances(region)

    def load(self, script: Mapping[str, Any]) -> None:
        """Replaces the whole world and clears the journal; raises ScriptError."""
        self._service.load(script)

    def patch(self, resource_id: str, changes: Mapping[str, Any], region: str = DEFAULT_REGION) -> Document:
        """Somebody else changes a server, job or recovery instance; returns it. Raises ServiceError, ScriptError."""
        return self._service.patch(region, resource_id, changes)

    def delete(self, resource_id: str, region: str = DEFAULT_REGION) -> None:
        """A server, a job or a recovery instance is gone. Raises ServiceError."""
        self._service.delete(region, resource_id)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, service: Service) -> None:
        self.service = service
        self.ending = threading.Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def opened(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.discard(connection)

    def end(self) -> None:
        """Stops immediately, including keep-alive connections and hanging calls."""
        self.ending.set()
        self.shutdown()
        self.server_close()
        with self._connections_lock:
            for connection in self._connections:
                # A client may have been faster.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Headers and body in one packet: otherwise each answer waits for a delayed ACK.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        # A client that gave up waiting has closed the connection.
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, *_message: Any) -> None:
        """Log nothing; calls are in the journal."""

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        request = Request(self.command, self.path, headers, body)
        if self.path.startswith(CONTROL_PATH):
            self._send(_controlled(self.server.service, request))
            return
        if self._pause(self.server.service.latency(request)):
            return
        while self.server.service.is_early(request):
            if self._pause(0.01):
                return
        reply = self.server.service.call(request)
        if self._pause(reply.delay):
            return
        self._send(reply)

    # The standard library derives these names from the request's method.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _pause(self, seconds: float) -> bool:
        """Waits outside every lock; True if the emulator ends meanwhile."""
        if seconds and self.server.ending.wait(seconds):
            self.close_connection = True
            return True
        return False

    def _send(self, reply: Reply) -> None:
        if reply.status is None:
            self.close_connection = True
            return
        if reply.trickle and reply.trickle.part == "head":
            self._trickle(f"HTTP/1.1 {reply.status} OK\r\nX-Trickle: ".encode(), b"x", reply.trickle)
            return
        body = reply.encoded()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            # A scripted error code may hold what no header can.
            if value.isascii() and value.isprintable():
                self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(ENDLESS if reply.trickle else len(body)))
        self.end_headers()
        if reply.trickle:
            self._trickle(body, b" ", reply.trickle)
            return
        self.wfile.write(body[: len(body) // 2] if reply.cut else body)
        self.close_connection = self.close_connection or reply.cut

    def _trickle(self, data: bytes, padding: bytes, trickle: Trickle) -> None:
        """Sends byte by byte until the emulator ends, or the client goes away (OSError)."""
        self.close_connection = True
        self.wfile.flush()
        for byte in chain(data, cycle(padding)):
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.ending.wait(trickle.seconds):
                return


def _controlled(service: Service, request: Request) -> Reply:
    try:
        answer = _control(service, request)
    except ServiceError as error:
        return Reply(404, body={"message": error.message})
    except (ScriptError, json.JSONDecodeError) as error:
        return Reply(400, body={"message": str(error)})
    if answer is None:
        return Reply(404, body={"message": f"{request.method} {request.path} is not a control path of the emulator."})
    return Reply(200, body=json.dumps(answer))


def _control(service: Service, request: Request) -> Any:
    url = urlsplit(request.path)
    region = parse_qs(url.query).get("region", [DEFAULT_REGION])[0]
    what, _slash, resource_id = url.path[len(CONTROL_PATH) :].partition("/")
    route = (request.method, what, bool(resource_id))
    if route == ("GET", "journal", False):
        return service.journal()
    if route == ("DELETE", "journal", False):
        service.clear_journal()
    elif what in RESOURCES and request.method == "GET" and not resource_id:
        return RESOURCES[what](service, region)
    elif route == ("PUT", "script", False):
        service.load(json.loads(request.body))
    elif what in RESOURCES and request.method == "PATCH" and resource_id:
        return service.patch(region, resource_id, _object(request.body))
    elif what in RESOURCES and request.method == "DELETE" and resource_id:
        service.delete(region, resource_id)
    else:
        return None
    return {}


def _object(body: bytes) -> Document:
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ScriptError("The change is not an object.")
    return value
