// How files come in: each with the place on the page where it was put.

import { kind, sha256 } from "./verifier.js";
import { size } from "./bytes.js";
import { MOST_BYTES, looksLikeDescriptor } from "./descriptor.js";

const MIB = 1024 * 1024;
const MOST_HEADERS = 256 * MIB;

/// The most bytes that each place takes; `evidence` is for decisions, everything else there is shorter.
export const MOST = { evidence: 8 * MIB, payload: 512 * 1024, policy: MIB, roster: 32 * MIB, descriptor: MOST_BYTES, headers: MOST_HEADERS };

/// Calls `take(place, files)` for everything that is chosen, dropped or pasted.
export function listen(take) {
  let over = null;
  const mark = (place) => {
    over?.classList.remove("over");
    over = place;
    over?.classList.add("over");
  };
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = "";
      take(placeOf(input), files);
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
    mark(placeAround(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget) return;
    document.body.classList.remove("dragging");
    mark(null);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    mark(null);
    take(placeOf(event.target), [...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input:not([type=file]), textarea")) return;
    const files = [...event.clipboardData.files];
    const pasted = event.clipboardData.getData("text/plain");
    if (!files.length && !pasted) return;
    event.preventDefault();
    take(placeOf(event.target), files.length ? files : [new File([pasted], "pasted text")]);
  });
}

const placeAround = (node) => (node?.closest ? node : node?.parentElement)?.closest("[data-place]") ?? null;

/// Whatever is put beside the other places is something to be checked.
const placeOf = (node) => placeAround(node)?.dataset.place ?? "evidence";

/// The files with their bytes, and a guess at what each looks like; and those that were not read.
export async function readAll(place, files) {
  const read = [];
  const refused = [];
  for (const file of files) {
    if (file.size > MOST_HEADERS) {
      refused.push([file.name, tooLarge(file.size)]);
      continue;
    }
    let bytes;
    try {
      bytes = new Uint8Array(await file.arrayBuffer());
    } catch {
      refused.push([file.name, "cannot be read. If it is a folder, choose the files in it"]);
      continue;
    }
    const other = kind(bytes);
    const looks = other === "unknown" && looksLikeDescriptor(bytes) ? "descriptor" : other;
    const most = place === "evidence" && looks === "headers" ? MOST_HEADERS : MOST[place];
    if (bytes.length > most) refused.push([file.name, place === "descriptor" ? `has ${size(bytes.length)}; a descriptor has at most 64 KiB` : tooLarge(bytes.length)]);
    else read.push({ name: file.name, bytes, looks, sha256: sha256(bytes) });
  }
  return { read, refused };
}

const tooLarge = (length) => `has ${size(length)}; a decision has at most 8 MiB, an approval or a policy at most 1 MiB, a payload at most 512 KiB. Nothing in it was checked`;
