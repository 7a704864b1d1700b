// Choosing who is on stage: by number, from before, or from a picture with the face put where the model takes it to be.

const guide = { // in shares of the square: where the model takes a face to be
  eyes: 0.51, left: 0.407, right: 0.593, mouth: 0.635, chin: 0.725, top: 0.17, temple: 0.28, shoulder: 0.92,
};

export class Cropper {
  constructor(dialog) {
    this.dialog = dialog;
    this.canvas = dialog.querySelector("canvas");
    this.zoom = dialog.querySelector("input[type=range]");
    this.zoom.oninput = () => { this.setZoom(+this.zoom.value); };
    this.canvas.onpointerdown = event => { this.canvas.setPointerCapture(event.pointerId); this.last = event; };
    this.canvas.onpointerup = () => { this.last = null; };
    this.canvas.onpointermove = event => {
      if (!this.last) return;
      this.move((this.last.clientX - event.clientX) / this.canvas.clientWidth, (this.last.clientY - event.clientY) / this.canvas.clientHeight);
      this.last = event;
    };
    this.canvas.onwheel = event => { event.preventDefault(); this.setZoom(this.scale * (event.deltaY < 0 ? 1.08 : 1 / 1.08)); };
    this.canvas.onkeydown = event => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (steps) { event.preventDefault(); this.move(steps[0] * 0.02, steps[1] * 0.02); }
    };
  }

  // Resolves to { x, y, side } as the API takes them, or to null.
  async ask(file) {
    this.picture = await createImageBitmap(file).catch(() => null);
    if (!this.picture) return undefined; // The studio may still know the format.
    const { width, height } = this.picture;
    this.short = Math.min(width, height);
    this.scale = 1;
    this.zoom.value = 1;
    this.center = { x: width / 2, y: height > width ? this.short / 2 : height / 2 };
    this.draw();
    this.dialog.returnValue = "cancel";
    this.dialog.showModal();
    await new Promise(resolve => this.dialog.addEventListener("close", resolve, { once: true }));
    if (this.dialog.returnValue !== "use") return null;
    const side = this.short / this.scale;
    return { x: (this.center.x - side / 2) / width, y: (this.center.y - side / 2) / height, side: side / this.short };
  }

  setZoom(scale) { this.scale = Math.min(6, Math.max(1, scale)); this.zoom.value = this.scale; this.move(0, 0); }

  move(x, y) {
    const side = this.short / this.scale, { width, height } = this.picture;
    this.center.x = Math.min(width - side / 2, Math.max(side / 2, this.center.x + x * side));
    this.center.y = Math.min(height - side / 2, Math.max(side / 2, this.center.y + y * side));
    this.draw();
  }

  draw() {
    const context = this.canvas.getContext("2d"), size = this.canvas.width, side = this.short / this.scale;
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size, size);
    context.drawImage(this.picture, this.center.x - side / 2, this.center.y - side / 2, side, side, 0, 0, size, size);
    const at = share => share * size;
    for (const [color, width] of [["#000a", 4], ["#fff", 1.6]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.setLineDash([7, 5]);
      context.beginPath();
      context.ellipse(at(0.5), at((guide.top + guide.chin) / 2), at(0.5 - guide.temple), at((guide.chin - guide.top) / 2), 0, 0, 7);
      context.stroke();
      context.beginPath();
      context.moveTo(at(guide.left - 0.06), at(guide.eyes)); context.lineTo(at(guide.left + 0.06), at(guide.eyes));
      context.moveTo(at(guide.right - 0.06), at(guide.eyes)); context.lineTo(at(guide.right + 0.06), at(guide.eyes));
      context.moveTo(at(0.45), at(guide.mouth)); context.lineTo(at(0.55), at(guide.mouth));
      context.moveTo(at(0.08), at(1)); context.quadraticCurveTo(at(0.14), at(guide.shoulder - 0.04), at(0.4), at(0.84));
      context.moveTo(at(0.92), at(1)); context.quadraticCurveTo(at(0.86), at(guide.shoulder - 0.04), at(0.6), at(0.84));
      context.stroke();
    }
    context.setLineDash([]);
  }
}
