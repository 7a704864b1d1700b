// Placing the face of a picture: the square that goes on stage, and the landmarks in it. Points can be dragged, the picture moved and zoomed.

// The landmarks in the API's order, in words.
export const names = [
  "left temple", "left cheek", "left jaw", "chin", "right jaw", "right cheek", "right temple",
  "left brow, inner end", "left brow, outer end", "right brow, inner end", "right brow, outer end",
  "left eye, outer corner", "left eye, inner corner", "left eye, upper lid", "left eye, lower lid", "left pupil",
  "right eye, outer corner", "right eye, inner corner", "right eye, upper lid", "right eye, lower lid", "right pupil",
  "tip of the nose", "mouth, left corner", "mouth, right corner", "upper lip", "lower lip",
  "neck", "left shoulder", "right shoulder",
];

// Where a face is taken to be in a picture in which none was found, in shares of the square.
export const neutral = [
  [0.28, 0.473], [0.295, 0.582], [0.372, 0.676], [0.5, 0.725], [0.628, 0.676], [0.705, 0.582], [0.72, 0.473],
  [0.449, 0.429], [0.36, 0.425], [0.551, 0.429], [0.64, 0.425],
  [0.357, 0.512], [0.4565, 0.513], [0.407, 0.4565], [0.406, 0.5565], [0.407, 0.51],
  [0.643, 0.512], [0.5435, 0.513], [0.593, 0.4565], [0.594, 0.5565], [0.593, 0.51],
  [0.5, 0.58], [0.4525, 0.632], [0.5475, 0.632], [0.5, 0.635], [0.5, 0.635],
  [0.5, 0.836], [0.179, 0.922], [0.821, 0.922],
];

// The lines between points that show what belongs together.
const lines = [
  [0, 1, 2, 3, 4, 5, 6], [8, 7], [9, 10], [11, 13, 12, 14, 11], [16, 18, 17, 19, 16], [22, 24, 23, 25, 22], [27, 26, 28],
];

const howTo = () => matchMedia("(pointer: coarse)").matches
  ? "Drag a point to where it belongs, or the picture to move it. Two fingers zoom; smaller than the square, its edges go on around it."
  : "Drag a point to where it belongs, or the picture to move it. Scroll, pinch or + and − to zoom; Enter puts it on stage.";
const byHand = "put the points where they belong, or leave them and place the picture by the outline.";
export const largestPicture = 16 * 1024 * 1024; // bytes of an upload
const mostPixels = 24e6; // of an upload
const widest = 2048; // pixels a side of what is drawn here
const reach = { mouse: 12, pen: 16, touch: 26 }; // how near a point is taken hold of, in pixels of the page
const margin = 0.08; // around the square, in its sides: shoulders often lie there
const least = 0.25; // of the zoom: a square four times the shorter side
const inView = share => (share + margin) / (1 + 2 * margin) * 100; // of shares of the square, in percent of what is shown
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Placer {
  constructor(dialog) {
    const find = id => dialog.querySelector(`#place${id}`);
    Object.assign(this, {
      dialog, title: find("title"), view: find("view"), canvas: find("canvas"), busy: find("busy"), label: find("label"), zoom: find("zoom"),
      zoomed: find("zoomed"), note: find("note"), shown: find("show"), reset: find("reset"), use: find("use"),
    });
    this.pointers = new Map();
    this.held = this.pinch = null;
    this.handles = names.map((name, index) => {
      const handle = document.createElement("button");
      Object.assign(handle, { type: "button", className: "handle" });
      handle.dataset.index = index;
      handle.setAttribute("aria-label", `${name}: arrow keys move it`);
      handle.onfocus = () => this.name(index);
      handle.onblur = () => this.name(null);
      this.view.insertBefore(handle, this.label);
      return handle;
    });
    this.view.onpointerdown = event => this.down(event);
    this.view.onpointermove = event => this.moved(event);
    this.view.onpointerup = this.view.onpointercancel = event => this.up(event);
    this.view.onpointerleave = () => { if (this.held === null) this.name(null); };
    this.view.onwheel = event => {
      event.preventDefault();
      // Some browsers count lines, and a pinch on a touchpad comes as small steps with the control key.
      const pixels = event.deltaY * (event.deltaMode ? 33 : event.ctrlKey ? 6 : 1);
      this.zoomTo(this.scale * Math.exp(-clamp(pixels, -500, 500) / 800), this.place(event));
    };
    this.zoom.oninput = () => this.zoomTo(2 ** this.zoom.value);
    this.shown.onchange = () => this.draw();
    this.reset.onclick = () => { this.points = this.found.map(point => point && [...point]); this.draw(); };
    find("cancel").onclick = () => dialog.close();
    this.use.onclick = () => this.finish();
    dialog.onkeydown = event => this.key(event);
    new ResizeObserver(() => { if (dialog.open) this.draw(); }).observe(this.view);
  }

  // Shows a picture to be placed. `look()` resolves to what `POST /faces` answers; models may find drawn faces without a tracker.
  // `use({ x, y, side, points })`, as the API takes them, puts it on stage; the dialog stays open if it throws.
  // Returns false for a picture that this browser cannot show; the studio may still know the format.
  async open(file, { look, hasTracker, use }) {
    if (this.dialog.open) return true;
    if (!await this.load(file)) return false;
    this.title.textContent = "Place the face";
    this.use.textContent = "Put on stage";
    this.isFixed = false;
    this.start(null, null, use);
    this.wait(true);
    const picture = this.picture;
    let answer = null, failure = null;
    // Not every studio looks for faces.
    try { answer = await look(); } catch (error) { failure = error.code === "unsupported" ? null : error.message; }
    if (this.picture !== picture || !this.dialog.open) return true;
    this.wait(false);
    if (answer?.face) {
      this.start(answer.face.points.map(([x, y]) => [x, y]), answer.face.crop, use);
      this.say(howTo());
    } else if (failure) this.say(`${failure}. You can also ${byHand}`, true);
    else this.say(hasTracker ? `No face was found; ${byHand}` : `No face was found, without a face tracker (rain tracker install gets one): ${byHand}`);
    return true;
  }

  // Shows a whole picture as it is placed on stage: `points` in shares of the square `crop`. Returns false if this browser cannot show it.
  async reopen(file, { crop, points, use }) {
    if (this.dialog.open) return true;
    if (!await this.load(file)) return false;
    this.title.textContent = "Place the face";
    this.use.textContent = "Put on stage";
    this.isFixed = false;
    const side = crop.side * this.short;
    this.start(points.map(([x, y]) => [crop.x + x * side / this.width, crop.y + y * side / this.height]), crop, use);
    this.say(howTo());
    return true;
  }

  // Shows the picture on stage, whose points alone can be moved. `use(points)`, in shares of it.
  async adjust(file, points, use) {
    if (this.dialog.open || !await this.load(file)) return;
    this.title.textContent = "Adjust the points";
    this.use.textContent = "Use";
    this.isFixed = true;
    this.start(points.map(point => [...point]), { x: 0, y: 0, side: 1 }, placed => use(placed.points));
    this.say("Drag a point to where it belongs. Scroll, pinch or + and − to look closer; Enter uses it.");
  }

  async load(file) {
    const whole = await createImageBitmap(file).catch(() => null);
    if (!whole) return false;
    if (whole.width * whole.height > mostPixels) {
      const found = (whole.width * whole.height / 1e6).toFixed(1);
      whole.close();
      throw new Error(`${file.name || "The picture"} has ${found} megapixels; a picture may have ${mostPixels / 1e6}. Make it smaller.`);
    }
    const { width, height } = whole, share = widest / Math.max(width, height);
    this.picture?.close();
    if (share < 1) {
      const [resizeWidth, resizeHeight] = [width, height].map(side => Math.max(1, Math.round(side * share)));
      this.picture = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "medium" });
      whole.close();
    } else this.picture = whole;
    Object.assign(this, { width, height, short: Math.min(width, height) });
    return true;
  }

  // `points` in shares of the picture; null for those of a neutral face, which stay in the square until they are dragged.
  start(points, crop, use) {
    const { width, height, short } = this;
    this.found = points ?? neutral.map(() => null);
    this.points = this.found.map(point => point && [...point]);
    this.isByHand = !points;
    this.onUse = use;
    const side = crop ? crop.side * short : short;
    this.scale = short / side;
    this.center = crop ? { x: crop.x * width + side / 2, y: crop.y * height + side / 2 }
      : { x: width / 2, y: height > width ? short / 2 : height / 2 };
    this.most = Math.min(Math.max(6, this.scale * 1.6), Math.max(1, short / 8));
    this.fewest = this.isFixed ? 1 : Math.min(least, this.scale);
    [this.zoom.min, this.zoom.max] = [Math.log2(this.fewest), Math.log2(this.most)];
    this.wait(false);
    if (!this.dialog.open) { this.shown.checked = true; this.dialog.showModal(); this.canvas.focus(); }
    this.zoomTo(this.scale);
  }

  wait(isBusy) {
    this.busy.hidden = !isBusy;
    this.isBusy = this.use.disabled = this.reset.disabled = isBusy;
    if (isBusy) this.say("");
    this.draw();
  }

  say(text, bad = false) { this.note.textContent = text; this.note.classList.toggle("bad", bad); }

  async finish() {
    if (this.isBusy) return;
    const { left, top, side } = this.square, { width, height } = this;
    const points = this.points.map((point, index) => point ?? [(left + neutral[index][0] * side) / width, (top + neutral[index][1] * side) / height]);
    this.use.disabled = this.isBusy = true;
    try {
      await this.onUse({ x: left / width, y: top / height, side: side / this.short, points: points.map(point => point.map(value => +value.toFixed(5))) });
      this.dialog.close();
    } catch (error) { this.say(error.message, true); } finally { this.use.disabled = this.isBusy = false; }
  }

  // ---- Square and points ----

  get square() {
    const side = this.short / this.scale;
    return { left: this.center.x - side / 2, top: this.center.y - side / 2, side };
  }

  // Of a point, in shares of the square.
  at(index) {
    const point = this.points[index], { left, top, side } = this.square;
    return point ? [(point[0] * this.width - left) / side, (point[1] * this.height - top) / side] : neutral[index];
  }

  put(index, x, y) {
    const { left, top, side } = this.square;
    const within = share => clamp(share, -margin, 1 + margin) * side;
    this.points[index] = [(left + within(x)) / this.width, (top + within(y)) / this.height];
    this.draw();
  }

  // Moves the square over the picture, in shares of its side.
  shift(x, y) {
    const { width, height } = this, { side } = this.square, edge = this.isFixed ? side / 2 : 0;
    this.center.x = clamp(this.center.x + x * side, edge, width - edge);
    this.center.y = clamp(this.center.y + y * side, edge, height - edge);
    this.draw();
  }

  // `about`: what stays where it is, in shares of the square.
  zoomTo(scale, about = { x: 0.5, y: 0.5 }) {
    const before = this.square.side;
    this.scale = clamp(scale, this.fewest, this.most);
    const { side } = this.square, share = (before - side) / side;
    this.zoom.value = Math.log2(this.scale);
    this.zoomed.textContent = `×${this.scale.toFixed(2)}`;
    this.shift((about.x - 0.5) * share, (about.y - 0.5) * share);
  }

  // ---- Pointers and keys ----

  // Of an event, in shares of the square.
  place(event) {
    const box = this.view.getBoundingClientRect(), share = (at, size) => at / size * (1 + 2 * margin) - margin;
    return { x: share(event.clientX - box.left, box.width), y: share(event.clientY - box.top, box.height) };
  }

  // The point that a pointer takes hold of.
  nearest(event) {
    if (!this.shown.checked) return null;
    const { x, y } = this.place(event), size = this.view.clientWidth / (1 + 2 * margin);
    const all = names.map((_, index) => { const [u, v] = this.at(index); return { index, away: Math.hypot(u - x, v - y) * size }; });
    const best = all.reduce((best, next) => next.away < best.away ? next : best);
    return best.away <= (reach[event.pointerType] ?? reach.mouse) ? best.index : null;
  }

  down(event) {
    if (this.isBusy || event.button > 0) return;
    event.preventDefault();
    this.view.setPointerCapture(event.pointerId);
    const place = this.place(event);
    this.pointers.set(event.pointerId, place);
    if (this.pointers.size === 2) {
      this.held = null;
      this.pinch = this.spread();
      return;
    }
    const index = this.nearest(event);
    if (index === null) { this.canvas.focus({ preventScroll: true }); return; }
    const [x, y] = this.at(index);
    this.held = { index, x: x - place.x, y: y - place.y };
    this.handles[index].focus({ preventScroll: true });
  }

  moved(event) {
    const before = this.pointers.get(event.pointerId), place = this.place(event);
    if (!before) {
      if (event.pointerType === "mouse" && !this.isBusy) { const near = this.nearest(event); this.view.classList.toggle("near", near !== null); this.name(near); }
      return;
    }
    this.pointers.set(event.pointerId, place);
    if (this.pinch) {
      const now = this.spread();
      if (now) { this.shift(this.pinch.x - now.x, this.pinch.y - now.y); this.zoomTo(this.scale * now.wide / this.pinch.wide, now); this.pinch = now; }
    } else if (this.held) {
      this.put(this.held.index, place.x + this.held.x, place.y + this.held.y);
      this.name(this.held.index);
    } else this.shift(before.x - place.x, before.y - place.y);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.held = this.pinch = null;
    if (event.pointerType !== "mouse") this.name(null);
  }

  // Of two fingers: their middle, and how far they are apart.
  spread() {
    const [a, b] = [...this.pointers.values()];
    return a && b ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, wide: Math.max(0.01, Math.hypot(a.x - b.x, a.y - b.y)) } : null;
  }

  key(event) {
    // Buttons keep Enter and sliders the arrows; all else is for the picture.
    const onHandle = event.target.classList.contains("handle"), onButton = event.target.matches("button:not(.handle)");
    if (event.key === "Enter" && !onButton) { event.preventDefault(); return void this.finish(); }
    if (this.isBusy || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = event.target === this.zoom ? null : { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const zoom = { "+": 1.08, "=": 1.08, "-": 1 / 1.08, "−": 1 / 1.08 }[event.key];
    if (!steps && !zoom) return;
    event.preventDefault();
    if (zoom) return this.zoomTo(this.scale * zoom);
    const step = (onHandle ? 0.003 : 0.02) * (event.shiftKey ? 5 : 1);
    if (!onHandle) return this.shift(-steps[0] * step, -steps[1] * step);
    const index = +event.target.dataset.index, [x, y] = this.at(index);
    this.put(index, x + steps[0] * step, y + steps[1] * step);
    this.name(index);
  }

  // ---- Showing ----

  name(index) {
    for (const [other, handle] of this.handles.entries()) handle.classList.toggle("on", other === index);
    this.label.hidden = index === null || !this.shown.checked;
    if (index === null) return;
    const [x, y] = this.at(index);
    this.label.textContent = names[index];
    this.label.style.left = `${clamp(inView(x), 16, 84)}%`;
    this.label.style.top = `${clamp(inView(y), 0, 100)}%`;
    this.label.classList.toggle("below", y < 0.04);
  }

  draw() {
    const size = Math.round(this.view.clientWidth * (devicePixelRatio || 1));
    if (!size || !this.picture) return;
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    const context = this.canvas.getContext("2d"), { left, top, side } = this.square, share = this.picture.width / this.width;
    const inner = size / (1 + 2 * margin), edge = inner * margin, whole = side * (1 + 2 * margin) * share;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size, size);
    this.drawEdges(context, size / whole, (left - side * margin) * share, (top - side * margin) * share, size);
    context.drawImage(this.picture, (left - side * margin) * share, (top - side * margin) * share, whole, whole, 0, 0, size, size);
    // What lies outside the square does not go on stage.
    context.fillStyle = "#0b0d14a8";
    context.beginPath();
    context.rect(0, 0, size, size);
    context.rect(edge, edge, inner, inner);
    context.fill("evenodd");
    context.setTransform(1, 0, 0, 1, edge, edge);
    const isShown = this.shown.checked && !this.isBusy;
    if (isShown || (this.isByHand && !this.isBusy)) this.drawLines(context, inner);
    this.handles.forEach((handle, index) => {
      const [x, y] = this.at(index);
      handle.hidden = !isShown || [x, y].some(share => share < -margin || share > 1 + margin);
      handle.style.left = `${inView(x)}%`;
      handle.style.top = `${inView(y)}%`;
      handle.classList.toggle("loose", !this.points[index]);
    });
    if (!isShown) this.label.hidden = true;
  }

  // Outside the picture its edges go on, as on stage: from `left` and `top` on, `scale` pixels of the canvas for one of the picture.
  drawEdges(context, scale, left, top, size) {
    const { width, height } = this.picture;
    const axis = (start, extent) => {
      const first = -start * scale, last = first + extent * scale;
      return [[0, 1, 0, first], [0, extent, first, last], [extent - 1, 1, last, size]];
    };
    for (const [x, across, toLeft, toRight] of axis(left, width)) {
      for (const [y, down, toTop, toBottom] of axis(top, height)) {
        if (across === width && down === height || toRight <= toLeft || toBottom <= toTop) continue;
        context.drawImage(this.picture, x, y, across, down, toLeft - 0.5, toTop - 0.5, toRight - toLeft + 1, toBottom - toTop + 1);
      }
    }
  }

  drawLines(context, size) {
    const unit = size / 420;
    context.lineCap = context.lineJoin = "round";
    for (const [color, width] of [["#04121a80", 3], [this.isByHand ? "#ffffffd0" : "#6ee7f5c0", 1.2]]) {
      context.strokeStyle = color;
      context.lineWidth = width * unit;
      context.setLineDash(this.isByHand ? [5 * unit, 5 * unit] : []);
      for (const line of lines) {
        context.beginPath();
        for (const index of line) { const [x, y] = this.at(index); context.lineTo(x * size, y * size); }
        context.stroke();
      }
      if (!this.isByHand) continue;
      // The top of the head, which no point marks.
      context.beginPath();
      context.ellipse(0.5 * size, 0.473 * size, 0.22 * size, 0.303 * size, 0, Math.PI, 2 * Math.PI);
      context.stroke();
    }
    context.setLineDash([]);
  }
}
