import { group, type Path, text } from "../config/path.ts";
import { passedSecrets, passedVars } from "../lib/passed-variables.ts";
import { actionReference } from "./action-reference.ts";
import type { StageUse, Step } from "./workflow.ts";
import type { YamlFile } from "./yaml-file.ts";

/** A job that calls the published gate, as the rules see it: as if the steps of the called workflow were its own. */

interface Inlined {
  runsOn: string[];
  steps: Step[];
  stages: StageUse[];
  gates: Step[];
}

/** The workflow pins what it uses by commits, which a caller doesn't see. */
const pinned = `@${"0".repeat(40)}`;

const published = /^classwaves\/env-actions\/\.github\/workflows\/quality-gate\.yml@/i;

export function callsPublishedGate(uses: string | undefined): boolean {
  return uses !== undefined && published.test(uses);
}

/** Each step stands where the call stands. */
export function inlined(file: YamlFile, path: Path, uses: string): Inlined {
  const call = group(file.at(path));
  const inputs = group(call.with);
  const secrets = group(call.secrets);
  const ref = uses.slice(uses.indexOf("@"));
  const bare = { file, path, uses: undefined, run: undefined, with: {}, env: {}, condition: undefined };
  const step = (more: Partial<Step>): Step => ({ ...bare, ...more });
  const commands = ["install-command", "setup-command"].flatMap((name) => text(inputs[name]) ?? []);
  const browsers = inputs.playwright === true ? ["npx --no-install playwright install --with-deps"] : [];
  const earlier = [
    step({ uses: actionReference(`actions/checkout${pinned}`), with: { "persist-credentials": false } }),
    step({ uses: actionReference(`actions/setup-node${pinned}`), with: inputs }),
    ...[...commands, ...browsers].map((run) => step({ run })),
  ];
  const { config, environment, "working-directory": folder } = inputs;
  const given = Object.fromEntries(
    Object.entries({ config, environment, "working-directory": folder }).filter(([, value]) => value !== undefined),
  );
  const env = Object.fromEntries([
    ...passedVars.map((name) => [name, `\${{ vars.${name} }}`]),
    ...passedSecrets.flatMap((name) => (secrets[name] === undefined ? [] : [[name, secrets[name]]])),
  ]);
  const stages = (["preflight", "integration", "e2e"] as const)
    .filter((stage) => stage === "preflight" || inputs[stage] !== false)
    .map((stage): StageUse => {
      const reference = actionReference(`classwaves/env-actions/${stage}${ref}`);
      const own = step({ uses: reference, with: given, env });
      return { stage, step: own, jobStep: own, reference, earlier };
    });
  const gate = step({
    uses: actionReference(`classwaves/env-actions/gate${ref}`),
    with: { ...given, needs: "${{ toJson(needs) }}", comment: inputs.comment ?? true },
  });
  const runsOn = [text(inputs.runner) ?? "ubuntu-latest"];
  return { runsOn, steps: [...earlier, ...stages.map(({ step: own }) => own), gate], stages, gates: [gate] };
}
