import { defaults } from "../config/defaults.ts";
import { parseTemplate } from "../config/interpolation.ts";
import { group, isGroup, list, type Path, text, texts, valueAt } from "../config/path.ts";
import { withPresetDefaults } from "../config/preset.ts";
import { parseTimeLimit } from "../config/values.ts";
import { isStagingStage, type StageName } from "../model/report.ts";
import type { Place } from "./rule.ts";
import type { YamlFile } from "./yaml-file.ts";

/**
 * The configuration as it is written, with the place of each value. Unlike a stage, the doctor has none of the variables, so a
 * value that depends on one is unknown.
 */
export class Configuration {
  readonly file: YamlFile;

  constructor(file: YamlFile) {
    this.file = file;
  }

  get environments(): Record<string, Record<string, unknown>> {
    const written = Object.entries(group(this.file.at(["environments"])));
    return Object.fromEntries(written.map(([name, environment]) => [name, group(environment)]));
  }

  get defaultEnvironment(): string | undefined {
    const names = Object.keys(this.environments);
    return text(this.file.at(["defaultEnvironment"])) ?? (names.length === 1 ? names[0] : undefined);
  }

  /** Whether evidence reaches other jobs by something else than artifacts. */
  get hasEvidenceFolder(): boolean {
    return isGroup(this.file.at(["evidence", "store"]));
  }

  /** The budget of a stage in milliseconds; `undefined` if it depends on a variable. */
  budget(stage: StageName): number | undefined {
    const written = this.file.at([isStagingStage(stage) ? "staging" : "stages", stage, "budget"]);
    return written === undefined && !isStagingStage(stage) ? defaults.stages[stage].budget : parseTimeLimit(known(written) ?? "");
  }

  /** How a stage's tests run. @returns `undefined` for a stage that the file doesn't have */
  suite(stage: "integration" | "e2e"): Suite | undefined {
    const path = ["stages", stage];
    const written = this.file.at(path);
    if (!isGroup(written)) return undefined;
    const { reports } = written;
    const globs = texts(isGroup(reports) ? reports.files : reports) ?? [];
    return {
      stage,
      path,
      command: text(written.command),
      reports: globs.map(known).filter((glob) => glob !== undefined),
      allReportsKnown: globs.every((glob) => known(glob) !== undefined),
      workingDirectory: known(written.workingDirectory ?? "."),
      environment: group(written.environment),
    };
  }

  prefixes(): string[] {
    const filled = withPresetDefaults(this.file.parsed.data);
    const listed = texts(valueAt(filled, ["testData", "prefixes"])) ?? defaults.testData.prefixes;
    const ofStages = (["integration", "e2e"] as const).map(
      (stage) => text(this.file.at(["stages", stage, "prefix"])) ?? defaults.stages[stage].prefix,
    );
    return [...new Set([...listed, ...ofStages])].map(known).filter((prefix) => prefix !== undefined);
  }

  /** The variables without which an environment can't be used, by name with the place where each is written. */
  variablesOf(environment: string, stage?: string): Map<string, Place> {
    const found = new Map<string, Place>();
    const base = ["environments", environment];
    const visit = (value: unknown, path: Path): void => {
      // The shell expands the variables of a command.
      if (typeof value === "string" && path.at(-1) !== "command")
        for (const name of demanded(value)) found.set(name, found.get(name) ?? this.file.valuePlace(path));
      else if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, [...path, index]);
      else for (const [key, item] of Object.entries(group(value))) visit(item, [...path, key]);
    };
    visit(this.file.at(base), base);
    // What stands outside the environments holds for each of them.
    for (const [key, value] of Object.entries(group(this.file.parsed.data))) if (key !== "environments") visit(value, [key]);
    // Those that are only listed are for the application and its tests, and a cleanup starts neither.
    const listed = stage === "cleanup" ? [] : (list(this.file.at([...base, "variables"])) ?? []);
    for (const [index, declared] of listed.entries()) {
      const name = text(declared) ?? text(group(declared).name);
      if (name !== undefined && !found.has(name)) found.set(name, this.file.valuePlace([...base, "variables", index]));
    }
    return found;
  }
}

export interface Suite {
  stage: "integration" | "e2e";
  path: Path;
  /** As the shell gets it, with its variables. */
  command: string | undefined;
  reports: string[];
  allReportsKnown: boolean;
  workingDirectory: string | undefined;
  environment: Record<string, unknown>;
}

/** A text without its variables, if each of them has a default; `undefined` if one has none. */
export function known(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const template = parseTemplate(value);
  if ("problem" in template) return undefined;
  const parts = template.parts.map((part) => (typeof part === "string" ? part : part.fallback));
  return parts.some((part) => part === undefined) ? undefined : parts.join("");
}

function demanded(value: string): string[] {
  const template = parseTemplate(value);
  if ("problem" in template) return [];
  return template.parts.flatMap((part) => (typeof part === "string" || part.fallback !== undefined ? [] : [part.name]));
}
