import { type Frame, framesIn, isLibraryFile } from "./frames.ts";

/** Decides which of the places in a stack people should look at. */

const mostFolders = 16;

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
  const names = namesIn(titles);
  // Who develops JUnit, or Spring, has classes that are libraries for all others.
  const isOwnClass = ({ file, dialect }: Frame) => dialect.libraryClasses !== undefined && names.has(stemOf(file));
  const frames = framesIn(stack).filter((frame) => !frame.library || isOwnClass(frame));
  if (file !== undefined && !isLibraryFile(file)) return ofFile(frames, file);
  const ours = frames.filter((frame) => isOurs(frame.file));
  const candidates = ours.length > 0 ? ours : frames;
  const newest = candidates[0]?.dialect.newestLast ? candidates.at(-1) : candidates[0];
  const best =
    candidates.find((frame) => names.has(stemOf(frame.file))) ?? candidates.find((frame) => testFile.test(frame.file)) ?? newest;
  return best && { file: inPackageOf(titles, best.file, isOurs), line: best.line };
}

/** Go names a file without its folders, and the package in front of the test: `example.com/lamp/light`. */
function inPackageOf([first = ""]: readonly string[], file: string, isOurs: About["isOurs"]): string {
  if (/[\\/]/.test(file) || !first.includes("/")) return file;
  const folders = first.split("/", mostFolders);
  const found = folders.map((_, index) => [...folders.slice(index), file].join("/")).find(isOurs);
  return found ?? file;
}

/** Also if the report has the path of another machine, and the stack has not. */
function ofFile(frames: readonly Frame[], file: string): Place | undefined {
  const found =
    frames.find((frame) => isSameFile(frame.file, file)) ?? frames.find((frame) => nameOf(frame.file) === nameOf(file));
  return found && { file, line: found.line };
}

/** One may be absolute, the other relative to any of its folders. */
function isSameFile(one: string, other: string): boolean {
  const [shorter = "", longer = ""] = [one, other].map((file) => file.replaceAll("\\", "/")).sort((a, b) => a.length - b.length);
  return shorter === longer || longer.endsWith(`/${shorter.replace(/^\.?\//, "")}`);
}

/** Parts of titles that may name a file: `com.acme.CartTest`, `tests.test_cart`, `App\Tests\CartTest`. */
function namesIn(titles: readonly string[]): Set<string> {
  const [first = ""] = titles;
  return new Set(first.split(/[\s.\\/:$+]+/).filter((name) => name.length > 2));
}

function nameOf(file: string): string {
  return file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
}

function stemOf(file: string): string {
  const name = nameOf(file);
  return name.slice(0, name.indexOf("."));
}
