import { stringify } from "yaml";
import { type ActionName, actionNames, type Input, inputs, isDeclaredBy, type Output, outputs } from "../src/action/interface.ts";
import type { GeneratedFile } from "./generate.ts";
import { row } from "./markdown-table.ts";

/** Generates the metadata files of the actions and docs/reference/actions.md from the declaration in src/action/interface.ts. */

const repository = "classwaves/env-actions";

const actions: Record<ActionName, { title: string; description: string; icon: string }> = {
  preflight: {
    title: "Preflight",
    description: "Looks whether an environment is fit to test in: variables, Databricks, Redis, sign-in, API, WebSocket.",
    icon: "check-circle",
  },
  integration: {
    title: "Integration tests",
    description: "Runs the integration tests, reads their reports, deletes this run's test data and proves it gone.",
    icon: "layers",
  },
  e2e: {
    title: "End-to-end tests",
    description: "Starts the servers, runs Playwright, reads its report, stops the servers and deletes this run's test data.",
    icon: "monitor",
  },
  smoke: {
    title: "Smoke test",
    description:
      "Looks at a deployed environment. If it is read-only, clients send only reads and empty POSTs. Servers and rollback can write.",
    icon: "activity",
  },
  cleanup: {
    title: "Cleanup",
    description: "Shows the test data that it would delete; when told to, deletes it and proves it gone.",
    icon: "trash-2",
  },
  staging: {
    title: "Staging",
    description:
      "Keeps a copy of production for the tests: compares its structure, synchronises it, and fills it with sanitised or synthetic data.",
    icon: "copy",
  },
  gate: {
    title: "Gate",
    description: "The one required check: passes only if every stage left passed evidence and every job succeeded.",
    icon: "shield",
  },
  comment: {
    title: "Comment",
    description:
      "After a gate on a pull request from a fork: writes its result as one comment. It trusts nothing that the run left.",
    icon: "message-square",
  },
  dashboard: {
    title: "Dashboard",
    description:
      "Makes one HTML file of the history: health, gates, latencies, flaky tests, test data, and what ends soon. It runs no test.",
    icon: "bar-chart-2",
  },
  approve: {
    title: "Approve",
    description:
      "Approves a deployment that waits for its environment's rules, if the evidence permits it; otherwise rejects it.",
    icon: "user-check",
  },
};

const stageInput: Input & { required: true } = {
  description: `What to run: ${actionNames.map((stage) => `\`${stage}\``).join(", ")}.`,
  required: true,
};

interface Action {
  /** The part after `uses: classwaves/env-actions`. */
  path: string;
  inputs: Record<string, Input & { required?: boolean }>;
  outputs: Record<string, Output>;
}

const wholeAction: Action = { path: "", inputs: { stage: stageInput, ...inputs }, outputs };

const stageActions: readonly (Action & { stage: ActionName })[] = actionNames.map((stage) => ({
  stage,
  path: `/${stage}`,
  inputs: declaredFor<Input>(stage, inputs),
  outputs: declaredFor<Output>(stage, outputs),
}));

export function actionFiles(): GeneratedFile[] {
  return [
    {
      path: "action.yml",
      content: metadata({
        name: "env-actions",
        description:
          "One stage of the quality gate: preflight, integration, e2e, smoke or cleanup; or a task about a copy of production.",
        author: "ClassWaves",
        branding: { icon: "shield", color: "green" },
        ...javascriptAction("dist/index.js"),
      }),
    },
    {
      path: "actions/core/action.yml",
      content: metadata({
        name: "env-actions core",
        description: "What the actions beside this one run; the same action as the repository's root.",
        ...javascriptAction("../../dist/index.js"),
      }),
    },
    ...stageActions.map((action) => ({ path: `actions/${action.stage}/action.yml`, content: metadata(composite(action)) })),
  ];
}

function declaredFor<T extends Input | Output>(action: ActionName, all: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([, one]) => isDeclaredBy(action, one)));
}

function metadata(action: object): string {
  return `# Generated from src/action/interface.ts by scripts/generate.ts: edit there.\n${stringify(action, { lineWidth: 0 })}`;
}

function javascriptAction(main: string): object {
  return {
    inputs: mapValues(wholeAction.inputs, (input) => metadataInput({ ...input, description: descriptionWithStages(input) })),
    outputs: mapValues(wholeAction.outputs, (output) => ({ description: descriptionWithStages(output) })),
    // Cleanup must also run after failure and cancellation, so it is a `post` step.
    runs: { using: "node24", main, post: main, "post-if": "always()" },
  };
}

function composite(action: Action & { stage: ActionName }): object {
  const { title, description, icon } = actions[action.stage];
  return {
    name: `env-actions: ${title}`,
    description,
    author: "ClassWaves",
    branding: { icon, color: "green" },
    inputs: mapValues(action.inputs, metadataInput),
    outputs: mapValues(action.outputs, (output, name) => ({
      description: output.description,
      value: `\${{ steps.core.outputs.${name} }}`,
    })),
    runs: {
      using: "composite",
      steps: [
        {
          id: "core",
          uses: "$/actions/core",
          with: { stage: action.stage, ...mapValues(action.inputs, (_, name) => `\${{ inputs.${name} }}`) },
        },
      ],
    },
  };
}

function metadataInput({ description, required = false, default: standard }: Input & { required?: boolean }): object {
  return { description, required, ...(standard !== undefined && { default: standard }) };
}

function descriptionWithStages({ description, stages: only }: { description: string; stages?: readonly ActionName[] }): string {
  return only ? `${description} For ${only.join(", ")} only.` : description;
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

const generated = "<!-- Generated from src/action/interface.ts by scripts/generate.ts: edit there. -->";

/** `docs/reference/actions.md`: every input and output of every action. */
export function actionsPage(): string {
  return [
    "# Actions",
    "",
    generated,
    "",
    "Every input and output of every action. An input is optional unless it is *required*; an empty one counts as left out.",
    "",
    actionTables(),
  ].join("\n");
}

function actionTables(): string {
  const sections = stageActions.map((action) =>
    section(action, `${actions[action.stage].title}. ${actions[action.stage].description}`),
  );
  const whole = section(wholeAction, "Any stage, chosen by the input `stage`. The other actions call this one.");
  return [...sections, whole].join("\n");
}

function section(action: Action, description: string): string {
  const written = Object.entries(action.inputs).filter(([, input]) => !input.hidden);
  const inputRows = written.map(([name, input]) =>
    row(`\`${name}\``, input.required ? "*required*" : code(input.default), rowDescription(action, input)),
  );
  const outputRows = Object.entries(action.outputs).map(([name, output]) => row(`\`${name}\``, rowDescription(action, output)));
  return [
    `## \`${repository}${action.path}@v1\``,
    "",
    description,
    "",
    row("Input", "Default", "Meaning"),
    row("---", "---", "---"),
    ...inputRows,
    "",
    row("Output", "Meaning"),
    row("---", "---"),
    ...outputRows,
    "",
  ].join("\n");
}

/** A stage's own section does not repeat the stages of an input. */
function rowDescription(action: Action, declared: Input | Output): string {
  return action === wholeAction ? descriptionWithStages(declared) : declared.description;
}

function code(text: string | undefined): string {
  return text === undefined ? "" : `\`${text}\``;
}
