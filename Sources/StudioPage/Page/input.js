// Driving by pictures, as the page shows it: the camera with what is seen in it, films, and the way without a detector.

import { Camera, cameras, reason } from "./camera.js";
import { sendFilm, isMotion } from "./film.js";
import { address, ask } from "./connection.js";
import { copy } from "./links.js";
import { drawInput } from "./driving.js";

const $ = id => document.getElementById(id);
const words = { idle: "idling", controls: "driven", landmarks: "landmarks", camera: "camera", motion: "motion" };

export class InputPanel {
  // `session()`: the session as it stands, or null; `path(part)`: of the API; `toast(text, bad)`; `mirror()`: the page's own controls.
  constructor({ connection, session, path, toast, mirror }) {
    Object.assign(this, { session, path, toast, mirror });
    this.camera = new Camera(connection);
    this.stats = null;
    this.busy = false;
    this.sending = null;
    $("camera").onclick = () => this.switchCamera();
    $("mirror").onchange = () => { this.camera.mirrored = $("mirror").checked; };
    $("calibrate").onclick = () => this.calibrate();
    $("cameradevice").onchange = () => this.open($("cameradevice").value);
    $("closehelp").onclick = () => { $("nodetector").hidden = true; $("camera").focus(); };
    $("copydetector").onclick = async () => toast(await copy($("detectorcommand").textContent, "The command is copied."));
    this.camera.addEventListener("seen", () => this.camera.draw($("input")));
    this.camera.addEventListener("lost", () => { this.show(); this.say("The camera is gone. Plug it in again, then switch it on.", true); });
    connection.addEventListener("stats", event => { this.stats = event.detail.stats; this.show(); });
    connection.addEventListener("notice", event => {
      if (!event.detail.code) return;
      this.camera.stop();
      this.show();
      this.say(event.detail.message, true);
    });
    setInterval(() => this.turn(), 250);
  }

  get hasDetector() { return this.session()?.detector ?? false; }

  say(text, bad = false) {
    $("camerastatus").textContent = text;
    $("camerastatus").classList.toggle("bad", bad);
    $("camerapanel").hidden = false;
  }

  // ---- Camera ----

  async switchCamera() {
    if (this.camera.isOn) {
      this.camera.stop();
      $("camerapanel").hidden = true;
      return this.show();
    }
    if (!this.hasDetector) return this.explain("The camera");
    await this.open();
  }

  async open(device) {
    this.say("Asking the browser for the camera…");
    try {
      await this.camera.start(device);
    } catch (error) {
      this.show();
      return this.say(reason("camera", error), true);
    }
    $("hint").classList.add("gone");
    this.say("Waiting for the first picture…");
    this.show();
    const all = await cameras().catch(() => []);
    $("cameradevice").replaceChildren(...all.map(camera => new Option(camera.name, camera.id, false, camera.id === this.camera.device)));
    $("cameradevice").hidden = all.length < 2;
  }

  async calibrate() {
    try {
      await ask("POST", this.path("calibration"));
      this.toast("This is now your face at rest: every move is measured from it.");
    } catch (error) { this.toast(error.message, true); }
  }

  // Without a detector: what to do about it, and what works all the same.
  explain(what) {
    $("nodetectorwhat").textContent = what;
    $("nodetector").hidden = false;
    $("nodetector").scrollIntoView({ block: "nearest", behavior: "smooth" });
    $("nodetector").focus({ preventScroll: true });
  }

  // ---- Motions and films ----

  async play(file) {
    if (isMotion(file)) {
      await ask("PUT", `${this.path("motion")}?name=${encodeURIComponent(file.name)}`, file, "application/json");
      this.toast(`${file.name} plays over and over.`);
      return;
    }
    if (!this.hasDetector) return this.explain("A film");
    if (this.sending) throw new Error(`${this.sending} is still on its way; wait for it, then choose the next.`);
    this.sending = file.name;
    $("filmpanel").hidden = false;
    try {
      await sendFilm(this.path("motion"), file, share => this.film(`${file.name}: sending, ${Math.round(share * 100)} %`, share));
      this.film(`${file.name}: looking for a face…`, 1);
    } catch (error) {
      $("filmpanel").hidden = true;
      throw error;
    } finally { this.sending = null; }
  }

  film(text, share) {
    $("filmpanel").hidden = false;
    $("filmname").textContent = text;
    $("filmshare").value = share;
  }

  // ---- What is shown ----

  show() {
    const session = this.session(), input = this.stats?.input, mode = this.stats?.mode ?? "idle", on = this.camera.isOn;
    $("camera").setAttribute("aria-pressed", on);
    $("camerarow").hidden = !on;
    if (!on && !$("camerastatus").classList.contains("bad")) $("camerapanel").hidden = true;
    const isFilm = input?.film !== undefined && input?.film !== null;
    $("inputrow").classList.toggle("seeing", on || isFilm || mode === "camera");
    $("mode").textContent = isFilm && mode === "motion" ? "film" : words[mode];
    if (on && input && this.camera.seen) {
      const pace = `${input.picturesPerSecond.toFixed(0)} pictures/s, ${input.lookMilliseconds < 10 ? input.lookMilliseconds.toFixed(1) : Math.round(input.lookMilliseconds)} ms each`;
      this.say(input.inView ? `Your face is in view: ${pace}.` : `Nobody is in view: come closer, with more light. ${pace}.`, !input.inView);
    }
    if (this.sending) return;
    if (!isFilm) { $("filmpanel").hidden = true; return; }
    const name = session?.motion ?? "the film";
    this.film(!input.inView ? `${name}: looking for a face…` : input.film < 1 ? `${name} plays, ${Math.round(input.film * 100)} % looked at` : `${name} plays`, input.film);
  }

  turn() {
    const mode = this.stats?.mode ?? "idle";
    const remote = !this.camera.isOn && (mode === "camera" || mode === "landmarks" || mode === "motion" || !!this.stats?.input);
    $("inputpicture").hidden = !remote;
    $("input").hidden = remote;
    if (this.camera.isOn) return this.camera.draw($("input"));
    if (remote) return this.poll();
    if ($("input").width !== 128) { $("input").width = 128; $("input").height = 128; }
    drawInput($("input"), this.mirror());
  }

  // What drives from elsewhere, as the studio shows it.
  async poll() {
    if (this.busy || document.hidden || !this.session()) return;
    this.busy = true;
    try {
      const response = await fetch(address(this.path("input")));
      if (!response.ok) return;
      const picture = URL.createObjectURL(await response.blob());
      const old = $("inputpicture").src;
      $("inputpicture").src = picture;
      await $("inputpicture").decode().catch(() => {});
      if (old.startsWith("blob:")) URL.revokeObjectURL(old);
    } catch { /* the studio is away; it comes back */ } finally { this.busy = false; }
  }
}
