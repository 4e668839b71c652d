import { type Pattern, shortestPattern } from "./matcher.ts";
import { readForms } from "./views.ts";

/**
 * The encodings of a secret. JSON, URL, HTML and Unicode escapes have too many spellings to list; `views.ts` decodes the text
 * instead. This list follows the encoders of GitHub's runner (its ValueEncoders), and adds hexadecimal, form and shell encodings.
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

/** Spellings that keep the secret's own backslashes, so that decoding backslashes would get them wrong. */
function quoted(form: string): string[] {
  return [
    // The runner's CommandLineArgumentEscape and ExpressionStringEscape; SQL uses the latter too.
    form.replaceAll('"', '\\"'),
    form.replaceAll("'", "''"),
    // Shell escapes, for both kinds of quotes.
    form.replaceAll("'", "'\\''"),
    form.replaceAll("'", `'"'"'`),
    form.replaceAll(" ", "+"),
    ...escapedInside(form),
  ].filter((text) => text !== form);
}

/** A document encoded as a whole, such as JSON in base64, contains the secret as the document escapes it. */
function escapedInside(form: string): string[] {
  const json = JSON.stringify(form).slice(1, -1);
  return [json, encodeUri(form)].filter((text) => text !== form);
}

export function encodeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/**
 * The base64 digits that depend on these bytes alone, for each of the three alignments and both alphabets. The digits at the
 * edges also encode neighbouring bytes, so a match includes them.
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
 * What the runner is told to mask in addition to the secret. It derives base64, JSON, URI and XML forms by itself. Each further
 * mask slows every line of the job's log, so only forms that it doesn't derive are announced.
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
