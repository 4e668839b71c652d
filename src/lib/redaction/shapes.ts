import type { Span } from "./matcher.ts";

/**
 * Secrets that nobody registered but that can be recognised by their context: authorization headers, passwords in URLs, token
 * signatures, private keys. Each shape has a cheap test first, because most lines contain none.
 */
interface Shape {
  mayBe: (text: string) => boolean;
  /** The first group is hidden. */
  pattern: RegExp;
}

const quote = `\\\\*["']?`;
const schemes = "Basic|Bearer|Token|Digest|Negotiate|NTLM|ApiKey|AWS4-HMAC-SHA256";

const shapes: readonly Shape[] = [
  {
    // In an HTTP dump, JSON or curl arguments: up to the end of the line or of the quoted text.
    mayBe: (text) => text.includes("uthorization") || text.includes("UTHORIZATION"),
    pattern: new RegExp(
      `authorization${quote}\\s{0,8}[:=]\\s{0,8}\\[?\\s{0,8}${quote}(?:(?:${schemes})\\s+)?([^\\s"'\\\\,;<>\\]]{6,})`,
      "gid",
    ),
  },
  {
    mayBe: (text) => text.includes("Basic ") || text.includes("basic "),
    pattern: /\bbasic\s{1,4}((?=[A-Za-z0-9+/]*[A-Z0-9+/])[A-Za-z0-9+/]{8,}={0,2})/dgi,
  },
  {
    mayBe: (text) => text.includes("Bearer ") || text.includes("bearer "),
    pattern: /\bbearer\s{1,4}((?=[A-Za-z0-9._~+/-]*\d)[A-Za-z0-9._~+/-]{16,}=*)/dgi,
  },
  {
    mayBe: (text) => text.includes("://") && text.includes("@"),
    pattern: /(?<=[a-z0-9]):\/\/[^\s/:@"'<>]{0,200}:([^\s/@"'<>]{1,500})@/dgi,
  },
  {
    mayBe: (text) => text.includes("eyJ"),
    pattern: /\beyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{2,16000}\.([A-Za-z0-9_-]{16,2000})/dg,
  },
  {
    mayBe: (text) => text.includes("PRIVATE KEY"),
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?=[\s\S]{0,200}?[A-Za-z0-9+/]{16})((?:[A-Za-z0-9+/=\s:,.-]|\\[nr]){1,20000}?)(?=-----END|["'<]|$)/dg,
  },
];

/** The ranges of the text that hold such secrets. */
export function shapesIn(text: string): Span[] {
  return shapes.flatMap(({ mayBe, pattern }) => {
    if (!mayBe(text)) return [];
    return [...text.matchAll(pattern)].flatMap(({ indices }) => {
      const place = indices?.[1];
      return place ? [{ start: place[0], end: place[1] }] : [];
    });
  });
}
