// Words of a statement: those that its details say, in each language.
"use strict";

const LANGUAGES = ["en", "hi"];
const CATEGORIES = new Map([
  ["hateful_conduct", "attacks on people for who they are"], ["abuse", "insults and threats"],
  ["gendered_abuse", "abuse of people for their gender"],
]);

function detail(details, name, isKind) {
  const value = member(details, name);
  need(isKind(value), "malformed", `the statement's details have no ${name} of the expected kind`, `restriction.${name}`);
  return value;
}

const textOf = (details, name) => detail(details, name, isText);
const textsOf = (details, name) => detail(details, name, (value) => Array.isArray(value) && value.every(isText));
const objectOf = (details, name) => detail(details, name, isObject);

class Translator {
  constructor(language) {
    this.wording = WORDING[language];
  }

  // A message in English is its own key.
  text(message, values = {}) {
    const template = member(this.wording.messages, message) ?? message;
    return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  time(atMs) {
    need(isCount(atMs) && atMs < LAST_MS, "malformed", "the statement has a time that is none");
    const at = new Date(atMs);
    const clock = at.toISOString().slice(-13, -8);
    return `${at.getUTCDate()} ${this.wording.months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${clock} UTC`;
  }

  country(code) {
    return member(this.wording.countries, code) ?? code;
  }

  // A share in [0, 1] as a percentage; a half is rounded to even, on the decimal digits.
  share(value) {
    need(typeof value === "number" && value >= 0 && value <= 1, "malformed", "the statement has a share that is none");
    const digits = String(value);
    if (digits.includes("e")) return "0%";
    const [whole, part = ""] = digits.split(".");
    const cut = Number(whole + part.padEnd(2, "0").slice(0, 2)), rest = part.slice(2);
    const up = rest > "5" || (rest === "5" && cut % 2 === 1);
    return `${cut + (up ? 1 : 0)}%`;
  }

  number(value) {
    need(isCount(value), "malformed", "the statement has a count that is none");
    const [first, others] = this.wording.groups, parts = [];
    for (let digits = String(value); digits;) {
      const size = parts.length ? others : first;
      parts.unshift(digits.slice(-size));
      digits = digits.slice(0, -size);
    }
    return parts.join(",");
  }

  allOf(items) {
    if (items.length < 3) return items.join(this.wording.two);
    return items.slice(0, -1).join(", ") + this.wording.last + items.at(-1);
  }
}

const isInForce = (details) => !Object.hasOwn(details, "in_force") || details.in_force === true;

function wordsOf(details, language) {
  const tr = new Translator(language);
  const start = tr.time(member(details, "began_ms")), end = member(details, "ends_ms");
  const lines = isInForce(details) ? [] : [tr.text("This decision is not in force now. It was:")];
  lines.push(effectWords(details, tr));
  lines.push(end === 0
    ? tr.text("This began on {start} and lasts until it is revoked.", {start})
    : tr.text("This began on {start} and ends on {end}, unless it is renewed.", {start, end: tr.time(end)}));
  lines.push(...reasonWords(details, tr));
  if (details.measure === "held") lines.push(tr.text("It is held back until a person has looked at it."));
  if (textOf(details, "kind") === "hashtag") {
    lines.push(tr.text("Tweets with it are not deleted, and people who type it still find them."));
  }
  const reference = textOf(details, "reference");
  lines.push(tr.text("If you think this is wrong, you can appeal. Give the reference {reference}.", {reference}));
  return lines.join("\n");
}

function effectWords(details, tr) {
  const measure = textOf(details, "measure"), code = textOf(details, "country"), country = tr.country(code);
  if (measure === "suspended") return tr.text("Your account is suspended.");
  if (measure === "withheld") {
    const tweet = textOf(details, "kind") === "tweet";
    const hidden = tweet
      ? tr.text("Your tweet {tweet} is not visible to viewers in {country}.", {tweet: textOf(details, "target"), country})
      : tr.text("Your account is not visible to viewers in {country}.", {country});
    return hidden + elsewhereWords(details, tr);
  }
  const names = new Map([["trends", tr.text("the list of trends")], ["search", tr.text("search suggestions")]]);
  const places = tr.allOf(textsOf(details, "surfaces").map((one) => names.get(one) ?? one));
  const values = {tag: textOf(details, "display"), places, country};
  if (measure === "discounted") {
    return tr.text(code === "*"
      ? "#{tag} is shown in {places}, but only tweets of established accounts count for its rank there."
      : "#{tag} is shown in {places} to viewers in {country}, but only tweets of established accounts count for its rank there.", values);
  }
  if (code !== "*") return tr.text("#{tag} is not shown in {places} to viewers in {country}.", values);
  const hidden = tr.text("#{tag} is not shown in {places}.", values), shownIn = member(details, "shown_in");
  if (!shownIn || (Array.isArray(shownIn) || isObject(shownIn)) && !Object.keys(shownIn).length) return hidden;
  const countries = tr.allOf(textsOf(details, "shown_in").map((one) => tr.country(one)));
  return `${hidden} ${tr.text("Other decisions show it to viewers in {countries}.", {countries})}`;
}

function elsewhereWords(details, tr) {
  if ((member(details, "also_hidden_in") ?? null) === null || !isInForce(details)) return "";
  const others = textsOf(details, "also_hidden_in");
  if (!others.length) return ` ${tr.text("Everywhere else it is.")}`;
  if (others.includes("*")) return ` ${tr.text("Other decisions hide it everywhere else too.")}`;
  const countries = tr.allOf(others.map((one) => tr.country(one)));
  return ` ${tr.text("Other decisions hide it from viewers in {countries} too. Everywhere else it is visible.", {countries})}`;
}

function reasonWords(details, tr) {
  const source = textOf(details, "source"), order = member(details, "order") ?? null;
  if (source === "automated") return automatedWords(details, tr);
  if (source === "human") {
    const reason = textOf(details, "reason");
    return [tr.text("A person on our team decided this. The reason that they gave: {reason}", {reason})];
  }
  if (order === null || member(objectOf(details, "order"), "confidential") !== false) {
    return [tr.text("We did this because of a legal order that we may not say more about.")];
  }
  const parts = {authority: textOf(order, "authority"), basis: textOf(order, "legal_basis"), number: textOf(order, "reference")};
  return [tr.text("We did this because of a legal order by {authority} ({basis}, {number}).", parts)];
}

function automatedWords(details, tr) {
  const category = textOf(details, "category"), named = CATEGORIES.get(category);
  const words = named === undefined ? category.replaceAll("_", " ") : tr.text(named);
  const lines = [tr.text("An automated system decided this under our rules on {category}.", {category: words})];
  let part = member(details, "weight");
  if ((member(details, "evidence") ?? null) !== null) {
    const evidence = objectOf(details, "evidence");
    const lower = tr.share(member(evidence, "lower")), upper = tr.share(member(evidence, "upper"));
    lines.push(tr.text(
      "It looked at tweets by {people} people who used the hashtag, and estimates that {lower} to {upper} of them break these rules.",
      {people: tr.number(member(evidence, "scored")), lower, upper},
    ));
    lines.push(...unreadWords(objectOf(evidence, "unread"), tr));
    const authors = detail(evidence, "authors", Number.isSafeInteger);
    if (authors) part = detail(evidence, "established", Number.isSafeInteger) / authors;
  }
  if (details.measure === "discounted") {
    lines.push(tr.text(
      "Of the people who used it, {part} have established accounts. It found that the others break these rules; it did not find that of the established accounts.",
      {part: tr.share(part)},
    ));
  }
  const signals = detail(details, "signals", (value) => Array.isArray(value) && value.every(isObject));
  const known = signals.map((one) => textOf(one, "signal")).filter((one) => Object.hasOwn(WORDING.signals, one));
  if (known.length) {
    const named = tr.allOf(known.map((one) => tr.text(WORDING.signals[one])));
    lines.push(tr.text("Besides the texts, these signals supported it: {signals}.", {signals: named}));
  }
  return lines;
}

function unreadWords(unread, tr) {
  const counts = Object.entries(unread);
  if (!counts.length) return [];
  need(counts.every(([, count]) => Number.isSafeInteger(count)), "malformed", "the statement has a count that is none");
  const people = tr.number(counts.reduce((sum, [, count]) => sum + count, 0));
  counts.sort(([one, few], [other, many]) => many - few || (one < other ? -1 : 1));
  const tags = counts.map(([tag]) => tag).filter((tag) => tag !== "other" && tag !== "und");
  if (!tags.length) {
    return [tr.text("It does not read the languages of {people} more people; it did not assess their tweets.", {people})];
  }
  const languages = tr.allOf(tags.map((tag) => member(tr.wording.languages, tag) ?? tag));
  return [tr.text("It does not read the languages of {people} more people, such as {languages}; it did not assess their tweets.", {people, languages})];
}

// Compare the words with the details; return the languages in which this page has no words.
function checkWords(texts, details) {
  for (const language of LANGUAGES.filter((one) => Object.hasOwn(texts, one))) {
    const good = texts[language] === wordsOf(details, language);
    need(good, "wrong_field", `the words in ${language} do not say what the statement's details say; or this page is older`, `text.${language}`);
  }
  return Object.keys(texts).filter((one) => !LANGUAGES.includes(one)).map((one) => `text.${one}`);
}
