// The way from the entry to the root of the log’s tree, and on to those who vouch for the root.

import { el, fill, namedText, short, svg, when } from "./dom.js";
import { blockName, status } from "./report.js";

const STEP = 52;
const WIDTH = 640;
const PATH_X = 320;

export function renderTree(node, report, path, facts) {
  const heading = el("h2", { id: "tree-title" }, "The way into the log");
  if (!path) {
    node.hidden = true;
    return;
  }
  node.hidden = false;
  const proof = facts.proof;
  const lines = proof?.checkpoint.signatures.filter((signature) => signature.cosignedAt) ?? [];
  const signed = status(report, "log.checkpoint") === "pass";
  const above = aboveTheRoot(report, lines);
  const height = (path.steps.length + 1) * STEP + above.height + 60;
  const rootY = above.height + 20;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "tree-picture", role: "img", "aria-labelledby": "tree-name tree-words" },
    svg("title", { id: "tree-name" }, "Merkle path"),
    svg("desc", { id: "tree-words" }, words(path, signed, lines, report)));
  const line = (x1, y1, x2, y2, kind) => drawing.append(svg("line", { x1, y1, x2, y2, class: kind }));
  const label = (x, y, kind, anchor, ...parts) => drawing.append(svg("text", { x, y, class: kind, "text-anchor": anchor }, parts.join("")));
  const dot = (x, y, kind) => drawing.append(svg("circle", { cx: x, cy: y, r: 9, class: kind }));
  const box = (x, y, kind) => drawing.append(svg("rect", { x: x - 8, y: y - 8, width: 16, height: 16, class: kind }));

  // From the leaf, at the bottom, upwards.
  let y = rootY + path.steps.length * STEP;
  const leafY = y;
  const nodes = [[path.leaf, y]];
  for (const step of path.steps) {
    const up = y - STEP;
    const x = step.siblingIsLeft ? PATH_X - 110 : PATH_X + 110;
    line(PATH_X, y, PATH_X, up, "way");
    line(x, y, PATH_X, up, "branch");
    box(x, y, "sibling");
    label(step.siblingIsLeft ? x - 16 : x + 16, y + 4, "hash", step.siblingIsLeft ? "end" : "start", short(step.sibling));
    y = up;
    nodes.push([step.node, y]);
  }
  nodes.forEach(([hash, at], index) => {
    const last = index === nodes.length - 1;
    dot(PATH_X, at, last ? (path.holds ? "root" : "root broken") : index === 0 ? "leaf" : "node");
    if (!last && index > 0) {
      const left = path.steps[index]?.siblingIsLeft;
      label(PATH_X + (left ? 16 : -16), at + 4, "hash faint", left ? "start" : "end", short(hash));
    }
  });
  // In a tree of one, the leaf is the root, and its label has to make room.
  const below = path.steps.length ? leafY : leafY + 12;
  label(PATH_X, below + 26, "name", "middle", `this approval: entry ${path.index}`);
  label(PATH_X, below + 42, "hash", "middle", short(path.leaf));
  label(PATH_X + 18, rootY - 2, "name", "start", path.holds ? path.size === 1 ? "root of 1 entry" : `root of ${path.size} entries` : "leads to another root");
  label(PATH_X + 18, rootY + 14, "hash", "start", short(path.root));
  above.draw({ line, label, dot, box, rootY });
  if (!path.holds) line(PATH_X - 14, rootY - 22, PATH_X + 14, rootY - 14, "cut");

  fill(node, heading,
    el("p", {}, words(path, signed, lines, report)),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Picture of the Merkle path" }, drawing),
    el("p", { class: "hint" }, "Round: computed here from this approval. Square: given by the log. Each node is the hash of the two below it, so changing the entry changes every round one."),
    el("details", { class: "quiet" }, el("summary", {}, "All hashes"),
      el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "All hashes of the path" }, el("table", { class: "hashes" },
        el("thead", {}, el("tr", {}, ["Level", "Given by the log", "Side", "Hash of both"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {},
          el("tr", {}, el("th", { scope: "row" }, "leaf"), el("td", {}, "–"), el("td", {}, "–"), el("td", {}, el("code", {}, path.leaf))),
          path.steps.map((step, index) => el("tr", {}, el("th", { scope: "row" }, String(index + 1)), el("td", {}, el("code", {}, step.sibling)), el("td", {}, step.siblingIsLeft ? "left" : "right"), el("td", {}, el("code", {}, step.node)))),
          el("tr", {}, el("th", { scope: "row" }, "checkpoint"), el("td", {}, el("code", {}, path.checkpointRoot)), el("td", {}, "–"), el("td", {}, path.holds ? "the same" : "another")))))));
}

// Checkpoint, witnesses and block stand above the root; as many lines as there are of them.
function aboveTheRoot(report, lines) {
  const rows = [];
  const mark = { pass: "✓", fail: "✕", incomplete: "◐" };
  const sign = (id) => mark[status(report, id)] ?? "–";
  if (report.anchor) rows.push({ kind: "block", text: `${sign("anchor.chain")} ${blockName(report.anchor)}` });
  // The report lists what was verified; lines of the file that only bear such a name are others.
  const verified = report.log?.witnesses ?? [];
  const others = (report.log?.signatures ?? lines).filter((line) => !line.verified && line.signer !== "log");
  for (const witness of verified) rows.push({ kind: "witness", text: `✓ witness ${clipped(namedText(witness.name))}`, more: when(witness.time) });
  for (const { name, signer } of others.slice(0, MOST_OTHERS)) {
    rows.push(signer === "witness"
      ? { kind: "other", text: `✕ witness ${clipped(namedText(name))}`, more: "this line does not verify" }
      : { kind: "other", text: `– a line named ${clipped(namedText(name))}`, more: "not verified" });
  }
  if (others.length > MOST_OTHERS) rows.push({ kind: "other", text: `– ${others.length - MOST_OTHERS} more lines`, more: "not verified" });
  rows.push({ kind: "checkpoint", text: `${sign("log.checkpoint")} checkpoint signed by the log` });
  return {
    height: rows.length * 34 + 16,
    draw({ line, label, box, rootY }) {
      rows.forEach(({ kind, text, more }, index) => {
        const y = 18 + index * 34;
        line(PATH_X, y, PATH_X, index === rows.length - 1 ? rootY : y + 34, "way");
        box(PATH_X, y, kind);
        label(PATH_X + 18, y + (more ? -1 : 5), "name", "start", text);
        if (more) label(PATH_X + 18, y + 13, "hash", "start", more);
      });
    },
  };
}

const MOST_OTHERS = 8;

const clipped = (name) => (name.length > 34 ? `${name.slice(0, 33)}…` : name);

function words(path, signed, lines, report) {
  const way = path.holds
    ? `${path.steps.length} hash${path.steps.length === 1 ? "" : "es"} lead from this entry to the root of the checkpoint’s tree of ${path.size}.`
    : "The proof does not lead to the root of the checkpoint: the log does not hold this entry, or the file was changed.";
  const log = signed ? " The log has signed that root." : " Whether a log that you trust has signed that root is not established.";
  const witnesses = report.log?.witnesses.length ?? 0;
  const seen = witnesses ? ` ${witnesses === 1 ? "1 witness" : `${witnesses} witnesses`} of your policy cosigned it.`
    : lines.length ? ` The file has ${lines.length === 1 ? "1 line" : `${lines.length} lines`} that may be of witnesses; none was verified.` : " No witness has cosigned it.";
  return way + log + seen;
}
