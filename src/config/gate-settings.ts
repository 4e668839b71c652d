import { UserError } from "../model/user-error.ts";
import { defaults } from "./defaults.ts";
import { readText } from "./load.ts";
import { type Data, group, text, valueAt } from "./path.ts";
import type { Config } from "./schema.ts";
import { isAbsolutePath, parseDuration } from "./values.ts";
import { parseYaml } from "./yaml.ts";

/** What the gate reads of the configuration. */
export interface GateSettings {
  /** Stages that are `false` in the file. */
  leftOut: ReadonlySet<string>;
  maxAgeMs: number;
  store: Config["evidence"]["store"];
  /** Whether there is a configuration. */
  isRead: boolean;
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
  const { data, broken, mistakes } = parseYaml(found);
  // Such as a key that is written twice: whichever of the two counts could leave a stage out.
  const [mistake] = mistakes;
  if (broken || mistake)
    throw new UserError(
      mistake?.code ?? "EA1005",
      `${file}: the file is not valid YAML, so it is unknown which stages must pass${mistake ? `: ${mistake.message}` : ""}`,
    );
  const stages = Object.entries(group(valueAt(data as Data, ["stages"])));
  const leftOut = new Set(stages.filter(([, stage]) => stage === false).map(([name]) => name));
  const [maxAge, store] = ["maxAge", "store"].map((key) => valueAt(data as Data, ["evidence", key]));
  return { leftOut, maxAgeMs: maxAgeOf(maxAge, file), store: storeOf(store, file), isRead: found !== "" };
}

/** A value that the gate can't read could mean less than the default. */
function maxAgeOf(written: Data, file: string): number {
  if (written === undefined || written === null) return defaults.evidence.maxAge;
  const read = parseDuration(text(written) ?? "");
  if (read === undefined)
    throw new UserError(
      "EA1010",
      `${file}: evidence.maxAge: expected a duration such as "4h", written out: the gate fills in no variables`,
    );
  return read;
}

/** Another place than the stages use would show no evidence, or that of somebody else. */
function storeOf(written: Data, file: string): GateSettings["store"] {
  if (written === undefined || written === null) return defaults.evidence.store;
  if (text(written) === "artifacts") return "artifacts";
  const folder = text(valueAt(written, ["folder"])) ?? "";
  if (!isAbsolutePath(folder) || folder.includes("${"))
    throw new UserError(
      "EA1010",
      `${file}: evidence.store: expected artifacts, or { folder: /mnt/evidence } with an absolute path, written out: the gate fills in no variables`,
    );
  return { folder };
}
