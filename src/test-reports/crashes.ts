import type { CrashedSuite } from "../model/test-results.ts";

/** Finds the same crashed suite in several reports, in a time that grows with their number and not with its square. */

export interface Crash<Source> {
  suite: CrashedSuite;
  sources: Source[];
}

/** Longer paths are only found by their whole name. */
const mostFolders = 40;
const longestPath = 4_096;
const longestMessage = 2_000;

/** Crashes that one name may mean, in the order in which they were found. */
class Namesakes<Source> {
  readonly #crashes: Crash<Source>[] = [];
  /** By source, how many from the beginning it has already reported. */
  readonly #seen = new Map<Source, number>();

  add(crash: Crash<Source>): void {
    this.#crashes.push(crash);
  }

  /** The first that the source has not reported yet. */
  first(source: Source): Crash<Source> | undefined {
    let index = this.#seen.get(source) ?? 0;
    while (this.#crashes[index]?.sources.includes(source)) index++;
    this.#seen.set(source, index);
    return this.#crashes[index];
  }
}

export class Crashes<Source extends { format: string }> {
  readonly all: Crash<Source>[] = [];
  readonly #byPath = new Map<string, Namesakes<Source>>();
  /** By the path from each of its folders on: one report may name it from another folder than the other. */
  readonly #byEnd = new Map<string, Namesakes<Source>>();

  /** One report that names a suite twice means two crashes; two reports mean one. */
  add(source: Source, suite: CrashedSuite): void {
    const path = plain(suite.file);
    const known = this.#find(path, source);
    if (known) {
      // Two jobs of a matrix may crash for different reasons.
      if (known.sources.some(({ format }) => format === source.format)) addMessage(known.suite, suite.message);
      known.sources.push(source);
      return;
    }
    const crash = { suite: { ...suite }, sources: [source] };
    this.all.push(crash);
    put(this.#byPath, path, crash);
    for (const end of endsOf(path)) put(this.#byEnd, end, crash);
  }

  #find(path: string, source: Source): Crash<Source> | undefined {
    const exact = this.#byPath.get(path)?.first(source) ?? this.#byEnd.get(path)?.first(source);
    if (exact) return exact;
    for (const end of endsOf(path)) {
      const found = this.#byPath.get(end)?.first(source);
      if (found) return found;
    }
    return undefined;
  }
}

function put<Source>(map: Map<string, Namesakes<Source>>, name: string, crash: Crash<Source>): void {
  const namesakes = map.get(name) ?? new Namesakes();
  namesakes.add(crash);
  map.set(name, namesakes);
}

function plain(file: string): string {
  return file.replaceAll("\\", "/").replace(/^\.?\//, "");
}

/** `b/c` and `c` of `a/b/c`. */
function endsOf(path: string): string[] {
  if (path.length > longestPath) return [];
  const parts = path.split("/").slice(-mostFolders);
  return parts.slice(1).map((_, index) => parts.slice(index + 1).join("/"));
}

function addMessage(suite: CrashedSuite, message: string): void {
  if (suite.message.length > longestMessage || suite.message.includes(message)) return;
  suite.message = `${suite.message}\n${message}`;
}
