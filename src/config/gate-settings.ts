import { UserError } from "../model/user-error.ts";
import { defaults } from "./defaults.ts";
import { readText } from "./load.ts";
import { type Data, group, text, valueAt } from "./path.ts";
import { parseDuration } from "./values.ts";
import { parseYaml } from "./yaml.ts";

/** What the gate reads of the configuration. */
export interface GateSettings {
  /** Stages that are `false` in the file. */
  leftOut: ReadonlySet<string>;
  maxAgeMs: number;
}

/**
 * Reads only these values: the gate's job has no credentials, so the rest of the file, with its variables, is left to the stages.
 * @param optional whether the file may be missing: then nothing is left out
 * @throws UserError
 */
export async function gateSettings(file: string, cwd: string, optional: boolean): Promise<GateSettings> {
  const found = await readText(file, cwd).catch((error: unknown) => {
    if (!(error instanceof UserError) || !error.codes.includes("EA1001")) throw error;
    if (optional) return "";
    throw new UserError(
      "EA1001",
      `${file}: the file does not exist here, and the gate reads in it which stages must pass: add actions/checkout to its job before this step, or name them in the input \`stages\``,
      { cause: error },
    );
  });
  const { data, broken } = parseYaml(found);
  if (broken) throw new UserError("EA1005", `${file}: the file is not valid YAML, so it is unknown which stages must pass`);
  const stages = Object.entries(group(valueAt(data as Data, ["stages"])));
  const leftOut = new Set(stages.filter(([, stage]) => stage === false).map(([name]) => name));
  const maxAge = text(valueAt(data as Data, ["evidence", "maxAge"]));
  return { leftOut, maxAgeMs: parseDuration(maxAge ?? "") ?? defaults.evidence.maxAge };
}
