// The values of a payload as a list, and how two such lists differ.

/// Every value that holds no others, and every empty object and list, in the order of the bytes:
/// `{path, kind, text}`. A step of a path is `{key}`, or `{place, of}` for an item of a list.
export function leaves(value, path = []) {
  if (value.kind === "object" && value.members.length > 0) {
    return value.members.flatMap(({ key, value: inner }) => leaves(inner, [...path, { key }]));
  }
  if (value.kind === "array" && value.items.length > 0) {
    return value.items.flatMap((inner, index) => leaves(inner, [...path, { place: index + 1, of: value.items.length }]));
  }
  return [{ path, kind: value.kind, text: value.text ?? "" }];
}

/// Each leaf of now with what it is against before, and the leaves of before that are gone:
/// `{rows: [{leaf, change: "same" | "changed" | "new", before}], gone: [leaf]}`.
export function compare(before, now) {
  const old = new Map(before.map((leaf) => [place(leaf), leaf]));
  const rows = now.map((leaf) => {
    const last = old.get(place(leaf));
    old.delete(place(leaf));
    if (!last) return { leaf, change: "new", before: null };
    const same = last.kind === leaf.kind && last.text === leaf.text;
    return { leaf, change: same ? "same" : "changed", before: same ? null : last };
  });
  return { rows, gone: [...old.values()] };
}

/// Two texts in three parts each: what they begin with alike, what differs, what they end with alike.
export function apart(before, now) {
  const [a, b] = [[...before], [...now]];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const parts = (all) => [all.slice(0, head), all.slice(head, all.length - tail), all.slice(all.length - tail)].map((part) => part.join(""));
  return { before: parts(a), now: parts(b) };
}

const place = ({ path }) => JSON.stringify(path.map(({ key, place: index }) => key ?? index));
