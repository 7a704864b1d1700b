// Makes a session, turns its character's head and saves two pictures: node studio_snapshot.mjs http://localhost:8787
import { writeFile } from "node:fs/promises";

const url = process.argv[2].replace(/\/$/, "");

async function ask(method, path, body) {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error((await response.json()).error.message);
  return response;
}

const session = await (await ask("POST", "sessions", { character: 12, settings: { preset: "low-latency" } })).json();
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
  await ask("DELETE", `sessions/${session.id}`);
}
