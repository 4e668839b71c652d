import { framesIn } from "./frames.ts";

/** Decides which of the places in a stack people should look at. */

export interface Place {
  file: string;
  line: number;
}

/** What is known of the test without its stack. */
export interface About {
  titles: readonly string[];
  file?: string | undefined;
  /** Whether a file is in the workspace. Asked only for a few frames. */
  isOurs: (file: string) => boolean;
}

const testFile = /(?:^|[/\\._-])(?:tests?|specs?|__tests__|e2e|cy)(?=[/\\._-])|(?:Test|Spec)s?\.[a-z]+$/;

/**
 * The place of a failure: in the test's own file, otherwise in the file that is named as its class, a test file, or the newest
 * frame of the project. Never in a library.
 */
export function placeIn(stack: string, { titles, file, isOurs }: About): Place | undefined {
  const frames = framesIn(stack).filter(({ library }) => !library);
  if (file !== undefined) return frames.find((frame) => isSameFile(frame.file, file));
  const ours = frames.filter((frame) => isOurs(frame.file));
  const [candidates, names] = [ours.length > 0 ? ours : frames, namesIn(titles)];
  const newest = candidates[0]?.dialect.newestLast ? candidates.at(-1) : candidates[0];
  return (
    candidates.find((frame) => names.has(stemOf(frame.file))) ?? candidates.find((frame) => testFile.test(frame.file)) ?? newest
  );
}

/** The line in this file where the stack left it. */
export function lineIn(stack: string, file: string): number | undefined {
  return framesIn(stack).find((frame) => isSameFile(frame.file, file))?.line;
}

/** A place that a report gives in attributes: `<failure file="test/add.cpp" line="19">`. */
export function placeOf(attributes: Readonly<Record<string, string | undefined>>): { file?: string; line?: number } {
  const file = (attributes.file || attributes.filepath || attributes.filename || attributes.path)?.trim();
  const line = Number.parseInt(attributes.line || attributes.lineno || attributes.lineNumber || "", 10);
  return { ...(file ? { file } : {}), ...(line > 0 ? { line } : {}) };
}

/** One may be absolute, the other relative to any of its folders. */
export function isSameFile(one: string, other: string): boolean {
  const [shorter = "", longer = ""] = [one, other].map((file) => file.replaceAll("\\", "/")).sort((a, b) => a.length - b.length);
  return shorter === longer || longer.endsWith(`/${shorter.replace(/^\.?\//, "")}`);
}

/** Parts of titles that may name a file: `com.acme.CartTest`, `tests.test_cart`, `App\Tests\CartTest`. */
function namesIn(titles: readonly string[]): Set<string> {
  const [first = ""] = titles;
  return new Set(first.split(/[\s.\\/:$+]+/).filter((name) => name.length > 2));
}

function stemOf(file: string): string {
  const name = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
  return name.slice(0, name.indexOf("."));
}
