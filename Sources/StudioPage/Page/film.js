// Sending a film to the studio, which looks at it and plays it over and over.

import { address } from "./connection.js";

const largest = 128 * 1024 * 1024;

// Whether a file is a motion in landmarks; all else is taken for a film, and the studio says if it is none.
export const isMotion = file => file.type === "application/json" || /\.json$/i.test(file.name);

// `progress(share)` while it is under way. Throws the studio's own sentence.
export function sendFilm(path, file, progress) {
  if (file.size > largest) return Promise.reject(new Error(`${file.name} has ${Math.round(file.size / 1048576)} MiB; a film may have 128. Cut it shorter.`));
  const type = /^video\/|^image\/gif$/.test(file.type) ? file.type : "video/x-unknown";
  return new Promise((done, fail) => {
    // fetch does not tell how far an upload is.
    const request = new XMLHttpRequest();
    request.open("PUT", address(`${path}?name=${encodeURIComponent(file.name)}`));
    request.setRequestHeader("content-type", type);
    request.upload.onprogress = event => progress(event.total ? event.loaded / event.total : 0);
    request.onerror = () => fail(new Error("the studio did not take the film; is it still there?"));
    request.onload = () => {
      if (request.status < 300) return done();
      let message = request.responseText;
      try { message = JSON.parse(message).error.message; } catch { /* not ours */ }
      fail(new Error(message || request.statusText));
    };
    request.send(file);
  });
}
