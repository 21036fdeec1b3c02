"""An ingestion endpoint of Application Insights on loopback: `POST /v2.1/track`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.suite.patience import patient

KEY = "11111111-2222-4333-8444-555555555555"


@dataclass
class Ingestion:
    """What arrived, and how the endpoint answers: with `status`, once `answers` is set."""

    port: int = 0
    status: int = 200
    envelopes: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    answers: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{self.port}"

    def wait_for(self, requests: int) -> None:
        """Return when so many requests have been answered in all."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.requests >= requests, patient(20))

    def of_type(self, base_type: str) -> list[dict[str, Any]]:
        """Return the envelopes of one type."""
        return [one for one in self.envelopes if one["data"]["baseType"] == base_type]


@contextmanager
def ingestion_endpoint() -> Iterator[Ingestion]:
    """Serve one until the block ends."""
    ingestion = Ingestion()
    ingestion.answers.set()

    class Track(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["content-length"]))
            ingestion.answers.wait(patient(20))
            assert self.path == "/v2.1/track"
            answer = b'{"itemsReceived":1,"itemsAccepted":1,"errors":[]}'
            self.send_response(ingestion.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            with ingestion.arrived:
                ingestion.requests += 1
                if ingestion.status == 200:
                    ingestion.envelopes += json.loads(body)
                ingestion.arrived.notify_all()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Track)
    server.daemon_threads = True
    ingestion.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield ingestion
    finally:
        ingestion.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
