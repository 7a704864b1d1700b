// The camera of this browser: its pictures go to the studio, small, and no more of them than it looks at; what was seen comes back.

const side = 384; // of the pictures that are sent: as fine as detectors look
const largest = 200 * 1024; // bytes of one
const patience = 2000; // milliseconds after which a picture that was not answered is forgotten

// Why a browser gives no camera or microphone, in words that help.
export function reason(device, error) {
  if (!navigator.mediaDevices?.getUserMedia) return `Browsers give the ${device} to pages over HTTPS only. Open the studio at localhost on its own machine, or start it with --certificate and --key.`;
  switch (error?.name) {
    case "NotAllowedError": case "SecurityError": return `The browser keeps the ${device} from this page. Allow it beside the address, then try again.`;
    case "NotFoundError": case "OverconstrainedError": return `No ${device} was found. Plug one in, then try again.`;
    case "NotReadableError": case "AbortError": return `The ${device} gives nothing; another program may be using it.`;
    default: return `The ${device} cannot be used: ${error?.message || "the browser does not say why"}.`;
  }
}

export class Camera extends EventTarget {
  constructor(connection) {
    super();
    this.connection = connection;
    this.mirrored = true;
    this.stream = null;
    this.onWire = null; // the time of the picture that is under way
    this.lastSent = 0;
    this.lastTime = -1;
    this.look = 0; // how long the studio looks at one, in milliseconds
    this.sent = 0;
    this.seen = 0;
    this.kept = []; // the newest pictures, so that points are shown on the one they were seen in
    this.shown = null;
    connection.addEventListener("received", event => { if (this.onWire !== null && event.detail.time >= this.onWire) this.onWire = null; });
    connection.addEventListener("seen", event => this.answered(event.detail));
    connection.addEventListener("up", () => { this.onWire = null; });
  }

  get isOn() { return this.stream !== null; }

  // Throws what the browser throws.
  async start(device) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("no camera here");
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    if (device) video.deviceId = { exact: device }; else video.facingMode = "user";
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    this.stop();
    this.stream = stream;
    this.device = stream.getVideoTracks()[0]?.getSettings().deviceId;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => { if (this.stream === stream) { this.stop(); this.tell("lost"); } });
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = stream;
    await this.video.play();
    this.canvas ??= "OffscreenCanvas" in window ? new OffscreenCanvas(side, side) : Object.assign(document.createElement("canvas"), { width: side, height: side });
    this.context ??= this.canvas.getContext("2d", { alpha: false });
    this.next(this.video);
  }

  stop() {
    if (!this.stream) return;
    this.stream.getTracks().forEach(track => track.stop());
    this.video.srcObject = null;
    this.stream = this.shown = this.onWire = null;
    this.kept = [];
    this.connection.picture(this.lastTime, new Uint8Array(0));
  }

  tell(type) { this.dispatchEvent(new Event(type)); }

  next(video) {
    if (!this.stream || video !== this.video) return;
    const turn = (now, data) => { this.captured(now, data); this.next(video); };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(turn); else requestAnimationFrame(now => turn(now, {}));
  }

  captured(now, data) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !this.connection.isOpen || this.encoding) return;
    if (this.onWire !== null && now - this.lastSent < patience) return;
    // Twice as often as they are looked at is enough for the newest to be new.
    if (now - this.lastSent < Math.min(400, Math.max(28, this.look / 2))) return;
    // When light fell on it, where the browser knows.
    const since = data.captureTime !== undefined && data.captureTime <= now && now - data.captureTime < 1000 ? data.captureTime : now;
    const time = Math.max(since, this.lastTime + 0.01);
    const short = Math.min(width, height);
    this.context.setTransform(this.mirrored ? -1 : 1, 0, 0, 1, this.mirrored ? side : 0, 0);
    this.context.drawImage(this.video, (width - short) / 2, (height - short) / 2, short, short, 0, 0, side, side);
    this.lastSent = now;
    this.lastTime = time;
    this.encoding = true;
    this.keep(time);
    this.send(time).finally(() => { this.encoding = false; });
  }

  async send(time) {
    for (const quality of [0.8, 0.5, 0.2]) {
      const blob = this.canvas.convertToBlob ? await this.canvas.convertToBlob({ type: "image/jpeg", quality })
        : await new Promise(done => this.canvas.toBlob(done, "image/jpeg", quality));
      if (!blob || blob.size > largest) continue;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      if (!this.stream) return;
      this.onWire = time;
      this.sent++;
      this.connection.picture(time, bytes);
      return;
    }
  }

  keep(time) {
    const canvas = this.kept.length > 5 ? this.kept.shift().canvas : Object.assign(document.createElement("canvas"), { width: 256, height: 256 });
    canvas.getContext("2d", { alpha: false }).drawImage(this.canvas, 0, 0, 256, 256);
    this.kept.push({ time, canvas });
  }

  answered({ time, milliseconds, points }) {
    if (!this.stream) return;
    this.seen++;
    this.look = this.look ? this.look + (milliseconds - this.look) * 0.3 : milliseconds;
    const kept = this.kept.find(kept => kept.time === time);
    // Until the next answer it is nobody's to reuse.
    if (kept) { this.kept = this.kept.filter(other => other !== kept); this.shown = { canvas: kept.canvas, points }; }
    this.tell("seen");
  }

  // The picture that was looked at last, with what was seen in it; before the first, what the camera sees.
  draw(canvas) {
    const size = Math.round(Math.max(128, canvas.clientWidth * (devicePixelRatio || 1)));
    if (canvas.width !== size) { canvas.width = size; canvas.height = size; }
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    const picture = this.shown?.canvas ?? this.kept.at(-1)?.canvas;
    if (!picture) { context.clearRect(0, 0, size, size); return; }
    context.drawImage(picture, 0, 0, size, size);
    if (!this.shown) return;
    const points = this.shown.points;
    context.fillStyle = points.length ? "#060a1838" : "#060a1890";
    context.fillRect(0, 0, size, size);
    const radius = Math.max(1.6, size / 170);
    context.fillStyle = "#6ee7f5";
    context.strokeStyle = "#04121a";
    context.lineWidth = Math.max(0.6, size / 500);
    for (let index = 0; index < points.length; index += 3) {
      context.beginPath();
      context.arc(points[index] * size, points[index + 1] * size, radius, 0, 7);
      context.fill();
      context.stroke();
    }
  }
}

// The cameras there are, once one has been allowed.
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(device => device.kind === "videoinput").map((device, index) => ({ id: device.deviceId, name: device.label || `Camera ${index + 1}` }));
}
