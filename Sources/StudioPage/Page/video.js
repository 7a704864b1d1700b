// Video chunks through WebCodecs, where the browser has them; every chunk that comes is decoded, in order.

const codecs = { h264: "avc1.42E01F", vp8: "vp8" };
const names = [null, "h264", "vp8"];

// What this browser decodes, best first.
export async function decodable() {
  if (!("VideoDecoder" in window)) return [];
  const can = [];
  for (const [name, codec] of Object.entries(codecs)) {
    try { if ((await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true })).supported) can.push(name); } catch { /* not this one */ }
  }
  return can;
}

export class Video {
  // `shown(frame, picture)` for each picture; `failed()` once, when it cannot go on.
  constructor(shown, failed) { this.shown = shown; this.failed = failed; this.decoder = null; this.waiting = new Map(); }

  take(frame) {
    const name = names[frame.codec];
    if (frame.flags & 2 && this.name !== name) this.start(name);
    if (!this.decoder) return false;
    this.waiting.set(frame.sequence, frame);
    try {
      this.decoder.decode(new EncodedVideoChunk({ type: frame.flags & 2 ? "key" : "delta", timestamp: frame.sequence, data: frame.data }));
    } catch { this.stop(); this.failed(); return false; }
    return true;
  }

  start(name) {
    this.stop();
    this.name = name;
    this.decoder = new VideoDecoder({
      output: picture => {
        const frame = this.waiting.get(picture.timestamp);
        for (const sequence of this.waiting.keys()) if (sequence <= picture.timestamp) this.waiting.delete(sequence);
        if (frame) this.shown(frame, picture); else picture.close();
      },
      error: () => { this.stop(); this.failed(); },
    });
    this.decoder.configure({ codec: codecs[name], optimizeForLatency: true });
  }

  stop() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
    this.name = null;
    this.waiting.clear();
  }
}
