// What is asked of the service, and what it answers when it refuses (RFC 9457).

/// A refusal, or that there was no answer at all: then `status` is 0.
export class Problem extends Error {
  constructor(status, code, detail, members = {}) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.expected = members.expected ?? null;
    this.found = members.found ?? null;
  }
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body ?? {});

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Problem(0, "page.unreachable", "The service did not answer. Check your connection, then try again.");
  }
  let value;
  try {
    const text = await answer.text();
    value = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new Problem(answer.status, "page.answer", "The service answered with something that this page does not understand.");
  }
  if (answer.ok) return value;
  throw new Problem(answer.status, String(value.code ?? "page.answer"), String(value.detail ?? value.title ?? `The service answered with status ${answer.status}.`), value);
}
