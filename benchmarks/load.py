"""`python -m benchmarks.load PORT PATH CLIENTS SECONDS < body`: post one body again and again, on kept connections.

Its own process and plain sockets, so that the server is what is measured. Prints JSON: `rate` (answers a second),
`errors` (answers that are not 2xx), `waits` (p50 and p99 in seconds).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from benchmarks.figure import percentile


async def client(port: int, request: bytes, until: float, waits: list[float]) -> int:
    """Post until the time is up; returns the number of bad answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    errors = 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        start = head.lower().index(b"content-length:") + len(b"content-length:")
        await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
        errors += not head.startswith(b"HTTP/1.1 2")
        waits.append(time.perf_counter() - started)
    writer.close()
    return errors


async def main(port: int, path: str, clients: int, seconds: float, body: bytes) -> dict[str, object]:
    """Run that many clients side by side."""
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer bench-token-bench-token\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    waits: list[float] = []
    started = time.perf_counter()
    errors = await asyncio.gather(*(client(port, request, started + seconds, waits) for _ in range(clients)))
    rate = len(waits) / (time.perf_counter() - started)
    return {"rate": rate, "errors": sum(errors), "waits": [percentile(waits, 50), percentile(waits, 99)]}


if __name__ == "__main__":
    port, path, clients, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(main(int(port), path, int(clients), float(seconds), sys.stdin.buffer.read()))))
