import type { ArtifactService } from "../../github/artifacts.ts";
import { type Evidence, type StageName, stageNames } from "../../model/report.ts";
import type { EvidenceCarrier, EvidenceSource } from "./carrier.ts";

/** For people who look at them later. What a stage needs is much younger. */
export const retentionDays = 30;

/** The artifacts of the workflow run: the service itself knows which job uploaded what, and no other run can write there. */
export function artifactCarrier(artifacts: ArtifactService): EvidenceCarrier {
  return {
    ...artifactSource(artifacts),
    async keep(evidence, files) {
      await artifacts.upload(artifactName(evidence), files, retentionDays);
      return [];
    },
    isOf: (name, evidence) => name === artifactName(evidence),
  };
}

/** The artifacts of this run or of another one. */
export function artifactSource(artifacts: Pick<ArtifactService, "list" | "download">): EvidenceSource {
  return {
    code: "EA9009",
    words: {
      entries: "the artifacts of this workflow run",
      list: "the list of this workflow run's artifacts",
      entry: "artifact",
      kept: "uploaded as an artifact",
    },
    async list() {
      const listed = await artifacts.list();
      return listed.flatMap(({ name, job, replaced }) => {
        const stage = stageNames.find((one) => name.startsWith(artifactPrefix(one)));
        if (!stage) return [];
        const problem = replaced && "it replaced another one of this name, which env-actions never does";
        return [{ name, stage, ...(job !== undefined && { job }), ...(problem && { problem }) }];
      });
    },
    read: (name) => artifacts.download(name),
  };
}

function artifactName({ stage, environment, origin, runId }: Evidence): string {
  return `${artifactPrefix(stage)}${environment}-${origin.attempt ?? "1"}-${runId}`;
}

function artifactPrefix(stage: StageName): string {
  return `env-actions-${stage}-`;
}
