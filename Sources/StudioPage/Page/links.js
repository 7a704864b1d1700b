// What is copied from the page, so that it works where it is pasted: links for other people and programs, and command lines.

import { ask, token } from "./connection.js";

const $ = id => document.getElementById(id);
const device = "/dev/video9", server = "rtmp://SERVER/APP/KEY";

// Puts a text into the clipboard and returns what there is to tell; pages without HTTPS have only the old way to do it.
export async function copy(text, told) {
  try { await navigator.clipboard.writeText(text); return told; } catch { /* the old way */ }
  const before = document.activeElement, field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  return isCopied ? told : "The browser keeps the clipboard from this page; select the text and copy it by hand.";
}

// The command line that puts on stage what a session shows.
export function command({ settings, reference, modelOptions }) {
  const quoted = text => /^[\w.+:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const gains = Object.entries(settings.gains).filter(([, gain]) => gain !== 1).map(([part, gain]) => `${part}=${gain}`).join(",");
  const parts = [`rain studio${modelOptions} --window ${settings.window}`];
  if (settings.steps !== +settings.window.split("x")[1]) parts.push(`--steps ${settings.steps}`);
  parts.push(`--fps ${settings.framesPerSecond} --seed ${settings.seed} --smoothing ${settings.smoothing}`);
  if (gains) parts.push(`--gains ${gains}`);
  if (settings.guidance !== undefined) parts.push(`--guidance ${settings.guidance}`);
  if (settings.background !== "own") parts.push(`--background ${quoted(settings.background)}`);
  if (settings.cut) parts.push("--cut");
  if (!settings.keepDistance) parts.push("--no-keep-distance");
  parts.push(reference.isPicture ? `--reference ${quoted(reference.file ?? reference.name)}` : `--character ${reference.character}`);
  return parts.join(" ");
}

export class Links {
  // `session()`: the session as it stands; `toast(text)`.
  constructor({ session, toast }) {
    Object.assign(this, { session, toast });
    $("address").onchange = () => this.show();
    $("share").onclick = () => this.share();
    for (const button of document.querySelectorAll("[data-copy]")) {
      const field = $(button.dataset.copy);
      field.onfocus = () => field.select();
      button.onclick = async () => toast(await copy(field.value, button.dataset.told));
    }
  }

  // Asks under which addresses others reach the studio.
  async load() {
    // A studio that does not say is where this page came from.
    this.known = await ask("GET", "links").then(response => response.json()).catch(() => (
      { isLocal: /^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname), addresses: [`${location.origin}/`], token }));
    const { addresses, isLocal } = this.known, chosen = $("address").value;
    $("address").replaceChildren(...addresses.map(address => new Option(address, address, false, address === chosen)));
    $("addressrow").hidden = addresses.length < 2;
    $("localnote").hidden = !isLocal;
    this.show();
  }

  // An address that others open: with the token, since they have no cookie.
  at(path, query = {}) {
    const url = new URL(path, $("address").value);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    if (this.known.token) url.searchParams.set("token", this.known.token);
    return url;
  }

  show() {
    const session = this.session();
    if (!this.known || !session) return;
    const place = `#/s/${session.id}`;
    $("sharelink").value = this.at("") + place;
    $("overlaylink").value = this.at("", { overlay: 1 }) + place;
    $("overlay").href = $("overlaylink").value;
    $("streamlink").value = this.at(`api/v1/sessions/${session.id}/stream`);
    $("commandline").value = command(session);
    $("commandnote").hidden = !session.reference.isPicture || !!session.reference.file;
    $("overlaysize").textContent = session.size;
    $("loopback").value = `sudo modprobe v4l2loopback video_nr=${device.match(/\d+/)[0]} card_label=Rain exclusive_caps=1`;
    $("tocamera").value = `${command(session)} --output ${device}`;
    $("tortmp").value = `${command(session)} --output ${server}`;
  }

  async share() {
    if (this.known.addresses.length > 1) {
      this.toast("The studio's machine has several addresses: choose the one that others reach, then copy the link.");
      $("sharecard").scrollIntoView({ block: "nearest", behavior: "smooth" });
      return $("address").focus({ preventScroll: true });
    }
    this.toast(await copy($("sharelink").value, this.known.isLocal
      ? "The link is copied, but only this computer can open it: rain studio --address 0.0.0.0 lets others in."
      : "The link is copied: whoever opens it watches and drives this character."));
  }
}
