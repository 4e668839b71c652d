import type { Config } from "../../config/schema.ts";
import { whyNoArtifacts } from "../../github/artifact-place.ts";
import type { ArtifactService } from "../../github/artifacts.ts";
import type { EvidenceCarrier } from "./carrier.ts";
import type { RunPlace } from "./folder/folder.ts";

export interface Choice {
  store: Config["evidence"]["store"];
  maxAgeMs: number;
  env: Readonly<Record<string, string | undefined>>;
  /** The service of this runner, if it has one that env-actions can use. */
  artifacts: ArtifactService | undefined;
}

/**
 * How evidence reaches the other jobs of this workflow run.
 * @returns `cutOff`: why it doesn't, and what to do. Neither in a terminal, where there are no other jobs.
 */
export async function chooseCarrier({
  store,
  maxAgeMs,
  env,
  artifacts,
}: Choice): Promise<{ carrier?: EvidenceCarrier; cutOff?: string }> {
  if (store === "artifacts" && artifacts) return { carrier: (await import("./artifacts.ts")).artifactCarrier(artifacts) };
  if (env.GITHUB_ACTIONS !== "true") return {};
  if (store === "artifacts") {
    const cure = "run the stages as steps of one job, or name a folder that all jobs reach in `evidence.store`";
    return { cutOff: `${whyNoArtifacts(env)}: ${cure}` };
  }
  const place = placeOf(env);
  if (!place)
    return {
      cutOff:
        "GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_RUN_ID don't name a workflow run, and evidence.store keeps it by run",
    };
  return { carrier: (await import("./folder/folder.ts")).folderCarrier({ folder: store.folder, place, maxAgeMs }) };
}

/** The parts become names of folders. */
function placeOf(env: Choice["env"]): RunPlace | undefined {
  const { GITHUB_SERVER_URL: address = "https://github.com", GITHUB_REPOSITORY: repository = "", GITHUB_RUN_ID: run = "" } = env;
  if (!URL.canParse(address)) return undefined;
  const { hostname, port } = new URL(address);
  const server = port ? `${hostname}_${port}` : hostname;
  const parts = repository.split("/");
  const isPlace = parts.length === 2 && /^\d{1,20}$/.test(run) && [server, ...parts].every((part) => folderName.test(part));
  return isPlace ? { server, repository, run } : undefined;
}

const folderName = /^(?!\.{1,2}$)[\w.-]{1,100}$/;
