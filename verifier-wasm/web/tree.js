// The way from the entry to the root of the log’s tree, and on to those who vouch for the root. What
// is said of it is what the report says; the module only gives the hashes.

import { el, fill, named, namedText, short, svg, when } from "./dom.js";
import { blockName, status } from "./report.js";

// As wide as a phone, so that no label is cut there.
const WIDTH = 344;
const MIDDLE = WIDTH / 2;
const ASIDE = 118;
const STEP = 56;

const MOST_LEVELS = 8;
const MOST_WITNESSES = 8;
const LONGEST_NAME = 26;

/// `ways`: { report, path, proof } for each bundle that has a proof; `several` for a decision.
export function renderTree(node, ways, { policyName, several }) {
  node.hidden = !ways.length;
  fill(node, el("h2", { id: "tree-title" }, several ? "The ways into the log" : "The way into the log"),
    ways.map((way, index) => (several ? folded(way, policyName, index) : drawn(way, policyName, index))));
}

/// Drawn when it is opened: there may be 64.
function folded(way, policyName, index) {
  const { approver } = way.report;
  const node = el("details", { class: "quiet" },
    el("summary", {}, approver ? named(approver.person) : `Bundle ${index + 1}`, `: entry ${way.path.index} of ${way.path.size}`));
  node.addEventListener("toggle", () => { if (node.open && node.childElementCount === 1) node.append(...drawn(way, policyName, index)); });
  return node;
}

function drawn({ report, path, proof }, policyName, number) {
  const found = findings(report, path, proof, policyName);
  return [
    el("p", {}, found.words),
    picture(report, path, found, number),
    el("p", { class: "hint" }, "Round: computed here from this approval. Square: given by the log. Each node is the hash of the two below it, so changing the entry changes every round one."),
    el("details", { class: "quiet" }, el("summary", {}, "All hashes"), hashes(path, found)),
  ];
}

/// What the checks say, in the words and marks of the picture.
function findings(report, path, proof, policyName) {
  const held = { pass: true, fail: false }[status(report, "log.proof")] ?? path.holds;
  const signed = status(report, "log.checkpoint") === "pass";
  const quorum = status(report, "log.quorum");
  const witnesses = report.log?.witnesses ?? [];
  const lines = report.log?.signatures ?? proof?.checkpoint.signatures.filter((line) => line.cosignedAt) ?? [];
  const others = lines.filter((line) => !line.verified && line.signer !== "log");
  // Without a place in the tree the report names no witness; that the quorum is met, it says all the same.
  const unnamed = !report.log && quorum === "pass";
  const way = held
    ? `${path.steps.length} hash${path.steps.length === 1 ? "" : "es"} lead from this entry to the root of the checkpoint’s tree of ${path.size}.`
    : "The proof does not lead to the root of the checkpoint: the log does not hold this entry, or the file was changed.";
  const log = signed ? " The log has signed that root." : " Whether a log that you trust has signed that root is not established.";
  const count = witnesses.length;
  const seen = count ? ` ${count === 1 ? "1 witness" : `${count} witnesses`} of ${policyName} cosigned it.`
    : unnamed ? ` The quorum of ${policyName} is met for it; that does not put this entry into it.`
      : quorum === "pass" ? ` By ${policyName} no witness is required.`
        : others.length ? ` The file has ${others.length === 1 ? "1 line" : `${others.length} lines`} that may be of witnesses; none was verified.`
          : " No witness has cosigned it.";
  return { held, witnesses, others: unnamed ? [] : others, unnamed, words: way + log + seen };
}

const mark = (report, id) => ({ pass: "✓", fail: "✕", incomplete: "◐" }[status(report, id)] ?? "–");

const clipped = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

function picture(report, path, found, number) {
  const parts = [];
  const line = (x1, y1, x2, y2, kind) => parts.push(svg("line", { x1, y1, x2, y2, class: kind }));
  const text = (x, y, kind, anchor, words) => parts.push(svg("text", { x, y, class: kind, "text-anchor": anchor }, words));
  const frame = (x, y, width, kind, title, ...more) => {
    parts.push(svg("rect", { x, y, width, height: 24 + more.length * 14, rx: 4, class: kind }));
    text(x + width / 2, y + 16, "name", "middle", title);
    more.forEach((words, index) => text(x + width / 2, y + 31 + index * 14, "hash", "middle", words));
  };

  // From above: the block, the witnesses side by side, the log; below them the root that they signed.
  let y = 6;
  if (report.anchor) {
    frame(42, y, WIDTH - 84, "block", `${mark(report, "anchor.chain")} ${blockName(report.anchor)}`, report.anchor.time ? when(report.anchor.time) : "its header is not known");
    line(MIDDLE, y + 38, MIDDLE, y + 52, "stem");
    y += 52;
  }
  const boxes = boxesOf(found);
  boxes.forEach(({ kind, title, name, more }, index) => {
    const alone = index === boxes.length - 1 && index % 2 === 0;
    frame(alone ? MIDDLE - 82 : index % 2 ? MIDDLE + 4 : 4, y, 164, kind, title, name, more);
    if (alone || index % 2) y += 58;
  });
  frame(42, y + 2, WIDTH - 84, "checkpoint", `${mark(report, "log.checkpoint")} checkpoint signed by the log`);
  const top = y + 26;
  let at = top + 40;
  line(MIDDLE, top, MIDDLE, at - 9, "stem");
  if (!found.held) line(MIDDLE - 14, top + 20, MIDDLE + 14, top + 12, "cut");

  const levels = shownLevels(path);
  const node = (kind) => parts.push(svg("circle", { cx: MIDDLE, cy: at, r: 9, class: kind }));
  text(MIDDLE + 17, at - 16, "name", "start", found.held ? `root of ${path.size} ${path.size === 1 ? "entry" : "entries"}` : "leads to another root");
  text(MIDDLE + 17, at - 3, "hash", "start", short(path.root));
  levels.forEach((step, index) => {
    node(index ? "node" : found.held ? "root" : "root broken");
    if (step.gap) {
      line(MIDDLE, at + 9, MIDDLE, at + STEP - 9, "way gap");
      text(MIDDLE + 17, at + STEP / 2 + 4, "hash", "start", `${step.gap} more levels`);
    } else {
      const x = step.siblingIsLeft ? MIDDLE - ASIDE : MIDDLE + ASIDE;
      line(MIDDLE, at + 9, MIDDLE, at + STEP - 9, "way");
      line(x, at + STEP - 7, MIDDLE + Math.sign(x - MIDDLE) * 9, at + 4, "branch");
      parts.push(svg("rect", { x: x - 7, y: at + STEP - 7, width: 14, height: 14, class: "sibling" }));
      text(x, at + STEP + 20, "hash", "middle", short(step.sibling));
      // Beside the node below, on the side where no branch leaves it.
      const below = levels[index + 1];
      if (below) text(MIDDLE + (step.siblingIsLeft ? 15 : -15), at + STEP - 4, "hash", step.siblingIsLeft ? "start" : "end", step.below ? short(step.below) : "");
    }
    at += STEP;
  });
  node(levels.length ? "leaf" : found.held ? "leaf root" : "leaf root broken");
  text(MIDDLE, at + 38, "name", "middle", `this approval: entry ${path.index}`);
  text(MIDDLE, at + 53, "hash", "middle", short(path.leaf));
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${at + 62}`, class: "tree-picture", role: "img", "aria-labelledby": `tree-name-${number} tree-words-${number}` },
    svg("title", { id: `tree-name-${number}` }, "Merkle path"),
    svg("desc", { id: `tree-words-${number}` }, found.words),
    parts);
}

/// The report lists what was verified; lines of the file that only bear such a name are others.
function boxesOf({ witnesses, others, unnamed }) {
  const boxes = witnesses.map(({ name, time }) => ({ kind: "witness", title: "✓ witness", name: clipped(namedText(name)), more: when(time) }));
  if (unnamed) boxes.push({ kind: "witness", title: "✓ quorum of witnesses", name: "as the policy asks for", more: "for this root" });
  for (const { name, signer } of others.slice(0, MOST_WITNESSES)) {
    boxes.push(signer === "witness"
      ? { kind: "other", title: "✕ witness", name: clipped(namedText(name)), more: "this line does not verify" }
      : { kind: "other", title: "– a line named", name: clipped(namedText(name)), more: "not verified" });
  }
  if (others.length > MOST_WITNESSES) boxes.push({ kind: "other", title: "– more lines", name: String(others.length - MOST_WITNESSES), more: "not verified" });
  return boxes;
}

/// From the root down; of a long way the two ends. `below` is the node under the step.
function shownLevels({ steps }) {
  const all = steps.map((step, index) => ({ ...step, below: index ? steps[index - 1].node : null })).reverse();
  if (all.length <= MOST_LEVELS) return all;
  const end = MOST_LEVELS / 2 - 1;
  return [...all.slice(0, end), { gap: all.length - 2 * end }, ...all.slice(-end)];
}

function hashes(path, { held }) {
  const code = (text) => el("td", {}, el("code", {}, text));
  const cells = (...texts) => texts.map((text) => el("td", {}, text));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "All hashes of the path" }, el("table", { class: "hashes" },
    el("thead", {}, el("tr", {}, ["Level", "Given by the log", "Side", "Hash of both"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {},
      el("tr", {}, el("th", { scope: "row" }, "leaf"), cells("–", "–"), code(path.leaf)),
      path.steps.map((step, index) => el("tr", {}, el("th", { scope: "row" }, String(index + 1)), code(step.sibling), cells(step.siblingIsLeft ? "left" : "right"), code(step.node))),
      el("tr", {}, el("th", { scope: "row" }, "checkpoint"), code(path.checkpointRoot), cells("–", held ? "the same" : "another")))));
}
