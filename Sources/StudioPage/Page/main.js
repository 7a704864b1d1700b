import { Connection, address, ask } from "./connection.js";
import { Driving, sliderFields } from "./driving.js";
import { InputPanel } from "./input.js";
import { reason } from "./camera.js";
import { Links } from "./links.js";
import { Recent } from "./recent.js";
import { Window, plot } from "./measure.js";
import { Video, decodable } from "./video.js";
import { Placer, largestPicture } from "./place.js";

const $ = id => document.getElementById(id);
const stage = $("stage");
const connection = new Connection();
const driving = new Driving(connection, stage);
const state = { session: null, frames: 0, generation: 0, recording: null };
const latencyOfInput = new Window(20), latencyOfFrames = new Window(20), shown = new Window(2);

// For tests and the curious: what the page measures.
window.studio = {
  get frames() { return state.frames; },
  get session() { return state.session; },
  get generation() { return state.generation; },
  get latency() {
    return { p50: latencyOfInput.percentile(0.5), p95: latencyOfInput.percentile(0.95), count: latencyOfInput.count,
      frameP50: latencyOfFrames.percentile(0.5), frameP95: latencyOfFrames.percentile(0.95), rate: shown.rate };
  },
  get stats() { return state.stats; },
  get codec() { return state.codec; },
  get command() { return $("commandline").value; },
  connection, driving,
  get camera() { return inputs.camera; },
};

function toast(text, bad = false) {
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  note.textContent = text;
  // What is said again takes the place of what was said.
  [...$("toasts").children].find(other => other.textContent === text)?.remove();
  $("toasts").append(note);
  while ($("toasts").children.length > 2) $("toasts").firstChild.remove();
  setTimeout(() => note.remove(), bad ? 7000 : 3500);
}
const attempt = action => async (...given) => { try { return await action(...given); } catch (error) { toast(error.message, true); } };
// What the browser remembers for this tab, and for all. One that keeps no cookies throws instead, and nothing is remembered.
const memory = kind => ({
  get(name) { try { return window[kind].getItem(name); } catch { return null; } },
  set(name, value) { try { window[kind].setItem(name, value); } catch { /* nothing is remembered */ } },
});
const ofTab = memory("sessionStorage"), ofBrowser = memory("localStorage");
const inputs = new InputPanel({ connection, session: () => state.session, path: part => path(part), toast, mirror: () => driving.mirror });
const path = part => `sessions/${state.session.id}${part ? `/${part}` : ""}`;

// ?overlay=1 shows nothing but the character, for a browser source of OBS.
const overlay = new URLSearchParams(location.search).has("overlay");
if (overlay) { document.documentElement.dataset.overlay = ""; driving.follow = false; }

// ---- Joining: the session of the address, the one from before, or the first there is ----

async function join() {
  const { sessions } = await (await ask("GET", "sessions")).json();
  const wanted = location.hash.match(/^#\/s\/([a-z0-9]+)$/)?.[1] ?? ofTab.get("session");
  let session = sessions.find(session => session.id === wanted) ?? sessions[0];
  if (!session) {
    const before = JSON.parse(ofBrowser.get("settings") ?? "{}");
    const make = given => ask("POST", "sessions", given);
    // Settings from before may be of another model, and a picture may be gone.
    session = await (await make(before).catch(() => make({ settings: before.settings })).catch(() => make({}))).json();
  }
  ofTab.set("session", session.id);
  take(session);
  video.stop();
  state.cut = isCut(session);
  connection.open(session.id, await formats, state.cut);
  links.load();
}
const isCut = session => overlay || session.settings.background === "transparent";

let waiting = null;
async function comeBack(delay) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    try { await join(); } catch (error) {
      link("gone", error.message.slice(0, 60));
      connection.retries++;
      comeBack(Math.min(8000, 500 * 2 ** connection.retries));
    }
  }, delay);
}

function link(kind, text) { $("link").className = `pill ${kind}`; $("link").querySelector("b").textContent = text; }

connection.addEventListener("up", () => link("live", "live"));
connection.addEventListener("down", event => {
  link("gone", event.detail.reason || "connection lost, coming back");
  connection.retries++;
  comeBack(Math.min(8000, 300 * 2 ** connection.retries));
});
connection.addEventListener("hello", event => take(event.detail.session));
connection.addEventListener("state", event => take(event.detail.session));
// What concerns this page's camera is said beside it.
connection.addEventListener("notice", event => { if (!event.detail.code) toast(event.detail.message, true); });

// ---- Frames: decoded as they come, drawn when the screen is, counted when it has shown them ----

const context = stage.getContext("2d");
let next = null, drawn = [];
// ?pictures asks for pictures whatever the browser can.
let formats = new URLSearchParams(location.search).has("pictures") ? Promise.resolve([]) : decodable();
const video = new Video(keep, () => { formats = Promise.resolve([]); connection.socket?.close(); });

connection.addEventListener("frame", async event => {
  const frame = event.detail;
  state.codec = ["JPEG", "H.264", "VP8", "PNG"][frame.codec];
  if (frame.codec === 1 || frame.codec === 2) {
    // Without its key frame a chunk says nothing.
    if (!video.take(frame)) connection.acknowledge(frame.sequence);
    return;
  }
  let picture;
  try {
    picture = await createImageBitmap(new Blob([frame.data], { type: frame.codec ? "image/png" : "image/jpeg" }));
  } catch { connection.acknowledge(frame.sequence); return; }
  keep(frame, picture);
});

function keep(frame, picture) {
  if (next) { next.picture.close(); connection.acknowledge(next.frame.sequence); }
  next = { frame, picture };
  // A page that is not looked at draws nothing, but must not hold up the rest.
  if (document.hidden) draw(performance.now());
}

function draw(now) {
  if (drawn.length) {
    // What was drawn for the screen's last turn has been shown by now.
    for (const frame of drawn) {
      shown.add(1, now);
      if (frame.flags & 1) continue; // shown before we came
      if (!Number.isNaN(frame.input)) latencyOfInput.add(now - frame.input, now);
      if (connection.offset !== null) latencyOfFrames.add(now - (frame.captured - connection.offset), now);
    }
    drawn = [];
  }
  if (!next) return;
  const { frame, picture } = next;
  next = null;
  // No more pixels than the screen has, or more than a frame can fill.
  const side = Math.round(Math.min(Math.max(1024, picture.width ?? 0, picture.displayWidth ?? 0), Math.max(256, stage.clientWidth * (devicePixelRatio || 1))));
  if (stage.width !== side) { stage.width = side; stage.height = side; }
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  if (frame.codec === 3) context.clearRect(0, 0, side, side);
  context.drawImage(picture, 0, 0, side, side);
  picture.close();
  connection.acknowledge(frame.sequence);
  state.frames++;
  state.generation = frame.generation;
  drawn.push(frame);
}

requestAnimationFrame(function turn(now) { requestAnimationFrame(turn); draw(now); });

// ---- What the studio tells ----

function take(session) {
  const before = state.session;
  state.session = session;
  $("who").textContent = $("who").title = session.reference.name;
  $("badge").hidden = session.status === "running";
  $("badge").textContent = "waking up…";
  if (!before || before.id !== session.id || before.reference.generation !== session.reference.generation) {
    $("reference").src = address(`${path("reference")}?g=${session.reference.generation}`);
    recent.show(session.reference);
  }
  if (document.activeElement !== $("character")) $("character").value = session.reference.isPicture ? "" : session.reference.character;
  const settings = session.settings;
  for (const button of document.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", button.dataset.preset === settings.preset);
  if (![...$("windowselect").options].some(option => option.value === settings.window)) $("windowselect").add(new Option(settings.window, settings.window));
  $("windowselect").value = settings.window;
  if (document.activeElement !== $("seed")) $("seed").value = settings.seed;
  for (const [name, slider] of tuning) if (document.activeElement !== slider.input) slider.set(slider.read(settings));
  $("window").textContent = Math.round(session.windowMilliseconds);
  const [frames, levels] = settings.window.split("x");
  $("windownote").textContent = `${frames} ${frames === "1" ? "frame" : "frames"} per group, ${levels} noise levels: the window alone takes ${Math.round(session.windowMilliseconds)} ms.`;
  $("watchers").textContent = session.watchers;
  $("stopmotion").hidden = !session.motion;
  $("adjust").hidden = !session.reference.isPicture;
  $("distance").checked = settings.keepDistance;
  $("cutrow").hidden = settings.cut === undefined;
  $("cut").checked = settings.cut === true;
  takeLook(session);
  if (state.cut !== undefined && state.cut !== isCut(session)) connection.socket?.close();
  links.show();
  takeRecording(session.recording);
  ofBrowser.set("settings", JSON.stringify({
    settings: { window: settings.window, steps: settings.steps, background: settings.background, framesPerSecond: settings.framesPerSecond, seed: settings.seed, smoothing: settings.smoothing, gains: settings.gains, guidance: settings.guidance, keepDistance: settings.keepDistance, cut: settings.cut },
    character: session.reference.character,
  }));
}

connection.addEventListener("stats", event => {
  const stats = state.stats = event.detail.stats;
  $("step").textContent = stats.stepMilliseconds.toFixed(1);
  $("load").textContent = Math.round(stats.load * 100);
  $("queue").textContent = `${stats.waiting} / ${stats.inFlight} / ${stats.unacknowledged}`;
  $("dropped").textContent = `${stats.droppedInput} / ${stats.droppedOutput}`;
  $("watchers").textContent = stats.watchers;
  $("codec").textContent = state.codec ?? "–";
  showOutputs(stats.outputs ?? []);
  if (stats.recording) takeRecording(stats.recording);
});

setInterval(() => {
  // Without input there is nothing to answer: then it is the way from driving frame to screen that is told.
  const answered = latencyOfInput.count > 4;
  const source = answered ? latencyOfInput : latencyOfFrames;
  const format = value => value === null ? "–" : Math.round(value);
  $("latencyname").textContent = !answered ? "frame to screen" : state.stats?.mode === "camera" ? "camera to screen" : "input to screen";
  $("p50").textContent = format(source.percentile(0.5));
  $("p95").textContent = format(source.percentile(0.95));
  $("fps").textContent = shown.count > 1 ? shown.rate.toFixed(1) : "–";
  $("audiodelay").textContent = format(source.percentile(0.5));
  $("audiofrom").textContent = $("latencyname").textContent;
  if ($("hud").open) plot($("plot"), latencyOfFrames, latencyOfInput);
  showRecording();
}, 250);

let poseBusy = false;
setInterval(() => {
  if (!$("hud").open || document.hidden || poseBusy || !connection.isOpen) return;
  poseBusy = true;
  const picture = new Image();
  picture.onload = () => { $("pose").src = picture.src; poseBusy = false; };
  picture.onerror = () => { poseBusy = false; };
  picture.src = address(`${path("pose")}?t=${Date.now()}`);
}, 400);

// ---- Driving ----

function slider(name, label, low, high, value, step, format, onchange) {
  const row = document.createElement("label");
  row.className = "slider";
  row.innerHTML = `<span>${label}</span><input type="range" min="${low}" max="${high}" step="${step}" value="${value}" data-name="${name}"><output></output>`;
  const input = row.querySelector("input"), output = row.querySelector("output");
  const set = value => { input.value = value; output.textContent = format(+input.value); };
  input.addEventListener("input", event => { output.textContent = format(+input.value); onchange(+input.value, event.timeStamp, row); });
  set(value);
  return { row, input, set };
}

const puppet = sliderFields.map(([name, label, low, high, rest]) => {
  const made = slider(name, label, low, high, rest, 0.01, value => value.toFixed(2), (value, time, row) => {
    row.classList.add("pinned");
    driving.pin(name, value, time);
  });
  $("sliders").append(made.row);
  return { ...made, rest };
});
$("release").onclick = () => {
  driving.release();
  for (const made of puppet) { made.set(made.rest); made.row.classList.remove("pinned"); }
};
$("follow").onchange = () => { driving.follow = $("follow").checked; };
$("microphone").onchange = async () => {
  $("microphonenote").hidden = true;
  try { await driving.microphone($("microphone").checked); } catch (error) {
    $("microphone").checked = false;
    $("microphonenote").textContent = reason("microphone", error);
    $("microphonenote").hidden = false;
  }
};
$("blink").onclick = event => driving.blink(event.timeStamp);
$("wink").onclick = event => driving.pulse({ leftEye: 0, mouthWidth: 0.6 }, 380, event.timeStamp);
$("smile").onclick = event => driving.pulse({ mouthWidth: 1, brow: 0.5, leftEye: 0.75, rightEye: 0.75 }, 1200, event.timeStamp);
addEventListener("pointermove", () => setTimeout(() => $("hint").classList.add("gone"), 2500), { once: true });
$("motion").onclick = () => $("motionfile").click();
const playMotion = attempt(file => inputs.play(file));
$("motionfile").onchange = () => { const file = $("motionfile").files[0]; $("motionfile").value = ""; if (file) playMotion(file); };
$("dance").onclick = attempt(() => ask("PUT", path("motion"), { seed: Math.floor(Math.random() * 2 ** 20) }));
$("stopmotion").onclick = attempt(() => ask("DELETE", path("motion")));

// ---- Who ----

const call = attempt(id => ask("PUT", path("reference"), { character: id }));
const recent = new Recent($("recent"), { call, attempt });
$("roll").onclick = () => call(String(Math.floor(Math.random() * 2 ** 20)));
$("call").onclick = () => {
  if (!/^\d{1,15}$/.test($("character").value)) return toast("A character is a whole number from 0 on.", true);
  call($("character").value);
};
$("character").onkeydown = event => { if (event.key === "Enter") $("call").click(); };

const placer = new Placer($("place"));
const putPicture = (file, name, { x, y, side, points } = {}) => ask(
  "PUT", `${path("reference")}?name=${encodeURIComponent(name)}${points ? `&x=${x}&y=${y}&side=${side}&points=${points.join()}` : ""}`, file, file.type || "application/octet-stream");
const usePicture = attempt(async file => {
  const name = file.name || "a picture";
  if (file.size > largestPicture) throw new Error(`${name} has ${(file.size / 1048576).toFixed(1)} MiB; a picture may have ${largestPicture >> 20}. Make it smaller.`);
  const look = async () => (await ask("POST", "faces", file, file.type || "application/octet-stream")).json();
  const isShown = await placer.open(file, { look, hasTracker: state.session.detector, use: placed => putPicture(file, name, placed) });
  if (!isShown) await putPicture(file, name);
});
$("adjust").onclick = attempt(async () => {
  const { name, crop, points } = state.session.reference;
  // The whole picture, where it is kept and this browser can show it; else what is on stage, of which only the points can be moved.
  const whole = crop && await ask("GET", `${path("reference")}?original=1`).then(response => response.blob()).catch(() => null);
  if (whole && await placer.reopen(whole, { crop, points, use: placed => putPicture(whole, name, placed) })) return;
  const picture = await (await ask("GET", path("reference"))).blob();
  await placer.adjust(picture, points, points => ask("PUT", path("reference/points"), { points }));
});
$("upload").onclick = () => $("picturefile").click();
$("picturefile").onchange = () => { const file = $("picturefile").files[0]; $("picturefile").value = ""; if (file) usePicture(file); };
let over = null;
addEventListener("dragover", event => {
  event.preventDefault();
  $("picture").classList.add("over");
  clearTimeout(over);
  over = setTimeout(() => $("picture").classList.remove("over"), 200);
});
addEventListener("drop", event => { event.preventDefault(); const file = event.dataTransfer.files[0]; if (file) (/^video\/|json$/.test(file.type) ? playMotion : usePicture)(file); });
addEventListener("paste", event => { const file = [...event.clipboardData.files].find(file => file.type.startsWith("image/")); if (file) usePicture(file); });

// ---- Tuning ----

const change = attempt(async settings => { try { await ask("PATCH", path(), settings); } catch (error) { take(state.session); throw error; } });
let later = null;
const changeSoon = settings => { clearTimeout(later); later = setTimeout(() => change(settings), 120); };
const tuning = new Map([
  ["framesPerSecond", ["Frames/s", 5, 60, 1, value => value.toFixed(0), settings => settings.framesPerSecond, value => ({ framesPerSecond: value })]],
  ["smoothing", ["Smoothing", 0, 0.4, 0.01, value => `${Math.round(value * 1000)} ms`, settings => settings.smoothing, value => ({ smoothing: value })]],
  ...[["head", "Head"], ["eyes", "Eyes"], ["brows", "Brows"], ["mouth", "Mouth"]].map(([part, label]) =>
    [part, [`${label} gain`, 0, 2, 0.05, value => `×${value.toFixed(2)}`, settings => settings.gains[part], value => ({ gains: { [part]: value } })]]),
].map(([name, [label, low, high, step, format, read, write]]) => {
  const made = slider(name, label, low, high, low, step, format, value => changeSoon(write(value)));
  $("tuning").append(made.row);
  return [name, { ...made, read }];
}));
for (const window of ["1x1", "1x2", "1x4", "2x4", "4x4", "8x4", "4x2"]) $("windowselect").add(new Option(`${window.replace("x", " × ")}`, window));
$("windowselect").onchange = () => change({ window: $("windowselect").value });
$("steps").onchange = () => change({ window: state.session.settings.window, steps: +$("steps").value });
const guidance = slider("guidance", "Guidance", 0, 8, 2.5, 0.1, value => value.toFixed(1), value => changeSoon({ guidance: value }));
$("tuning").append(guidance.row);
$("distance").onchange = () => change({ keepDistance: $("distance").checked });
$("cut").onchange = () => change({ cut: $("cut").checked });
$("background").onchange = () => change({ background: $("background").value === "colour" ? $("backcolour").value : $("background").value });
$("backcolour").onchange = () => change({ background: $("backcolour").value });

// What depends on session and model: steps, guidance, background, and where it goes besides.
function takeLook(session) {
  const { settings } = session;
  const levels = +settings.window.split("x")[1];
  const choices = [1, 2, 3, 4].map(times => times * levels).filter(steps => steps <= 64);
  if (!choices.includes(settings.steps)) choices.push(settings.steps);
  $("steps").replaceChildren(...choices.map(steps => new Option(steps, steps)));
  $("steps").value = settings.steps;
  guidance.input.disabled = !session.hasGuidance;
  guidance.row.classList.toggle("off", !session.hasGuidance);
  guidance.row.title = session.hasGuidance ? "How strongly the model follows its reference" : `${session.model} was trained without a guidance scale, so there is nothing to set.`;
  if (!session.hasGuidance) guidance.row.querySelector("output").textContent = "–";
  else if (document.activeElement !== guidance.input) guidance.set(settings.guidance);
  const isColour = settings.background.startsWith("#");
  $("background").value = isColour ? "colour" : settings.background;
  $("backcolour").hidden = !isColour;
  if (isColour) $("backcolour").value = settings.background;
  $("backnote").hidden = settings.background === "own";
  $("backnote").textContent = session.hasPlainBackground
    ? "Keyed by the reference's own background: what has its colours and touches the edge."
    : "The reference's background is not plain: much of it will stay. A picture before one colour is cut out better.";
  $("stage").parentElement.classList.toggle("cut", settings.background === "transparent");
}

function showOutputs(outputs) {
  $("outputs").hidden = !outputs.length;
  $("outputs").replaceChildren(...outputs.map(output => {
    const line = document.createElement("div");
    line.className = output.status;
    line.textContent = `${output.target}: ${output.status === "failed" ? output.error : `${output.frames} frames, ${output.dropped} dropped`}`;
    return line;
  }));
}
$("seed").onchange = () => { if (/^\d{1,15}$/.test($("seed").value)) change({ seed: +$("seed").value }); else toast("A seed is a whole number from 0 on.", true); };
for (const button of document.querySelectorAll("[data-preset]")) button.onclick = () => change({ preset: button.dataset.preset });

// ---- Taking away ----

function save(blob, name) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}
const named = ending => `rain-${state.session.reference.isPicture ? "picture" : state.session.reference.character}.${ending}`;
$("snapshot").onclick = attempt(async () => save(await (await ask("GET", path("snapshot"))).blob(), named("png")));
$("record").onclick = attempt(async () => {
  const format = $("format").value;
  if (!state.recording) { await ask("POST", path("recording"), { format }); return; }
  const response = await ask("DELETE", path("recording"));
  const blob = await response.blob();
  window.studio.recorded = blob;
  save(blob, named(blob.type.split("/")[1]));
});
// The studio says how long it has recorded; between its words the page counts on.
function takeRecording(recording) {
  state.recording = recording ? { ...recording, since: performance.now() - recording.seconds * 1000 } : null;
  showRecording();
}
function showRecording() {
  const on = !!state.recording;
  $("record").setAttribute("aria-pressed", on);
  $("record").querySelector("span").textContent = on ? "Stop and save" : "Record";
  $("rec").hidden = !on;
  if (!on) return;
  const seconds = Math.floor((performance.now() - state.recording.since) / 1000);
  $("rec").querySelector("span").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} · ${state.recording.frames} frames`;
}

const links = new Links({ session: () => state.session, toast });
$("api").href = address("openapi.json");
$("metrics").href = address("metrics", "/");

// ---- Dark or light ----

const theme = ofBrowser.get("theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
document.documentElement.dataset.theme = theme;
$("theme").onclick = () => {
  const now = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = now;
  ofBrowser.set("theme", now);
};

comeBack(0);
