import { pinned, type Step } from "./detect/languages.ts";
import type { Project } from "./project.ts";
import { scalar } from "./yaml.ts";

/** The steps of a written job that come before ours. */

export type TestedStage = "preflight" | "integration" | "e2e";

export function checkout(): string[] {
  return [`- uses: ${pinned.checkout}`, "  with:", "    persist-credentials: false"];
}

/** Preflight installs only for the tasks and servers that it starts. */
export function prepared(project: Project, stage: TestedStage): Step[] {
  const { servers, tasks, browser, toolchains, folder, node } = project;
  if (stage === "preflight" && servers.length + tasks.length === 0) return [];
  const at = folder === "" ? {} : { workingDirectory: folder };
  const builds = [...new Set(servers.flatMap(({ build }) => build ?? []))];
  const browsers: Step[] =
    stage !== "e2e" || browser?.tool !== "playwright" || !node
      ? []
      : [
          {
            uses: pinned.cache,
            with: {
              path: "~/.cache/ms-playwright",
              key: `playwright-\${{ runner.os }}-\${{ hashFiles('${node.manager.lockFile ?? "**/package.json"}') }}`,
            },
            note: "Saves a download for each job. The lock file holds Playwright's version, so the key changes with it.",
          },
          { run: `${binPrefix(node.manager.name)} playwright install --with-deps`, ...at },
        ];
  return [...toolchains.flatMap(({ steps }) => steps), ...builds.map((run): Step => ({ run, ...at })), ...browsers];
}

function binPrefix(name: string): string {
  return { pnpm: "pnpm exec", yarn: "yarn", bun: "bunx" }[name] ?? "npx";
}

export function stepLines({ uses, run, with: given, workingDirectory, note }: Step): string[] {
  const entries = Object.entries(given ?? {});
  return [
    ...(note === undefined ? [] : [`# ${note}`]),
    `- ${uses === undefined ? `run: ${scalar(run ?? "")}` : `uses: ${uses}`}`,
    ...(workingDirectory === undefined ? [] : [`  working-directory: ${scalar(workingDirectory)}`]),
    ...(entries.length === 0 ? [] : ["  with:", ...entries.map(([key, value]) => `    ${key}: ${numeral(value)}`)]),
  ];
}

/** `3.10` would be the number 3.1. */
function numeral(value: string): string {
  return /^\d+$/.test(value) || value.startsWith("playwright-${{") ? value : scalar(value);
}
