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

// The least and the greatest value of a published count: 7, "<5" or "36 to 39".
function boundsOf(count) {
  if (isCount(count)) return [BigInt(count), BigInt(count)];
  const digits = typeof count === "string" ? /^(?:<([0-9,]{1,19})|([0-9,]{1,19}) to ([0-9,]{1,19}))$/.exec(count) : null;
  const parts = digits ? digits.slice(1).map((part) => part === undefined ? undefined : part.replaceAll(",", "")) : [];
  need(parts.some((part) => part) && !parts.includes(""), "malformed", `the report has no count ${count}`);
  const [below, least, most] = parts.map((part) => BigInt(part ?? 0));
  return below ? [1n, below - 1n] : [least, most];
}

function checkSum(name, parts, total) {
  need(isObject(parts), "malformed", `the report has no counts ${name}`, name);
  const bounds = Object.values(parts).map(boundsOf), [least, most] = boundsOf(total);
  const sum = (at) => bounds.reduce((whole, bound) => whole + bound[at], 0n);
  need(sum(0) <= most && sum(1) >= least, "wrong_number", `the parts of ${name} do not add up to ${total}`, name);
}

// Check the totals that a report shows beside all of their parts.
function checkSums(report) {
  const [states, targets, held] = ["states", "targets", "hashtags_held_back"].map((name) => member(report, name));
  if (isObject(states) && isObject(targets)) {
    for (const kind of [...new Set([...Object.keys(states), ...Object.keys(targets)])].sort()) {
      checkSum(`states.${kind}`, member(states, kind), member(targets, kind));
    }
  }
  if (isObject(held)) checkSum("hashtags_held_back.by", member(held, "by"), member(held, "total"));
}

// Compare the report's numbers with counts of entries; return those that equal the count, and those that are at least it.
function recount(report, section, counts, [firstDay, lastDay]) {
  const numbers = {}, least = {};
  const same = (number, published, counted) => {
    need(published === counted, "wrong_number", `the report's number ${number} is ${published ?? 0}, but the log's entries give ${counted ?? 0}`, number);
    numbers[number] = counted ?? 0;
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
  const published = countsOf(section, "entries");
  for (const kind of [...new Set([...entries.keys(), ...published.keys()])].sort()) {
    same(`log.entries.${kind}`, published.get(kind), entries.get(kind));
  }
  const total = (prefix) => [...entries].filter(([kind]) => kind.startsWith(prefix)).reduce((sum, [, count]) => sum + count, 0);
  const people = countsOf(report, "decisions_by_people");
  for (const verb of [...new Set(["block", "allow", "hold", "undo", "pause", ...people.keys()])].sort()) {
    same(`decisions_by_people.${verb}`, people.get(verb) ?? 0, total(`override/${verb}/`));
  }
  const {orders, confidential_orders: hidden} = report;
  need(Number.isSafeInteger(orders) && Number.isSafeInteger(hidden), "malformed", "the report has no number of orders");
  need(hidden >= 0, "malformed", "the report has no number of confidential orders");
  const open = total("order/received/");
  need(orders - hidden === open, "wrong_number", `the report has ${orders - hidden} orders that are not confidential, the log has ${open}`, "orders");
  numbers["orders without confidential_orders"] = open;
  if (world) {
    const byCountry = countsOf(report, "orders_by_country");
    for (const kind of [...entries.keys()].filter((one) => one.startsWith("order/received/")).sort()) {
      const where = kind.slice("order/received/".length), name = `orders_by_country.${where}`, count = entries.get(kind);
      need((byCountry.get(where) ?? 0) >= count, "wrong_number", `orders of ${where} are left out: the log has ${count}`, name);
      least[name] = count;
    }
  }
  return [numbers, least];
}

// Check that the log has the publication of exactly this report; return its name, and the proof's checkpoint.
async function publishedName(publication, bytes, keys) {
  const {answer: {opened}, signed} = await verifyProof(readObject(publication), keys);
  const facts = opened.type === "report" && typeof opened.facts === "string" ? readObject(opened.facts) : {};
  const files = member(facts, "files"), name = member(facts, "name");
  need(isObject(files) && typeof name === "string", "wrong_field", "the proof is not about the publication of a report", "publication");
  const digest = Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
  need(member(files, "report.json") === digest, "wrong_field", `the report is not the one that was published as ${name}`, "report.json");
  return {name, signed};
}

// Verify a report. `bytes`: its file; `lines`: its openings; `read`: returns the content of a published file by its path,
// or null; `publication`: the proof of the log's entry on its publication, or undefined.
async function verifyReport(bytes, lines, read, {logKey, witnessKeys, quorum}, seen, publication) {
  const keys = await readKeys(logKey, witnessKeys, quorum);
  const report = readObject(fromUtf8(bytes));
  const section = report.log;
  need(isObject(section) && typeof section.checkpoint === "string", "malformed", "the report names no log");
  const known = ["checkpoint", "size", "first_day", "last_day", "entries"];
  const [unknown] = Object.keys(section).filter((name) => !known.includes(name)).sort();
  need(unknown === undefined, "malformed", `the report's section on the log has the member ${unknown}, which nothing verifies`, `log.${unknown}`);
  const counted = await openCheckpoint(section.checkpoint, keys);
  need(Number.isSafeInteger(section.size), "malformed", "the report does not say how many entries it counts");
  const size = Number(counted.size);
  need(section.size === size, "wrong_number", `the report counts ${section.size} entries, but its checkpoint has ${size}`, "log.size");
  const earlier = [...(seen === undefined ? [] : [await openLogCheckpoint(seen, keys)]), counted];
  const published = publication === undefined ? null : await publishedName(publication, bytes, keys);
  if (published) earlier.push(published.signed);
  let note = null;
  try {
    note = new TextDecoder("utf-8", {fatal: true}).decode((await read("checkpoint")) ?? Uint8Array.of(255));
  } catch {
    throw new Refused("malformed", "the published log has no checkpoint that can be read");
  }
  const now = await openCheckpoint(note, keys);
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
  for (const name of days ? [] : ["first_day", "last_day"]) {
    need((section[name] ?? null) === null, "wrong_number", "a report of parts of days names no days", `log.${name}`);
  }
  const [numbers, least] = days ? recount(report, section, counts, days) : [{}, {}];
  checkSums(report);
  const recounted = days ? ["from_ms", "to_ms", "country", "decisions_by_people", "log"] : ["log"];
  const times = [...counted.cosigned.values()], asOf = times.length ? Math.min(...times) : null;  // what came later is not counted
  return {
    log: keys.name, size, published_size: Number(now.size), cosigned_by: Object.fromEntries(counted.cosigned), numbers,
    at_least: least, not_verified: published ? [] : Object.keys(report).filter((name) => !recounted.includes(name)),
    published_as: published?.name ?? null, days, as_of_seconds: asOf, later_entries: Number(now.size) - size,
    period_over: asOf === null ? null : asOf * 1000 >= report.to_ms,
  };
}
