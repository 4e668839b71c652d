import { Lexer, type YAMLError } from "yaml";
import type { Mistake, Span } from "./mistakes.ts";

/** What is wrong with a file that is no YAML. The library names the place where it noticed; people need the place to change. */

/** After the first faults of a broken file, further ones are mostly noise. */
const brokenPlaces = 3;

/** @param faults in the order of the file */
export function syntaxMistakes(faults: readonly YAMLError[], text: string): Mistake[] {
  const tooDeep = faults.some(({ code }) => code === "RESOURCE_EXHAUSTION");
  const conflict = /^(?:<{7}|={7}|>{7})(?: |$)/m.exec(text);
  if (conflict)
    return [
      mistake(
        { start: conflict.index, end: conflict.index + 7 },
        "a merge conflict is not resolved: choose one side, and remove the three lines of <, = and >",
      ),
    ];
  const opening = tooDeep ? undefined : unclosed(text);
  // What follows an open bracket or quote was read as a part of it.
  const others = opening ? faults.filter(({ pos }) => pos[0] < opening.at.start) : faults;
  const mistakes = firstOfEachLine(others, text).map((fault) => syntaxMistake(fault, faults, text));
  return [...mistakes, ...(opening ? [opening] : [])].slice(0, brokenPlaces);
}

function mistake(at: Span, message: string): Mistake {
  return { code: "EA1005", at, path: [], message: `invalid YAML: ${message}` };
}

function firstOfEachLine(faults: readonly YAMLError[], text: string): YAMLError[] {
  const lineOf = (fault: YAMLError): number => text.lastIndexOf("\n", fault.pos[0] - 1);
  return faults.filter((fault, index) => index === 0 || lineOf(fault) !== lineOf(faults[index - 1] ?? fault));
}

/** Our own messages, because the library's messages quote the file, and a broken line may hold a secret. */
const faultWords: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS: "the alias names an anchor that is not defined above it (&name)",
  BAD_DIRECTIVE: "remove the line that begins with %: directives are not supported",
  BAD_DQ_ESCAPE: "unknown escape after \\: inside \"…\" write \\\\ for a backslash, or use '…'",
  BAD_INDENT: "wrong indentation: keys of one group begin in the same column, and nested keys further to the right",
  BAD_SCALAR_START: 'put a text that begins with this character in quotes: "…"',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one value, got another "key: value": check the indentation, or put a text that contains ": " in quotes',
  BLOCK_IN_FLOW: "an indented block cannot be inside { } or [ ]: write it without the brackets",
  MISSING_CHAR: "expected a colon after a key, or a comma between two entries",
  MULTILINE_IMPLICIT_KEY: 'expected "key: value" on one line: check for a missing colon',
  MULTIPLE_DOCS: "expected one document: remove the line ---",
  RESOURCE_EXHAUSTION: "nested too deeply: use fewer levels",
  TAB_AS_INDENT: "indented with a tab: use spaces",
  TAG_RESOLVE_FAILED: "tags are not supported: remove the word that begins with !",
  UNEXPECTED_TOKEN: "unexpected text: check brackets, quotes and indentation",
};

function syntaxMistake(fault: YAMLError, all: readonly YAMLError[], text: string): Mistake {
  const [start, end] = fault.pos;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const inBrackets = /[{[,].*:?\s*\$\{/.test(text.slice(lineStart, start + 2));
  if (inBrackets) return mistake({ start, end }, 'put a reference inside { } or [ ] in quotes: "${NAME}"');
  if (fault.code === "BLOCK_AS_IMPLICIT_KEY" || fault.code === "BAD_INDENT") {
    // A value and the key of a deeper line were read as one key, which begins with the value.
    const joined = all.find(({ code, pos }) => code === "MULTILINE_IMPLICIT_KEY" && pos[0] === start);
    const at = joined ? text.lastIndexOf("\n", joined.pos[1] - 1) + 1 : start;
    const word = at + (/^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0);
    const beginsLine = text.slice(text.lastIndexOf("\n", word - 1) + 1, word).trim() === "";
    if (beginsLine) return mistake({ start: word, end: word + 1 }, faultWords.BAD_INDENT ?? "");
  }
  return mistake({ start, end }, faultWords[fault.code] ?? "this line cannot be parsed");
}

/** The lexer's own signs: the next lexeme is a plain text; brackets ended because of the indentation. They are not in the file. */
const textFollows = "\u001f";
const flowCutOff = "\u0018";
const documentBegins = "\u0002";
const closers: Readonly<Record<string, string>> = { "[": "]", "{": "}" };

/** The bracket or quote that is opened and never closed. */
function unclosed(text: string): Mistake | undefined {
  const open: { bracket: string; at: number }[] = [];
  let offset = 0;
  let isText = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === textFollows || lexeme === documentBegins) {
      isText = lexeme === textFollows;
      continue;
    }
    if (lexeme === flowCutOff) break;
    if (!isText) {
      if (closers[lexeme] !== undefined) open.push({ bracket: lexeme, at: offset });
      else if (lexeme === "]" || lexeme === "}") {
        const last = open.at(-1);
        if (last && closers[last.bracket] !== lexeme) break;
        open.pop();
      } else if (/^["']/.test(lexeme) && !isClosed(lexeme)) {
        const quote = lexeme.slice(0, 1);
        return mistake({ start: offset, end: offset + 1 }, `this quote is never closed: add ${quote} at the end of the text`);
      }
    }
    isText = false;
    offset += lexeme.length;
  }
  const last = open.at(-1);
  if (!last) return undefined;
  const at = { start: last.at, end: last.at + 1 };
  return mistake(at, `this ${last.bracket} is never closed: add ${closers[last.bracket]} after its last entry`);
}

/** Inside double quotes \\" is a quote of the text, inside single ones ''. */
function isClosed(quoted: string): boolean {
  const rest = quoted.slice(1);
  const marks = quoted.startsWith('"') ? /(?<!\\)(?:\\\\)*"$/ : /(?<!')(?:'')*'$/;
  return marks.test(rest);
}
