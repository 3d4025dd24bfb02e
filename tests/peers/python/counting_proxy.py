"""An HTTP proxy that passes requests on and counts them: the same measure for every client, whatever it is made of."""

import http.client
import http.server
import json
import threading
import urllib.parse

# What belongs to one connection, not to the message (RFC 9110, 7.6.1), and what this proxy writes itself.
NOT_PASSED_ON = {"connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
                 "content-length"}


class CountingProxy:
    """A proxy on a free loopback port, for the time of a with statement."""

    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.requests = []
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def requests(self):
        """Method and content of each request, in the order they came: what an API call asks for, or else the path."""
        return list(self._server.requests)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _pass_on(self):
        target = urllib.parse.urlsplit(self.path)
        body = self._body()
        asked = _operations(body) if target.path == "/api" else target.path
        self.server.requests.append((self.command, asked))
        upstream = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        try:
            path = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
            upstream.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    upstream.putheader(name, value)
            if body is not None:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            self._answer(upstream.getresponse())
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length")
        return None if length is None else self.rfile.read(int(length))

    def _chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, response):
        body = response.read()
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _operations(body):
    """What an API call asks for, in brief: "query Task, create Asset"."""
    described = []
    for operation in json.loads(body):
        subject = operation.get("entity_type") or operation.get("expression", "").partition(" where ")[0].split(" ")[-1]
        described.append(f"{operation['action']} {subject}".strip())
    return ", ".join(described)
