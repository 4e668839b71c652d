/** What XML says about characters, as far as tools make use of it. */

export const signs = { less: 0x3c, greater: 0x3e, slash: 0x2f, equals: 0x3d, bang: 0x21, quote: 0x22, apostrophe: 0x27 } as const;

/** For each code of ASCII, 1 if it is one of them. */
function codesOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(characters.test(String.fromCharCode(code))));
}

const beginsName = codesOf(/[A-Za-z_:]/);
const isInName = codesOf(/[\w:.-]/);

/** @returns `from` if no ASCII name begins there */
export function endOfName(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first > 127 || !beginsName[first]) return from;
  let end = from + 1;
  while (isNameAt(text, end)) end++;
  return end;
}

export function isNameAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 128 && isInName[code] === 1;
}

export function afterSpace(text: string, from: number): number {
  let end = from;
  while (isSpace(text.charCodeAt(end))) end++;
  return end;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x9 || code === 0xa;
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Without references; `undefined` if one of them means nothing. */
export function decoded(text: string): string | undefined {
  let plain = "";
  let from = 0;
  for (let at = text.indexOf("&"); at >= 0; at = text.indexOf("&", from)) {
    const end = text.indexOf(";", at);
    const character = end < 0 ? undefined : characterOf(text.slice(at + 1, end));
    if (character === undefined) return undefined;
    plain += text.slice(from, at) + character;
    from = end + 1;
  }
  return plain + text.slice(from);
}

function characterOf(reference: string): string | undefined {
  const number = /^#(?:(\d{1,7})|x([\da-fA-F]{1,6}))$/.exec(reference);
  if (!number) return entities.get(reference);
  const code = number[1] === undefined ? Number.parseInt(number[2] ?? "", 16) : Number.parseInt(number[1], 10);
  return isCharacter(code) ? String.fromCodePoint(code) : undefined;
}

/** Whether XML 1.0 allows it. */
export function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

export interface Position {
  line: number;
  /** How many characters of the line are before it. */
  column: number;
}

/** @param end how much of the text is before it @param begin of the text */
export function positionAfter(begin: Position, text: string, end: number): Position {
  let { line, column } = begin;
  let from = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", from)) {
    line++;
    column = 0;
    from = at + 1;
  }
  for (let at = from; at < end; at++) if (!isSecondHalf(text.charCodeAt(at))) column++;
  return { line, column };
}

/** Of a character that takes two places in a text. */
function isSecondHalf(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
