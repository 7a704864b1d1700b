"""Watches a studio's first session and nods: python3 studio_watch.py http://localhost:8787 [frames]. Standard library only."""
import base64, json, math, os, socket, struct, sys, time, urllib.request

url, count = sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 60
host, port = url.split("//")[1].split(":")
session = json.load(urllib.request.urlopen(f"{url}/api/v1/sessions"))["sessions"][0]["id"]
wire = socket.create_connection((host, int(port)))
wire.sendall((f"GET /api/v1/sessions/{session}/socket HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
stream = wire.makefile("rb")
while stream.readline() != b"\r\n": pass

def send(payload):  # a client's frames are masked; a mask of zeros changes nothing
    wire.sendall(struct.pack("!BB", 0x82, 0x80 | len(payload)) + bytes(4) + payload)

def receive():
    opcode, length = stream.read(2)
    if length == 126: length, = struct.unpack("!H", stream.read(2))
    elif length == 127: length, = struct.unpack("!Q", stream.read(8))
    return opcode & 15, stream.read(length)

start, latencies = time.monotonic(), []
for shown in range(count):
    opcode, data = receive()
    while opcode != 2 or data[0] != 1: opcode, data = receive()
    sequence, captured, sent, event = struct.unpack_from("<I3d", data, 4)
    now = (time.monotonic() - start) * 1000
    if not math.isnan(event): latencies.append(now - event)
    send(struct.pack("<BI", 2, sequence))  # an acknowledgement: the next frame may come
    send(struct.pack("<BHd13f", 1, 0b10, now, 0, 0.3 * math.sin(now / 200), *[0] * 11))  # controls: pitch only
open("studio.jpg", "wb").write(data[40:])
print(f"{count} frames, {len(latencies)} answered, median {sorted(latencies)[len(latencies) // 2]:.0f} ms" if latencies else f"{count} frames")
