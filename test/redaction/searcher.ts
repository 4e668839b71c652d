/**
 * Looks for secrets the way somebody would who has the files: decodes whatever may be decoded, layer by layer, and searches. It shares
 * no code with the redactor, and knows nothing of how a secret was encoded.
 */

const esc = "\u001b";
const ranges: [number, number][] = [
  ...([
    [0, 8],
    [0xb, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x34f, 0x34f],
    [0x61c, 0x61c],
    [0x180e, 0x180e],
  ] as [number, number][]),
  ...([
    [0x200b, 0x200f],
    [0x202a, 0x202e],
    [0x2060, 0x206f],
    [0xfe00, 0xfe0f],
    [0xfeff, 0xfeff],
  ] as [number, number][]),
];
const code = (point: number) => `\\u{${point.toString(16)}}`;
const invisible = new RegExp(`[${ranges.map(([from, to]) => `${code(from)}-${code(to)}`).join("")}]`, "gu");
/** Colours, links and other control strings, as a terminal drops them. */
const terminal = new RegExp(
  `(?:${esc}\\[|\u009b)[0-9;:?]*[A-Za-z]|${esc}\\][^\u0007${esc}]*(?:\u0007|${esc}\\\\)|${esc}[()#][0-9A-Za-z]`,
  "g",
);

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", nbsp: " " };

function html(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (all, name: string) => {
    if (/^#x/i.test(name)) return String.fromCodePoint(Number(`0${name.slice(1)}`));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    return entities[name] ?? all;
  });
}

function json(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/gs, (_, long?: string, short?: string, letter?: string) => {
    const code = long ?? short;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ({ n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" } as Record<string, string>)[letter ?? ""] ?? letter ?? "";
  });
}

function percent(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

function form(text: string): string {
  return /%[0-9a-f]{2}/i.test(text) ? percent(text.replaceAll("+", " ")) : text;
}

function base64(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/_-]{8,}/g) ?? [];
  return runs.flatMap((run) => [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), "base64").toString("utf8"))).join("\n");
}

function hex(text: string): string {
  const runs = text.match(/(?:[0-9a-f]{2}){6,}|(?:[0-9A-F]{2}){6,}/g) ?? [];
  return runs.flatMap((run) => [run, run.slice(1)].map((digits) => Buffer.from(digits, "hex").toString("utf8"))).join("\n");
}

const decoders = [
  (text: string) => text.replace(terminal, ""),
  (text: string) => text.replace(terminal, "").replace(invisible, ""),
  (text: string) => text.normalize("NFKC"),
  html,
  json,
  percent,
  form,
  (text: string) => text.replaceAll("''", "'").replaceAll("'\\''", "'").replaceAll(`'"'"'`, "'"),
  (text: string) => text.replace(/[ \t]*\n[ \t│|>]*/g, ""),
  base64,
  hex,
];

const layers = 3;

/** Every reading of a text that may hold the secret of somebody, each once. */
function* readings(text: string): Generator<string> {
  const seen = new Set([text]);
  let last = [text];
  yield text;
  for (let layer = 0; layer < layers; layer++) {
    const next: string[] = [];
    for (const one of last)
      for (const decode of decoders) {
        const decoded = decode(one);
        if (decoded.length < 6 || seen.has(decoded)) continue;
        seen.add(decoded);
        next.push(decoded);
        yield decoded;
      }
    last = next;
  }
}

/** What tells a secret: itself, and either half of a long one, in each form of Unicode. */
export function needlesOf(secret: string): string[] {
  const plain = secret.trim();
  const half = Math.floor(plain.length / 2);
  const parts = half >= 12 && !plain.includes("\n") ? [plain, plain.slice(0, half), plain.slice(half)] : [plain];
  return [...new Set(parts.flatMap((part) => [part, part.normalize("NFKC"), part.replace(invisible, "").normalize("NFKC")]))];
}

/** @returns the secrets that can be read out of a text, with what was read */
export function leaks(text: string, secrets: readonly string[]): { secret: string; seen: string }[] {
  const found = new Map<string, string>();
  const needles = secrets.map((secret) => ({ secret, needles: needlesOf(secret) }));
  for (const reading of readings(text))
    for (const { secret, needles: parts } of needles) {
      if (found.has(secret)) continue;
      for (const part of parts) {
        const at = reading.indexOf(part);
        if (at >= 0) found.set(secret, reading.slice(Math.max(0, at - 60), at + part.length + 20));
      }
    }
  return [...found].map(([secret, seen]) => ({ secret, seen }));
}
