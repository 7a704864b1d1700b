// Pictures and characters that were on stage, as the studio keeps them: one click puts them back.

import { address, ask } from "./connection.js";

export class Recent {
  // `call(id)` puts one on stage; `attempt(action)` tells what fails.
  constructor(section, { call, attempt }) {
    Object.assign(this, { section, box: section.querySelector(".recent"), call, attempt });
    this.items = new Map();
  }

  // `reference`: what is on stage now, from a session's state.
  async show(reference) {
    let characters = [];
    // A studio that keeps none has nothing to show.
    try { ({ characters } = await (await ask("GET", "characters")).json()); } catch { /* it shows none */ }
    const items = new Map(characters.map(character => [character.id, this.items.get(character.id) ?? this.item(character)]));
    this.items = items;
    for (const [id, { pick, remove, picture }] of items) {
      const isOnStage = id === reference.character;
      if (isOnStage) pick.setAttribute("aria-current", "true"); else pick.removeAttribute("aria-current");
      remove.hidden = isOnStage;
      // Placing a picture anew changes it.
      if (isOnStage && reference.isPicture) picture.src = address(`characters/${id}?g=${reference.generation}`);
    }
    const hadFocus = this.box.contains(document.activeElement) ? document.activeElement : null;
    this.box.replaceChildren(...[...items.values()].map(item => item.tile));
    if (hadFocus?.isConnected) hadFocus.focus({ preventScroll: true });
    this.section.hidden = [...items.keys()].every(id => id === reference.character);
  }

  item({ id, name }) {
    const tile = document.createElement("span"), pick = document.createElement("button"), remove = document.createElement("button"), picture = new Image();
    tile.className = "tile";
    pick.title = name;
    pick.setAttribute("aria-label", `Put ${name} on stage`);
    picture.alt = "";
    picture.src = address(`characters/${id}`);
    pick.append(picture);
    pick.onclick = () => this.call(id);
    remove.className = "remove";
    remove.textContent = "×";
    remove.title = `Delete ${name}`;
    remove.setAttribute("aria-label", `Delete ${name}`);
    remove.onclick = this.attempt(async () => {
      await ask("DELETE", `characters/${id}`);
      const next = tile.nextElementSibling ?? tile.previousElementSibling;
      this.items.delete(id);
      tile.remove();
      next?.querySelector("button").focus();
    });
    tile.append(pick, remove);
    return { tile, pick, remove, picture };
  }
}
