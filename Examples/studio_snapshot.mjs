// Makes a session, turns its character's head and saves two pictures: node studio_snapshot.mjs http://localhost:8787
//
// Needs a studio that runs ('rain studio'); a page of it may be open. The address is the one it printed, with its ?token=… if it has
// one. Where the machine has no time for another session, the first one's character is turned instead.
import { writeFile } from "node:fs/promises";

if (!process.argv[2]) {
  console.error("node studio_snapshot.mjs ADDRESS: expected the address that 'rain studio' printed, e.g. http://localhost:8787");
  process.exit(2);
}
const { origin, search } = new URL(process.argv[2]);

async function ask(method, path, body) {
  const response = await fetch(`${origin}/api/v1/${path}${search}`, {
    method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body),
  }).catch(() => { throw new Error(`${origin}: expected a studio that runs, found no answer; start one with 'rain studio'`); });
  if (!response.ok) { const { error } = await response.json(); throw Object.assign(new Error(error.message), error); }
  return response;
}

async function run() {
  let made = true;
  const session = await ask("POST", "sessions", { character: 12, settings: { preset: "low-latency" } })
    .catch(error => { if (error.code !== "busy") throw error; made = false; console.log(error.message); return ask("GET", "sessions/first"); })
    .then(response => response.json());
  console.log(session.reference.name);
  try {
    for (const [name, yaw] of [["left", -0.5], ["right", 0.5]]) {
      // Controls hold for a second; a frame later than that shows them.
      for (let time = 0; time < 10; time++) {
        await ask("POST", `sessions/${session.id}/controls`, { yaw, mouthOpen: 0.6 });
        await new Promise(resolve => setTimeout(resolve, 100));
      }
      const picture = await (await ask("GET", `sessions/${session.id}/snapshot`)).arrayBuffer();
      await writeFile(`${name}.png`, Buffer.from(picture));
      console.log(`${name}.png: ${picture.byteLength} bytes`);
    }
  } finally {
    if (made) await ask("DELETE", `sessions/${session.id}`);
  }
}

run().catch(error => { console.error(error.message); process.exit(1); });
