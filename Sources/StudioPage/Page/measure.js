// Percentiles over the last seconds, and the plot of them. Memory is bounded by the time kept.

export class Window {
  constructor(seconds) { this.span = seconds * 1000; this.values = []; }

  add(value, now = performance.now()) { this.values.push([now, value]); this.trim(now); }

  trim(now = performance.now()) {
    let old = 0;
    while (old < this.values.length && this.values[old][0] < now - this.span) old++;
    if (old) this.values.splice(0, old);
  }

  get count() { this.trim(); return this.values.length; }

  percentile(share) {
    this.trim();
    if (!this.values.length) return null;
    const sorted = this.values.map(value => value[1]).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
  }

  get rate() {
    this.trim();
    if (this.values.length < 2) return 0;
    return (this.values.length - 1) * 1000 / (performance.now() - this.values[0][0]);
  }
}

// Dots for inputs, a line for all frames, over the last twenty seconds.
export function plot(canvas, all, inputs) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); }
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement), now = performance.now();
  const color = name => style.getPropertyValue(name).trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  all.trim(now); inputs.trim(now);
  const top = Math.max(100, ...all.values.map(value => value[1]), ...inputs.values.map(value => value[1])) * 1.1;
  const step = [50, 100, 200, 500, 1000, 2000, 5000].find(step => top / step <= 4) ?? 10000;
  const x = time => width - (now - time) / all.span * width, y = value => height - 4 - value / top * (height - 8);
  context.font = "10px system-ui, sans-serif";
  context.fillStyle = color("--dim");
  context.strokeStyle = color("--line");
  context.lineWidth = 1;
  for (let value = step; value < top; value += step) {
    context.beginPath(); context.moveTo(0, y(value)); context.lineTo(width, y(value)); context.stroke();
    if (y(value) > 12) context.fillText(`${value} ms`, 2, y(value) - 2);
  }
  context.strokeStyle = color("--accent2");
  context.globalAlpha = 0.75;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  all.values.forEach(([time, value], index) => index ? context.lineTo(x(time), y(value)) : context.moveTo(x(time), y(value)));
  context.stroke();
  context.globalAlpha = 1;
  context.fillStyle = color("--accent");
  for (const [time, value] of inputs.values) { context.beginPath(); context.arc(x(time), y(value), 2, 0, 7); context.fill(); }
}
