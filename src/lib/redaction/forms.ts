import { type Pattern, shortestPattern } from "./matcher.ts";
import { readForms } from "./views.ts";

/**
 * What a secret looks like when somebody encodes it. What a program can read back by itself – JSON, URL, HTML and Unicode forms – is
 * read back from the text instead, see `views.ts`: there are too many spellings to list them. The list follows the encoders of
 * GitHub's runner (its ValueEncoders), and adds hexadecimal, forms and shells.
 */
export function patternsOf(secret: string): Pattern[] {
  const forms = unicodeForms(secret);
  return [
    ...[...forms, ...forms.flatMap(quoted)].map((text) => ({ text })),
    ...[...forms, ...forms.flatMap(escapedInside)].flatMap((form) => base64Patterns(Buffer.from(form, "utf8"))),
    ...forms.flatMap((form) => hexadecimal(Buffer.from(form, "utf8"))).map((text) => ({ text })),
  ];
}

function unicodeForms(secret: string): string[] {
  return [...new Set([secret, ...(["NFC", "NFD", "NFKC"] as const).map((form) => secret.normalize(form)), ...readForms(secret)])];
}

/** Spellings that reading backslashes back would get wrong, because they leave the secret's own backslashes as they are. */
function quoted(form: string): string[] {
  return [
    // The runner's CommandLineArgumentEscape and ExpressionStringEscape; the latter is also SQL's.
    form.replaceAll('"', '\\"'),
    form.replaceAll("'", "''"),
    // Shells, in quotes of both kinds.
    form.replaceAll("'", "'\\''"),
    form.replaceAll("'", `'"'"'`),
    form.replaceAll(" ", "+"),
    ...escapedInside(form),
  ].filter((text) => text !== form);
}

/** A document that is encoded as a whole, such as JSON in base64, holds the secret as the document writes it. */
function escapedInside(form: string): string[] {
  const json = JSON.stringify(form).slice(1, -1);
  return [json, encodeUri(form)].filter((text) => text !== form);
}

export function encodeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/**
 * The digits of base64 that the bytes alone decide, for each of the three ways in which they may lie among other bytes, in both
 * alphabets. Digits at the edge also hold bits of the neighbours, so a match takes them along.
 */
export function base64Patterns(bytes: Buffer): Pattern[] {
  return [0, 1, 2].flatMap((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((8 * offset) / 6);
    const last = Math.floor((8 * (offset + bytes.length)) / 6);
    const text = digits.slice(first, last);
    const edges = { before: offset === 0 ? 0 : 1, after: (offset + bytes.length) % 3 === 0 ? 0 : 1 };
    const url = text.replaceAll("+", "-").replaceAll("/", "_");
    return (url === text ? [text] : [text, url]).filter(isLongEnough).map((one) => ({ text: one, ...edges }));
  });
}

function hexadecimal(bytes: Buffer): string[] {
  const lower = bytes.toString("hex");
  const upper = lower.toUpperCase();
  return lower === upper ? [lower] : [lower, upper];
}

function isLongEnough(text: string): boolean {
  return text.length >= shortestPattern;
}

/**
 * What GitHub's runner is told to mask besides the secret itself. It derives base64, JSON, URI and XML forms by itself, so only what
 * it does not derive is worth a line: each costs it time for every line of the job's log.
 */
export function announcedForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(json).slice(1, -1);
  const uri = encodeUri(secret);
  const forms = [
    ...secret.split(/\r?\n/),
    secret.normalize("NFC"),
    secret.normalize("NFD"),
    ...(twice === json ? [] : [twice]),
    ...[uri.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()), uri.replaceAll("%20", "+")].filter((form) => form !== uri),
    Buffer.from(secret, "utf8").toString("hex"),
  ];
  return [...new Set(forms)].filter((form) => form !== secret && form.trim().length >= shortestPattern);
}
