// The studio's binary protocol over a WebSocket that comes back by itself. Docs/StudioProtocol.md describes the bytes.

export const fields = ["yaw", "pitch", "roll", "shiftX", "shiftY", "leftEye", "rightEye", "gazeX", "gazeY", "brow", "mouthOpen", "mouthWidth", "lean"];

// Where a browser keeps no cookies, the token stays in the page's address and goes with every request.
export const token = new URLSearchParams(location.search).get("token");

// The address of a part of the API, or of another page of the studio.
export function address(path, root = "/api/v1/") {
  const url = new URL(root + path, location.href);
  if (token) url.searchParams.set("token", token);
  return url;
}

export class Connection extends EventTarget {
  constructor() {
    super();
    this.socket = null;
    this.session = null;
    this.closed = false;
    this.retries = 0;
    this.offset = null; // the studio's clock less ours, in milliseconds
    this.bestTrip = Infinity;
    setInterval(() => this.ping(), 2000);
  }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  // `video`: what the page can decode, best first; pictures come if the studio can none of them.
  // `cut`: the character alone, with transparency, as PNG.
  open(session, video, cut) {
    this.session = session;
    const url = address(`sessions/${encodeURIComponent(session)}/socket`);
    if (cut) url.searchParams.set("alpha", "1");
    else if (video.length) url.searchParams.set("video", video.join(","));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => { this.retries = 0; this.bestTrip = Infinity; this.tell("up"); this.compareClocks(); };
    socket.onmessage = event => {
      if (typeof event.data === "string") {
        const message = JSON.parse(event.data);
        this.tell(message.type, message);
      } else this.binary(event.data);
    };
    socket.onclose = event => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.tell("down", { reason: event.reason, code: event.code });
    };
  }

  close() { const socket = this.socket; this.socket = null; socket?.close(); }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  binary(buffer) {
    const view = new DataView(buffer);
    const kind = view.getUint8(0);
    if (kind === 1) {
      this.tell("frame", {
        codec: view.getUint8(1), flags: view.getUint16(2, true), sequence: view.getUint32(4, true), captured: view.getFloat64(8, true),
        sent: view.getFloat64(16, true), input: view.getFloat64(24, true), generation: view.getUint32(32, true),
        dropped: view.getUint32(36, true), received: performance.now(), data: new Uint8Array(buffer, 40),
      });
    } else if (kind === 3) {
      // The answer with the shortest way there and back tells the clocks apart best.
      const now = performance.now(), trip = now - view.getFloat64(1, true);
      if (trip <= this.bestTrip) { this.bestTrip = trip; this.offset = view.getFloat64(9, true) - (now - trip / 2); }
      this.bestTrip += 0.2;
    } else if (kind === 4) {
      this.tell("received", { time: view.getFloat64(1, true) });
    } else if (kind === 5) {
      const points = new Float32Array(3 * view.getUint16(13, true));
      for (let index = 0; index < points.length; index++) points[index] = view.getFloat32(15 + 4 * index, true);
      this.tell("seen", { time: view.getFloat64(1, true), milliseconds: view.getFloat32(9, true), points });
    }
  }

  send(bytes) { if (this.isOpen && this.socket.bufferedAmount < 65536) this.socket.send(bytes); }

  // While the page is being built its answers are slow; one of several tells the clocks apart well.
  compareClocks() { for (const delay of [0, 250, 500, 900, 1400]) setTimeout(() => this.ping(), delay); }

  ping() {
    const view = new DataView(new ArrayBuffer(9));
    view.setUint8(0, 3);
    view.setFloat64(1, performance.now(), true);
    this.send(view.buffer);
  }

  acknowledge(sequence) {
    const view = new DataView(new ArrayBuffer(5));
    view.setUint8(0, 2);
    view.setUint32(1, sequence, true);
    this.send(view.buffer);
  }

  // A picture of the camera, taken at `time` on the page's clock; an empty one when the camera goes off.
  picture(time, bytes) {
    const message = new Uint8Array(9 + bytes.length), view = new DataView(message.buffer);
    view.setUint8(0, 5);
    view.setFloat64(1, Math.max(0, time), true);
    message.set(bytes, 9);
    if (this.isOpen) this.socket.send(message);
  }

  // `controls` by name; `time` of the event on the page's clock, NaN to hold on to what was said before.
  drive(controls, time) {
    const view = new DataView(new ArrayBuffer(11 + 4 * fields.length));
    view.setUint8(0, 1);
    let mask = 0;
    fields.forEach((name, index) => {
      const value = controls[name];
      if (value === undefined) return;
      mask |= 1 << index;
      view.setFloat32(11 + 4 * index, value, true);
    });
    if (!mask) return;
    view.setUint16(1, mask, true);
    view.setFloat64(3, time, true);
    this.send(view.buffer);
  }
}

// A request to the API; throws the studio's own sentence.
export async function ask(method, path, body, type) {
  const headers = {};
  if (body !== undefined && !(body instanceof Blob)) { body = JSON.stringify(body); type = "application/json"; }
  if (type) headers["content-type"] = type;
  let response;
  try { response = await fetch(address(path), { method, body, headers }); } catch { throw new Error("the studio does not answer"); }
  if (!response.ok) {
    const text = await response.text();
    let told = { message: text };
    try { told = JSON.parse(text).error; } catch { /* not ours */ }
    const error = new Error(told.message || response.statusText);
    Object.assign(error, { status: response.status, code: told.code });
    throw error;
  }
  return response;
}
