#!/usr/bin/env python3
"""A web server for the download tests: range_server.py ROOT LOG

Serves ROOT on 127.0.0.1, prints its port, ends when its standard input ends. /MODE/PATH serves ROOT/PATH:
ok, norange (ignores Range), cut (breaks off the first transfer of a path half-way), drip (4,000 bytes a request),
wrong (one byte flipped), endless (more and more bytes), slow (8 KB/s), error (status 500), redirect (to ok).
Each request becomes a line of LOG: MODE, the Range header or -, and the status.
"""
import http.server
import os
import sys
import threading
import time

root, log_path = sys.argv[1:3]
cut = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, mode, path = self.path.split("/", 2)
        wanted = self.headers.get("Range")
        status, body, first, total = self.answer(mode, os.path.join(root, path), wanted)
        with open(log_path, "a") as log:
            log.write(f"{mode} {wanted or '-'} {status}\n")
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok/" + path)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        if mode != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.send(mode, path, body)

    def answer(self, mode, path, wanted):
        if mode in ("error", "redirect"):
            return (500 if mode == "error" else 302), b"no file\n", 0, 0
        if not os.path.isfile(path):
            return 404, b"not found\n", 0, 0
        with open(path, "rb") as f:
            body = bytearray(f.read())
        if mode == "wrong":
            body[len(body) // 2] ^= 1
        total = len(body)
        if not wanted or mode == "norange":
            return 200, body, 0, total
        first = int(wanted[len("bytes="):].split("-")[0])
        return (206, body[first:], first, total) if first < total else (416, b"", 0, total)

    def send(self, mode, path, body):
        if mode == "cut" and path not in cut:
            cut.add(path)
            body = body[: len(body) // 2]
        if mode == "drip":
            body = body[:4000]
        step = 800 if mode == "slow" else 1 << 16
        try:
            for i in range(0, len(body), step):
                self.wfile.write(body[i : i + step])
                time.sleep(0.1 if mode == "slow" else 0)
            for _ in range(1000 if mode == "endless" else 0):
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the client has had enough

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
