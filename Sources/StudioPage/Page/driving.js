// What the user does, as controls of the puppet: pointer, keys, sliders, microphone and buttons, the later ones on top.

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const sliderFields = [
  ["yaw", "Turn", -0.6, 0.6, 0], ["pitch", "Nod", -0.35, 0.35, 0], ["roll", "Tilt", -0.3, 0.3, 0],
  ["gazeX", "Look across", -1, 1, 0], ["gazeY", "Look down", -1, 1, 0], ["leftEye", "Left eye", 0, 1, 1], ["rightEye", "Right eye", 0, 1, 1],
  ["brow", "Brows", -1, 1, 0], ["mouthOpen", "Mouth", 0, 1, 0], ["mouthWidth", "Smile", -1, 1, 0], ["lean", "Lean", -1, 1, 0],
];

export class Driving {
  constructor(connection, stage) {
    this.connection = connection;
    this.stage = stage;
    this.follow = true;
    this.pinned = {};
    this.pointer = null;
    this.pointerUntil = 0;
    this.mouth = 0;
    this.keys = new Set();
    this.keyed = {};
    this.pulses = [];
    this.sound = null;
    this.lastSent = 0;
    this.pending = null;
    this.mirror = {};
    addEventListener("pointermove", event => this.pointed(event), { passive: true });
    stage.addEventListener("pointerdown", event => {
      stage.setPointerCapture(event.pointerId);
      this.start = { x: event.clientX, y: event.clientY, moved: false };
      this.pointed(event);
    });
    stage.addEventListener("pointerup", event => {
      if (this.start && Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) < 8) this.blink(event.timeStamp);
      this.start = null;
    });
    stage.addEventListener("wheel", event => {
      event.preventDefault();
      this.mouth = clamp(this.mouth - Math.sign(event.deltaY) * 0.12, 0, 1);
      this.pointerUntil = performance.now() + 4000;
      this.changed(event.timeStamp);
    }, { passive: false });
    stage.addEventListener("keydown", event => this.key(event, true));
    stage.addEventListener("keyup", event => this.key(event, false));
    stage.addEventListener("blur", () => { this.keys.clear(); });
    this.tick = this.tick.bind(this);
    setInterval(() => this.hold(), 250);
    requestAnimationFrame(this.tick);
  }

  pointed(event) {
    if (!this.follow || (event.pointerType !== "mouse" && event.target !== this.stage)) return;
    const box = this.stage.getBoundingClientRect();
    const x = (event.clientX - box.left - box.width / 2) / (box.width / 2);
    const y = (event.clientY - box.top - box.height * 0.46) / (box.height / 2);
    const soft = value => value / Math.sqrt(1 + value * value * 0.45);
    this.pointer = { x: clamp(soft(x), -1.2, 1.2), y: clamp(soft(y), -1.2, 1.2) };
    this.pointerUntil = performance.now() + 4000;
    this.changed(event.timeStamp);
  }

  key(event, down) {
    const known = ["arrowleft", "arrowright", "arrowup", "arrowdown", "q", "e", "w", "s", "m", " ", "1", "2"];
    const key = event.key.toLowerCase();
    if (!known.includes(key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (down && !event.repeat) {
      if (key === " ") this.blink(event.timeStamp);
      if (key === "1") this.pulse({ leftEye: 0 }, 350, event.timeStamp);
      if (key === "2") this.pulse({ rightEye: 0 }, 350, event.timeStamp);
    }
    if (down) this.keys.add(key); else this.keys.delete(key);
    this.keyTime = event.timeStamp;
  }

  blink(time = performance.now()) { this.pulse({ leftEye: 0, rightEye: 0 }, 180, time); }

  // Controls that hold for a moment.
  pulse(controls, duration, time = performance.now()) {
    this.pulses.push({ controls, until: performance.now() + duration });
    this.changed(time);
    setTimeout(() => this.changed(performance.now()), duration + 5);
  }

  pin(name, value, time) { this.pinned[name] = value; this.changed(time); }

  release() { this.pinned = {}; this.mouth = 0; this.pointer = null; this.pointerUntil = 0; this.keyed = {}; }

  // Keys move the head at a speed, and let it come back.
  tick() {
    requestAnimationFrame(this.tick);
    const target = {
      yaw: 0.5 * ((this.keys.has("arrowright") ? 1 : 0) - (this.keys.has("arrowleft") ? 1 : 0)),
      pitch: 0.3 * ((this.keys.has("arrowup") ? 1 : 0) - (this.keys.has("arrowdown") ? 1 : 0)),
      roll: 0.26 * ((this.keys.has("e") ? 1 : 0) - (this.keys.has("q") ? 1 : 0)),
      brow: (this.keys.has("w") ? 1 : 0) - (this.keys.has("s") ? 1 : 0),
      mouthOpen: this.keys.has("m") ? 0.9 : 0,
    };
    let moved = false;
    for (const name in target) {
      const before = this.keyed[name] ?? 0;
      const next = Math.abs(target[name] - before) < 0.003 ? target[name] : before + (target[name] - before) * 0.25;
      if (next !== before) moved = true;
      this.keyed[name] = next;
    }
    if (moved) this.changed(this.keyTime ?? performance.now());
    this.keyTime = undefined;
    if (this.sound) this.listen();
  }

  get controls() {
    const now = performance.now();
    const controls = {};
    if (this.pointer && (now < this.pointerUntil)) {
      const { x, y } = this.pointer;
      Object.assign(controls, { yaw: x * 0.5, pitch: -y * 0.3, roll: x * y * 0.06, gazeX: clamp(x * 1.1, -1, 1), gazeY: clamp(y, -1, 1) });
    }
    if (this.mouth > 0) controls.mouthOpen = this.mouth;
    for (const name in this.keyed) if (Math.abs(this.keyed[name]) > 0.002) controls[name] = this.keyed[name];
    if (this.sound) Object.assign(controls, this.sound.controls);
    Object.assign(controls, this.pinned);
    this.pulses = this.pulses.filter(pulse => pulse.until > now);
    for (const pulse of this.pulses) Object.assign(controls, pulse.controls);
    return controls;
  }

  // Sends at once, but no more often than a screen shows.
  changed(time) {
    const now = performance.now();
    if (now - this.lastSent >= 12) return this.send(time);
    if (this.pending !== null) { this.pendingTime = time; return; }
    this.pendingTime = time;
    this.pending = setTimeout(() => { this.pending = null; this.send(this.pendingTime); }, 12 - (now - this.lastSent));
  }

  send(time) {
    this.lastSent = performance.now();
    this.mirror = this.controls;
    this.connection.drive(this.mirror, time);
  }

  // What is held has to be said again now and then, or the character goes back to idling.
  hold() {
    this.mirror = this.controls;
    if (performance.now() - this.lastSent > 240) this.connection.drive(this.mirror, NaN);
  }

  // Loudness opens the mouth; bright sounds widen it, dark ones round it.
  async microphone(on) {
    if (!on) {
      this.sound?.stream.getTracks().forEach(track => track.stop());
      this.sound?.context.close();
      this.sound = null;
      return;
    }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    analyser.smoothingTimeConstant = 0.3;
    context.createMediaStreamSource(stream).connect(analyser);
    this.sound = { stream, context, analyser, wave: new Float32Array(1024), bins: new Float32Array(512), floor: 0.01, open: 0, width: 0, controls: {} };
  }

  listen() {
    const sound = this.sound;
    sound.analyser.getFloatTimeDomainData(sound.wave);
    sound.analyser.getFloatFrequencyData(sound.bins);
    const loud = Math.sqrt(sound.wave.reduce((sum, value) => sum + value * value, 0) / sound.wave.length);
    sound.floor = loud < sound.floor ? loud : sound.floor * 1.001 + 1e-6;
    const open = clamp((Math.log10(Math.max(loud, 1e-5)) - Math.log10(Math.max(sound.floor * 2.5, 0.004))) / 1.1, 0, 1);
    let low = 0, high = 0;
    sound.bins.forEach((decibels, bin) => { const power = 10 ** (decibels / 10); if (bin >= 4 && bin < 22) low += power; else if (bin >= 34 && bin < 110) high += power; });
    const bright = clamp((Math.log10((high + 1e-12) / (low + 1e-12)) + 1.4) / 1.2, -1, 1);
    sound.open += (open - sound.open) * (open > sound.open ? 0.6 : 0.3);
    sound.width += ((open > 0.1 ? bright * 0.8 : 0) - sound.width) * 0.2;
    const was = sound.controls.mouthOpen ?? 0;
    sound.controls = sound.open > 0.02 ? { mouthOpen: sound.open, mouthWidth: sound.width } : {};
    if (Math.abs(sound.open - was) > 0.02) this.changed(performance.now());
  }
}

// A small picture of what is driven.
export function drawInput(canvas, controls) {
  const context = canvas.getContext("2d"), side = canvas.width;
  const style = getComputedStyle(document.documentElement);
  const line = style.getPropertyValue("--dim"), accent = style.getPropertyValue("--accent");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, side, side);
  context.translate(side / 2, side / 2);
  context.rotate(controls.roll ?? 0);
  const yaw = controls.yaw ?? 0, pitch = controls.pitch ?? 0, driven = Object.keys(controls).length > 0;
  context.strokeStyle = driven ? accent : line;
  context.fillStyle = context.strokeStyle;
  context.lineWidth = 2.5;
  context.lineCap = "round";
  context.beginPath();
  context.ellipse(0, 0, 34, 42, 0, 0, 7);
  context.stroke();
  const x = yaw * 38, y = -pitch * 46 - 4;
  for (const [side, open] of [[-1, controls.leftEye ?? 1], [1, controls.rightEye ?? 1]]) {
    context.beginPath();
    context.ellipse(x + side * 13 * Math.cos(yaw), y - 4, 6, 0.6 + 5 * open, 0, 0, 7);
    context.stroke();
    if (open > 0.3) {
      context.beginPath();
      context.arc(x + side * 13 * Math.cos(yaw) + (controls.gazeX ?? 0) * 3, y - 4 + (controls.gazeY ?? 0) * 2, 2, 0, 7);
      context.fill();
    }
    context.beginPath();
    context.moveTo(x + side * 8, y - 15 - 4 * (controls.brow ?? 0));
    context.lineTo(x + side * 19, y - 14 - 4 * (controls.brow ?? 0));
    context.stroke();
  }
  context.beginPath();
  context.ellipse(x, y + 20, 9 + 3 * (controls.mouthWidth ?? 0), 0.6 + 8 * (controls.mouthOpen ?? 0), 0, 0, 7);
  context.stroke();
}
