import { UserError } from "../model/user-error.ts";
import { historySchema } from "./history-schema.ts";
import { interpolate, type Variables } from "./interpolation.ts";
import { readText } from "./load.ts";
import { type Data, group } from "./path.ts";
import type { Config } from "./schema.ts";
import { parseYaml } from "./yaml.ts";

/**
 * Reads only where the history is: who looks at it may lack the credentials that the rest of the file names.
 * @param optional whether the file may be missing: then the history is where it is by default
 * @throws UserError
 */
export async function historySettings(
  file: string,
  { cwd, env, optional }: { cwd: string; env: Variables; optional: boolean },
): Promise<Config["history"]> {
  const text = await readText(file, cwd).catch((error: unknown) => {
    if (optional && error instanceof UserError && error.codes.includes("EA1001")) return "";
    throw error;
  });
  const { data, broken, mistakes } = parseYaml(text);
  const [mistake] = mistakes;
  if (broken || mistake)
    throw new UserError(
      mistake?.code ?? "EA1005",
      `${file}: the file is not valid YAML, so it is unknown where the history is${mistake ? `: ${mistake.message}` : ""}`,
    );
  const { value, blanks, problems } = interpolate(group(data as Data).history, env, () => false);
  const [blank] = blanks;
  if (blank)
    throw new UserError(
      "EA8130",
      `${file}: history.${blank.path.join(".")}: the variable ${blank.name} is ${blank.empty ? "empty" : "not set"}, so it is unknown where the history is: set it`,
    );
  const read = historySchema.safeParse(value === null ? undefined : value);
  if (read.success && problems.length === 0) return read.data;
  const [issue] = read.error?.issues ?? [];
  const what = problems[0]?.problem ?? issue?.message ?? "";
  const path = ["history", ...(problems[0]?.path ?? issue?.path ?? [])].join(".");
  throw new UserError(
    "EA8130",
    `${file}: ${path}: ${what}; it is unknown where the history is: \`env-actions doctor\` shows every mistake in the file`,
  );
}
