import { keySpanAt, spanAt } from "../config/load.ts";
import { positionOf } from "../config/mistakes.ts";
import { isGroup, type Path, pathKey, valueAt } from "../config/path.ts";
import { type ParsedYaml, parseYaml } from "../config/yaml.ts";
import type { Place } from "./rule.ts";

/** A file in YAML, with the place of each of its values. */
export class YamlFile {
  /** As the user can open it. */
  readonly name: string;
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly parsed: ParsedYaml;

  constructor(file: { name: string; path: string; text: string }) {
    this.name = file.name;
    this.path = file.path;
    this.text = file.text;
    this.parsed = parseYaml(file.text);
  }

  at(path: Path): unknown {
    return valueAt(this.parsed.data, path);
  }

  /** The place of a value, or of the nearest group around it that exists. */
  valuePlace(path: Path): Place {
    return this.offsetPlace(spanAt(this.parsed.entries, path).start);
  }

  keyPlace(path: Path): Place {
    return this.offsetPlace(keySpanAt(this.parsed.entries, path).start);
  }

  /** Where a word is inside a value, behind what stands before it there. */
  placeInside(path: Path, before: string, word: RegExp): Place {
    const { start } = spanAt(this.parsed.entries, path);
    const from = this.text.indexOf(before, start);
    const within = from < 0 ? -1 : this.text.slice(from).search(word);
    return this.offsetPlace(within < 0 ? start : from + within);
  }

  /** From now on, the file is read as if another value stood there. */
  replace(path: Path, value: unknown): void {
    const [last] = path.slice(-1);
    const around = this.at(path.slice(0, -1));
    if (last !== undefined && typeof around === "object" && around !== null) Object.assign(around, { [last]: value });
  }

  /** From now on, a key is read as another one. Its place stays, and so does one of that name that is there already. */
  rename(path: Path, key: string, name: string): void {
    const group = this.at(path);
    if (!isGroup(group) || Object.hasOwn(group, name)) return;
    const { entries } = this.parsed;
    const old = [...path, key];
    for (const entry of [...entries.values()])
      if (old.every((part, index) => entry.path[index] === part)) {
        const renamed = [...path, name, ...entry.path.slice(old.length)];
        entries.set(pathKey(renamed), { ...entry, path: renamed });
      }
    const all = Object.entries(group);
    for (const [one] of all) delete group[one];
    for (const [one, value] of all) group[one === key ? name : one] = value;
  }

  offsetPlace(offset: number): Place {
    const { line, column } = positionOf(this.text, offset);
    return { file: this.name, line, column };
  }
}
