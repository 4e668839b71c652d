import { resolveTables } from "../config/classwaves.ts";
import { loadConfig, selectEnvironment } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { InvalidProxy, proxiesIn, proxySecrets } from "../lib/proxy/choice.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import { UserError } from "../model/user-error.ts";
import type { SecretKeeper } from "../stages/context.ts";
import type { StageRequest } from "./run-stage.ts";

/**
 * Reads the configuration file, fills in its variables, selects the environment, and registers every secret that both name.
 * @returns the configuration with its text and the place of each value, the test-data tables (those of the preset and of the file),
 * the selected environment with its name, and what a copy of production is a copy of
 * @throws UserError with every mistake in the file, or if the environment or a proxy is wrong
 */
export async function readConfiguration(
  request: Pick<StageRequest, "workspace" | "env" | "configFile" | "environment"> & {
    cutShort?: { configText: string | undefined };
    /** For the tasks about a copy: only in its environment. */
    ofCopy?: boolean;
  },
  secrets: Pick<SecretKeeper, "add" | "guess">,
) {
  const { workspace, env, configFile } = request;
  for (const secret of proxySecrets(env)) secrets.add(secret);
  checkProxies(env);
  const loaded = await loadConfig({
    file: configFile,
    cwd: workspace,
    env,
    ...(request.environment ? { environment: request.environment } : {}),
    ...(request.ofCopy ? { ofCopy: true } : {}),
    // The text from when the stage began: a later step may have checked out another version, or removed it.
    ...(request.cutShort?.configText === undefined ? {} : { text: request.cutShort.configText }),
  });
  for (const secret of loaded.secrets) secrets.add(secret.reveal());
  if (request.ofCopy) refuseOthers(loaded.config, request);
  const { name, environment } = selectEnvironment(
    loaded.config,
    request.environment || (request.ofCopy ? loaded.config.staging?.copy : undefined),
  );
  const configured = [
    environment.environment,
    ...[...environment.tasks, ...Object.values(environment.servers)].map((process) => process.environment),
    loaded.config.stages.integration.environment,
    loaded.config.stages.e2e.environment,
  ];
  // Secrets that were only guessed from variable names are known now, with the configuration's exceptions.
  secrets.guess([]);
  for (const secret of secretsOfVariables([env, ...configured], loaded.config.secrets)) secrets.add(secret);
  return {
    config: loaded.config,
    configText: loaded.text,
    configPlace: loaded.placeOf,
    tables: resolveTables(loaded.config.testData),
    environment: { ...environment, name },
    original: loaded.original,
  };
}

/** Before anything connects. @throws UserError if a variable names no proxy */
function checkProxies(env: StageRequest["env"]): void {
  try {
    proxiesIn(env);
  } catch (error) {
    if (error instanceof InvalidProxy) throw new UserError(error.code, error.message, { cause: error });
    throw error;
  }
}

/** @throws UserError if there is no copy, or another environment was named */
function refuseOthers({ staging }: Config, { configFile, environment }: Pick<StageRequest, "configFile" | "environment">): void {
  if (!staging)
    throw new UserError(
      "EA2134",
      `${configFile} has no copy of production: add staging: { original: …, copy: … } with the names of two environments`,
    );
  if (environment && environment !== staging.copy)
    throw new UserError(
      "EA2135",
      `the tasks about a copy run in ${staging.copy} (staging.copy in ${configFile}), not in ${environment}: leave out --environment (in a workflow: the input environment)`,
    );
}
