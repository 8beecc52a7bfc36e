// Transparency reports: every entry of the published log, opened by type and day, and the numbers counted again.
"use strict";

const DAY_MS = 86_400_000, LAST_MS = 253_402_300_800_000;  // LAST_MS: end of the year 9999

class Tree {
  // Right edge of a tree that grows: roots of its complete subtrees, largest first.
  constructor() {
    this.size = 0;
    this.edge = [];
  }

  async append(leaf) {
    let found = await leafHash(leaf);
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) found = await node(this.edge.pop(), found);
    this.edge.push(found);
    this.size += 1;
  }

  async root() {
    if (!this.edge.length) return sha256();
    let found = this.edge.at(-1);
    for (const left of this.edge.slice(0, -1).reverse()) found = await node(left, found);
    return found;
  }
}

async function* entriesOf(read, size) {
  for (let bundle = 0; bundle * 256 < size; bundle += 1) {
    const width = Math.min(256, size - bundle * 256);
    const digits = String(bundle).padStart(Math.ceil(String(bundle).length / 3) * 3, "0").match(/.../g);
    const path = `tile/entries/${[...digits.slice(0, -1).map((part) => `x${part}`), digits.at(-1)].join("/")}`;
    let data = await read(width < 256 ? `${path}.p/${width}` : path), count = width;
    if (data === null && width < 256) {
      data = await read(path);
      count = 256;
    }
    need(data !== null, "omitted_entry", `the published log lacks the entries from ${bundle * 256} on`);
    const entries = [];
    let at = 0;
    while (at < data.length) {
      const start = at + 2;
      at = start + (data[at] * 256 + (data[at + 1] ?? 0));
      entries.push(data.slice(start, at));
    }
    need(at === data.length && entries.length === count, "malformed", `${path} does not have ${count} entries`);
    yield* entries.slice(0, width);
  }
}

async function readOpening(line, index, leaf) {
  need(line !== undefined, "omitted_entry", `the openings leave out entry ${index}: the report hides what it is`);
  let found = null;
  try {
    found = JSON.parse(line);
  } catch {
    found = null;
  }
  const whole = Array.isArray(found) && found.length === 5 && Number.isSafeInteger(found[0]) && isText(found[2]) &&
    (found[4] === null || isText(found[4])) && isSalt(found[1]) && isSalt(found[3]);
  need(whole, "malformed", `line ${index + 1} of the openings is no opening`);
  need(found[0] === index, "omitted_entry", `the openings leave out entry ${index}: the report hides what it is`);
  for (const [name, salt, value] of [["type", found[1], found[2]], ["period", found[3], found[4]]]) {
    const good = await isCommitted(leaf, name, salt, value);
    need(good, "wrong_field", `entry ${index} is not what the openings say: its ${name} in the log is another`, name);
  }
  return JSON.stringify([found[2], found[4]]);
}

function countsOf(parent, name) {
  const found = parent[name];
  need(isObject(found) && Object.values(found).every(isCount), "malformed", `the report has no counts ${name}`);
  return new Map(Object.entries(found));
}

// First and last day of a report's period; null if it is not of whole days.
function daysOf({from_ms: start, to_ms: end}) {
  const real = isCount(start) && isCount(end) && start < end && end <= LAST_MS;
  need(real, "malformed", "the report's period is none");
  return start % DAY_MS || end % DAY_MS ? null : [start, end - 1].map((at) => new Date(at).toISOString().slice(0, 10));
}

function recount(report, section, counts, [firstDay, lastDay]) {
  const numbers = [];
  const same = (number, published, counted) => {
    need(published === counted, "wrong_number", `the report's number ${number} is ${published ?? 0}, but the log's entries give ${counted ?? 0}`, number);
    numbers.push([number, counted]);
  };
  for (const [name, day] of [["first_day", firstDay], ["last_day", lastDay]]) {
    need(section[name] === day, "wrong_number", `the report's period has the ${name} ${day}, but its entries are counted for ${section[name]}`, `log.${name}`);
  }
  const world = report.country === "*", entries = new Map();
  for (const [key, count] of counts) {
    const [kind, period] = JSON.parse(key);
    const within = period !== null && firstDay <= period && period <= lastDay;
    if (within && (world || kind.slice(kind.lastIndexOf("/") + 1) === report.country)) {
      entries.set(kind, (entries.get(kind) ?? 0) + count);
    }
  }
  const published = countsOf(section, "entries"), without = countsOf(section, "without_effect");
  for (const kind of [...new Set([...entries.keys(), ...published.keys()])].sort()) {
    same(`log.entries.${kind}`, published.get(kind), entries.get(kind));
  }
  for (const [kind, count] of without) {
    need(count <= (entries.get(kind) ?? 0), "wrong_number", `more entries without effect than entries: ${kind}`, `log.without_effect.${kind}`);
  }
  const effective = (kind) => entries.get(kind) - (without.get(kind) ?? 0);
  const total = (prefix) => [...entries.keys()].filter((kind) => kind.startsWith(prefix)).reduce((sum, kind) => sum + effective(kind), 0);
  const people = countsOf(report, "decisions_by_people");
  for (const verb of [...new Set(["block", "allow", "hold", "undo", "pause", ...people.keys()])].sort()) {
    same(`decisions_by_people.${verb}`, people.get(verb) ?? 0, total(`override/${verb}/`));
  }
  const {orders, confidential_orders: hidden} = report;
  need(Number.isSafeInteger(orders) && Number.isSafeInteger(hidden), "malformed", "the report has no number of orders");
  same("orders", orders - hidden, total("order/received/"));
  if (world) {
    const byCountry = countsOf(report, "orders_by_country");
    for (const kind of [...entries.keys()].filter((one) => one.startsWith("order/received/")).sort()) {
      const where = kind.slice("order/received/".length);
      const enough = (byCountry.get(where) ?? 0) >= effective(kind);
      need(enough, "wrong_number", `orders of ${where} are left out`, `orders_by_country.${where}`);
    }
  }
  return numbers;
}

// Verify a report. `lines`: its openings; `read`: returns the content of a published file by its path, or null.
async function verifyReport(text, lines, read, {logKey, witnessKeys, quorum}, seen) {
  const keys = await readKeys(logKey, witnessKeys, quorum);
  const report = readObject(text);
  const section = report.log;
  need(isObject(section) && typeof section.checkpoint === "string", "malformed", "the report names no log");
  const counted = await openCheckpoint(section.checkpoint, keys);
  need(Number.isSafeInteger(section.size), "malformed", "the report does not say how many entries it counts");
  const size = Number(counted.size);
  need(section.size === size, "wrong_number", `the report counts ${section.size} entries, but its checkpoint has ${size}`, "log.size");
  let note = null;
  try {
    note = new TextDecoder("utf-8", {fatal: true}).decode((await read("checkpoint")) ?? Uint8Array.of(255));
  } catch {
    throw new Refused("malformed", "the published log has no checkpoint that can be read");
  }
  const now = await openCheckpoint(note, keys);
  const earlier = seen === undefined ? [counted] : [await openLogCheckpoint(seen, keys), counted];
  for (const one of earlier) if (one.size >= now.size) compareWithSeen(one, now);
  const tree = new Tree(), roots = new Map([[0n, await tree.root()]]), counts = new Map();
  const wanted = new Set([now.size, ...earlier.map((one) => one.size)]);
  let index = 0;
  for await (const leaf of entriesOf(read, Number(now.size))) {
    await tree.append(leaf);
    if (wanted.has(BigInt(tree.size))) roots.set(BigInt(tree.size), await tree.root());
    if (index < size) {
      const key = await readOpening(lines[index], index, leaf);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    index += 1;
  }
  need(equal(roots.get(now.size), now.root), "wrong_path", "the published entries do not lead to the signed root: one was changed");
  for (const one of earlier) compareWithSeen(one, {size: one.size, root: roots.get(one.size)});
  need(!lines.slice(size).some((line) => line.trim()), "wrong_index", "the openings go beyond the entries that the report counts");
  const days = daysOf(report), dated = (section.entries ?? null) !== null;
  need(dated === (days !== null), "wrong_number", "entries are counted by day for a report of whole days, and for no other", "log.entries");
  const numbers = dated ? recount(report, section, counts, days) : [];
  const without = dated ? Object.values(section.without_effect).reduce((sum, count) => sum + count, 0) : 0;
  const {cosigned} = counted, publishedSize = Number(now.size);
  const asOf = cosigned.length ? Math.min(...cosigned.map((one) => one.seconds)) : null;  // what came later is not counted
  const over = asOf === null ? null : asOf * 1000 >= report.to_ms;
  return {log: keys.name, size, publishedSize, cosigned, numbers, without, days, asOf, later: publishedSize - size, over};
}
