// A program of its own that acts once, or dies while it acts: `one_act.mjs URL JOURNAL [die]`.

import { FileJournal, ask, client, reason } from "./script.mjs";

const [url, path, die] = process.argv.slice(2);
let acted = false;
const made = client(url, { journal: new FileJournal(path) });
const end = await reason(made.run(ask({ operation: "one" }), () => {
  acted = true;
  if (die !== undefined) process.kill(process.pid, "SIGKILL");
}));
console.log(acted ? "acted" : end);
