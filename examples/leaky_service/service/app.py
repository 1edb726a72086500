"""The HTTP side of the shop."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from service import cache, catalog, events, page


class Counter:
    """How many requests were answered, the statistics not counted."""

    def __init__(self):
        self._lock = threading.Lock()
        self.requests = 0

    def count(self):
        with self._lock:
            self.requests += 1


COUNTER = Counter()


class Handler(BaseHTTPRequestHandler):
    """``/page/ITEM?user=USER`` shows an item; ``/stats`` says how many pages were shown."""

    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/stats":
            self._answer(200, "application/json", json.dumps({"requests": COUNTER.requests}))
        elif url.path.startswith("/page/"):
            user = parse_qs(url.query).get("user", ["guest"])[0]
            self._answer(200, "text/html", self._page(url.path[len("/page/"):], user))
            COUNTER.count()
        else:
            self._answer(404, "text/plain", "no such page\n")

    def _page(self, number, user):
        item = catalog.find(int(number) if number.isdigit() else 0)
        session = cache.session(user)
        body = page.render(item, user)
        session.visit(item, body)
        events.subscribe(events.Recommender(user, item).on_purchase)
        return body

    def _answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Says nothing: the demo has its own output."""


class Server(ThreadingHTTPServer):
    """A thread for each connection; none of them outlives the shop."""

    daemon_threads = True


def serve():
    """Serves until it is stopped."""
    server = Server(("127.0.0.1", 0), Handler)
    print("ready", server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
