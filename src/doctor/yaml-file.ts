import { keySpanAt, spanAt } from "../config/load.ts";
import { positionOf } from "../config/mistakes.ts";
import { type Path, valueAt } from "../config/path.ts";
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

  offsetPlace(offset: number): Place {
    const { line, column } = positionOf(this.text, offset);
    return { file: this.name, line, column };
  }
}
