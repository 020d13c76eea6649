// The command that comes to the same as the page, and the files that it needs.

/// A word of a command, for a POSIX shell.
const quoted = (word) => (/^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/// Names of files that a shell and the command take for nothing else, each once.
function names() {
  const used = new Set();
  return (name, otherwise) => {
    let plain = /^\w[\w.-]*$/.test(name) ? name : otherwise;
    while (used.has(plain.toLowerCase())) plain = `other-${plain}`;
    used.add(plain.toLowerCase());
    return plain;
  };
}

/// `approval`, `policy`, `payload`, `roster` and `headers` are { name, bytes } or null; `expect` has the
/// options that name an expectation.
export function commandFor({ approval, policy, payload, headers, roster, expect }) {
  const name = names();
  const words = ["cosignet", "verify"];
  const files = [];
  const file = (flag, loaded, otherwise, saved = true) => {
    if (!loaded) return;
    const plain = name(loaded.name, otherwise);
    if (saved) files.push({ name: plain, bytes: loaded.bytes });
    if (flag) words.push(flag);
    words.push(plain);
  };
  file(null, approval, "approval.json");
  file("--policy", policy, "policy.json");
  file("--payload", payload, "payload");
  for (const [flag, value] of Object.entries(expect)) {
    if (value) words.push(...(value.startsWith("-") ? [`${flag}=${value}`] : [flag, value]));
  }
  file("--roster", roster, "roster.json");
  file("--headers", headers, "headers", false);
  return { text: words.map(quoted).join(" "), files };
}
