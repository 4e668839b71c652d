import fc from "fast-check";

/** A secret, and a text that shows it in some way. */
export interface Case {
  secret: string;
  encoding: string;
  colouring: string;
  text: string;
}

const alphabets = {
  letters: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  hex: "0123456789abcdef",
  base64: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
  address: "abcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%",
  punctuation: "aB3xY7qZ\"'\\`$&<>{}|^%!;~* ",
  unicode: "äöüßéñçøåžłğıİ日本語кириллица😀πΩ0123456789abc",
};

const letter = (alphabet: string) => fc.constantFrom(...Array.from(alphabet));

/** Printable at both ends, and not so short or so even that it would be an everyday word. */
function isSecret(text: string): boolean {
  const trimmed = text.trim();
  return (
    trimmed === text && text.length >= 9 && new Set(text).size >= 7 && /[^\d._,:+-]/.test(text) && !/^[~./\\]|:[/]{2}/.test(text)
  );
}

const oneLine = fc
  .constantFrom(...Object.values(alphabets))
  .chain((alphabet) => fc.array(letter(alphabet), { minLength: 12, maxLength: 64 }).map((letters) => letters.join("")))
  .filter(isSecret);

const token = fc.tuple(oneLine, oneLine).map(([a, b]) => {
  const part = (text: string) => Buffer.from(JSON.stringify({ text })).toString("base64url");
  return `${part("HS256")}.${part(a)}.${Buffer.from(b).toString("base64url").slice(0, 43)}`;
});

/** As keys have them: lines of base64. */
const severalLines = fc
  .array(fc.array(letter(alphabets.base64.slice(0, -1)), { minLength: 24, maxLength: 64 }), { minLength: 2, maxLength: 4 })
  .map((lines) => lines.map((line) => line.join("")).join("\n"));

export const secretText = fc.oneof(
  { weight: 8, arbitrary: oneLine },
  { weight: 1, arbitrary: token },
  { weight: 1, arbitrary: severalLines },
);

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const uri = (text: string) => encodeURIComponent(text.toWellFormed());
const html = (text: string) =>
  text.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one] ?? one);
const bytes = (text: string) => Buffer.from(text, "utf8");
const units = (text: string) => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));

/** The runner's own encoders among them, and what test runners, servers and browsers print. */
export const encodings: Record<string, (secret: string) => string> = {
  plain: (secret) => secret,
  "in a sentence": (secret) => `expected ${secret} to be undefined`,
  JSON: (secret) => JSON.stringify({ token: secret }),
  "JSON in JSON": (secret) => JSON.stringify({ body: JSON.stringify({ token: secret }) }),
  "JSON with \\u": (secret) =>
    units(secret)
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  URI: uri,
  "URI, lower case": (secret) => uri(secret).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
  form: (secret) => `a=1&token=${uri(secret).replaceAll("%20", "+")}`,
  "URI in URI": (secret) => uri(`https://h.example/?token=${uri(secret)}`),
  "every byte %": (secret) => [...bytes(secret)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  HTML: (secret) => `<b title="${html(secret)}">x</b>`,
  "HTML, decimal": (secret) => Array.from(secret, (one) => `&#${one.codePointAt(0)};`).join(""),
  "HTML, hexadecimal": (secret) => Array.from(secret, (one) => `&#x${one.codePointAt(0)?.toString(16)};`).join(""),
  "JSON in HTML": (secret) => `<pre>${html(JSON.stringify({ token: secret }))}</pre>`,
  "HTML in JSON": (secret) => JSON.stringify({ page: `<b>${html(secret)}</b>` }),
  base64: (secret) => bytes(secret).toString("base64"),
  "base64 behind one byte": (secret) => bytes(`u${secret}`).toString("base64"),
  "base64 behind two bytes": (secret) => bytes(`u:${secret}!`).toString("base64"),
  "base64 of JSON": (secret) => bytes(JSON.stringify({ token: secret, more: 1 })).toString("base64"),
  base64url: (secret) => bytes(`ab:${secret}?`).toString("base64url"),
  "base64 in lines": (secret) =>
    bytes(`{"a":"${json(secret)}"}`.padStart(90))
      .toString("base64")
      .replace(/.{76}/g, "$&\n"),
  "Basic in a header": (secret) => `Authorization: Basic ${bytes(`app:${secret}`).toString("base64")}`,
  "Bearer in a dump": (secret) => JSON.stringify({ headers: { authorization: `Bearer ${secret}` } }),
  hexadecimal: (secret) => bytes(secret).toString("hex"),
  "hexadecimal, upper case": (secret) => bytes(`x${secret}`).toString("hex").toUpperCase(),
  "address of a database": (secret) => `postgres://app:${uri(secret)}@db.example:5432/app`,
  "argument of a command": (secret) => `docker run -e "T=${secret.replaceAll('"', '\\"')}"`,
  "expression or SQL": (secret) => `select '${secret.replaceAll("'", "''")}'`,
  shell: (secret) => `T='${secret.replaceAll("'", "'\\''")}'`,
  "bytes as \\x": (secret) =>
    units(bytes(secret).toString("latin1"))
      .map((unit) => `\\x${unit.toString(16).padStart(2, "0")}`)
      .join(""),
};

const colours = ["\u001b[31m", "\u001b[0m", "\u001b[38;5;196m", "\u001b[1;4m", "\u001b]8;;https://h.example\u0007", "\u009b7m"];
const hidden = ["\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u202e", "\u2066", "\ufe0f"];

/** Puts something between some letters; `random` gives numbers from 0 to 1, anew at each call. */
function between(text: string, pieces: readonly string[], every: number, random: () => number): string {
  return Array.from(text, (one) => (random() < every ? one + pieces[Math.floor(random() * pieces.length)] : one)).join("");
}

type Colouring = (text: string, random: () => number) => string;

export const colourings: Record<string, Colouring> = {
  none: (text) => text,
  "coloured as a whole": (text) => `\u001b[32m${text}\u001b[0m`,
  "colours inside": (text, random) => between(text, colours, 0.2, random),
  "a colour for each letter": (text, random) => between(text, colours.slice(0, 4), 1, random),
  "unseen characters inside": (text, random) => between(text, hidden, 0.3, random),
  "colours and unseen characters": (text, random) => between(text, [...colours, ...hidden], 0.3, random),
  NFD: (text) => text.normalize("NFD"),
  NFC: (text) => text.normalize("NFC"),
  "full width": (text) => text.replace(/[!-~]/g, (one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0)),
  wrapped: (text, random) => {
    const width = 9 + Math.floor(random() * 30);
    return (text.match(new RegExp(`[^]{1,${width}}`, "gu")) ?? []).join("\n    ");
  },
};

/** A soft break in a full-width escape is nobody's; and what is no secret's own line cannot be told from one. */
function makesSense(secret: string, encoding: string, colouring: string): boolean {
  const escapes = /\\x|%|\\u|HTML|JSON|URI|form/.test(encoding);
  if (colouring === "full width" && escapes) return false;
  if (colouring === "wrapped" && secret.includes("\n")) return false;
  return true;
}

export const anyCase = fc
  .tuple(
    secretText,
    fc.constantFrom(...Object.keys(encodings)),
    fc.constantFrom(...Object.keys(colourings)),
    fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  )
  .filter(([secret, encoding, colouring]) => makesSense(secret, encoding, colouring))
  .map(([secret, encoding, colouring, numbers]): Case => {
    const encoded = encodings[encoding]?.(secret) ?? secret;
    const random = () => Number(numbers.next().value);
    return { secret, encoding, colouring, text: colourings[colouring]?.(encoded, random) ?? encoded };
  });
