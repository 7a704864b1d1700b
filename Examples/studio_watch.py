"""Watches a studio's first session and nods: python3 studio_watch.py http://localhost:8787 [frames].

Needs a studio that runs ('rain studio'); a page of it may be open. The address is the one it printed, with its ?token=… if it has one.
Saves the last picture as studio.jpg. Standard library only."""
import base64, json, math, os, socket, ssl, struct, sys, time, urllib.parse, urllib.request

if len(sys.argv) < 2:
    sys.exit(__doc__)
address, count = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
secure, query = address.scheme == "https", f"?{address.query}" if address.query else ""
try:
    with urllib.request.urlopen(f"{address.scheme}://{address.netloc}/api/v1/sessions{query}") as answer:
        session = json.load(answer)["sessions"][0]["id"]
except OSError as error:
    sys.exit(f"{sys.argv[1]}: expected a studio that runs, found {error}; start one with 'rain studio'")
wire = socket.create_connection((address.hostname, address.port or (443 if secure else 80)))
if secure:
    wire = ssl.create_default_context().wrap_socket(wire, server_hostname=address.hostname)
wire.sendall((f"GET /api/v1/sessions/{session}/socket{query} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: Upgrade\r\n"
              f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
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
print(f"{count} frames, {len(latencies)} answered, median {sorted(latencies)[len(latencies) // 2]:.0f} ms" if latencies
      else f"{count} frames; another driver has the head")
