import { messageOf, stackOf } from "../../reported.ts";

/** What Go's tests print, without the lines that only say which test runs and how it ended. */

const frame = /^(?:=== (?:RUN|PAUSE|CONT|NAME|ATTR)\b|\s*--- (?:PASS|FAIL|SKIP|BENCH): |(?:PASS|FAIL)$)/;

function withoutFrames(output: string): string[] {
  return output.split("\n").filter((line) => !frame.test(line));
}

interface Trouble {
  message: string;
  stack: string;
  file?: string;
  line?: number;
}

/** @param reason the message if the test says nothing */
export function troubleOf(packageName: string, output: string, reason: string): Trouble {
  const lines = withoutFrames(output);
  const panic = lines.findIndex((line) => /^(?:panic|fatal error): /.test(line));
  const told = lines.slice(Math.max(panic, 0)).join("\n").trim();
  const text = outdented(panic < 0 ? told : (told.split(/\n\n|\ngoroutine /, 1)[0] ?? ""));
  const place = placeIn(lines, panic >= 0);
  return {
    message: messageOf(text || reason),
    stack: stackOf(lines.join("\n")),
    ...(place ? { file: /[\\/]/.test(place.file) ? place.file : `${packageName}/${place.file}`, line: place.line } : {}),
  };
}

/** Go indents what a test says by four spaces for each level of subtests. */
function outdented(text: string): string {
  return text.replace(/^ {4,}/gm, "");
}

/** Of an assertion, or the test's own frame in the stack of a panic. */
function placeIn(lines: readonly string[], panics: boolean): { file: string; line: number } | undefined {
  const place = panics ? /^\s+(\S+_test\.go):(\d+)\b/ : /^\s*(\S+\.go):(\d+): /;
  for (const line of lines) {
    const found = place.exec(line);
    if (found) return { file: found[1] ?? "", line: Number(found[2]) };
  }
  return undefined;
}

/** The compiler's text without the line that names the package. */
export function buildMessage(output: string): string {
  return output
    .split("\n")
    .filter((line) => !line.startsWith("# "))
    .join("\n")
    .trim();
}

/** @param said what other programs printed */
export function packageMessage(name: string, output: string, said: string): string {
  const lines = withoutFrames(output).filter((line) => line.trim() !== "");
  const own = lines.filter((line) => !/^(?:FAIL|ok)\s/.test(line) && !line.startsWith("coverage: "));
  const isBuild = lines.some((line) => /\[(?:build|setup) failed\]$/.test(line));
  if (own.length > 0 && !isBuild) return own.join("\n");
  const begin = said.indexOf(`# ${name}`);
  const compiler = begin < 0 ? "" : buildMessage((said.slice(begin + 1).split("\n# ", 1)[0] ?? "").replace(/^.*\n/, ""));
  return compiler || own.join("\n") || lines.join("\n") || "the package failed, though none of its tests did";
}
