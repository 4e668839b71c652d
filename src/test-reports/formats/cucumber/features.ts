import { numberIn, objectIn, textIn } from "../lines/lines.ts";

export interface Identity {
  titles: readonly string[];
  file: string | undefined;
  line: number | undefined;
}

interface Place {
  /** The feature, and the rule in it. */
  titles: readonly string[];
  line: number | undefined;
}

/** Which scenario is where. Cucumber describes all of them before the first one runs, so only what is needed is kept. */
export class Features {
  readonly #places = new Map<string, Place>();
  readonly #pickles = new Map<string, Identity>();

  document(document: object): void {
    const feature = objectIn(document, "feature");
    if (feature) this.#children(feature, [textIn(feature, "name") ?? ""]);
  }

  #children(parent: object, titles: readonly string[]): void {
    for (const child of listIn(parent, "children")) {
      const [rule, scenario] = [objectIn(child, "rule"), objectIn(child, "scenario")];
      // A rule has no rules.
      if (rule && titles.length === 1) this.#children(rule, [...titles, textIn(rule, "name") ?? ""]);
      if (!scenario) continue;
      this.#node(scenario, titles);
      for (const examples of listIn(scenario, "examples")) {
        for (const row of listIn(examples, "tableBody")) this.#node(row, titles);
      }
    }
  }

  #node(node: object, titles: readonly string[]): void {
    const id = textIn(node, "id");
    if (id !== undefined) this.#places.set(id, { titles, line: lineOf(node) });
  }

  /** A scenario, or one row of an outline. */
  pickle(pickle: object): void {
    const id = textIn(pickle, "id");
    if (id === undefined) return;
    const nodes: unknown = Reflect.get(pickle, "astNodeIds");
    // The last one is the row.
    const node: unknown = Array.isArray(nodes) ? nodes.at(-1) : undefined;
    const place = typeof node === "string" ? this.#places.get(node) : undefined;
    this.#pickles.set(id, {
      titles: [...(place?.titles ?? []), textIn(pickle, "name") ?? ""],
      file: textIn(pickle, "uri")?.replace(/^file:(?:\/\/)?/, ""),
      line: lineOf(pickle) ?? place?.line,
    });
  }

  /** Each is asked for once. */
  take(pickleId: string): Identity | undefined {
    const pickle = this.#pickles.get(pickleId);
    this.#pickles.delete(pickleId);
    return pickle;
  }
}

function lineOf(node: object): number | undefined {
  const location = objectIn(node, "location");
  return location && numberIn(location, "line");
}

function listIn(object: object, key: string): object[] {
  const value: unknown = Reflect.get(object, key);
  return Array.isArray(value) ? value.filter((item: unknown) => typeof item === "object" && item !== null) : [];
}
