"""Zava's endpoint behind the same web server, with the same options, as the peers."""

import logging
import sys

from bench.servers.web import serve
from zava.cold_start import loaded_app
from zava.protocol.http.asgi import asgi_application

if __name__ == "__main__":
    # The load ends in the middle of calls, whose connections the pool then reports as closed.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    serve(asgi_application(loaded_app().endpoint()), int(sys.argv[1]), lifespan="off")
