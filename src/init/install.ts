import { version } from "../lib/version.ts";
import type { Project } from "./project.ts";

/** How people run env-actions. Plain npx would fetch whatever package has this name on npm. */
export function commandLine(project: Project): string {
  const { node, pin } = project;
  if (isInstalled(project) && node)
    return node.manager.name === "npm" ? "npx --no-install env-actions" : `${prefixOf(node.manager.name)} env-actions`;
  // @v1 would be another program after the next release.
  return `npx --yes --package=github:classwaves/env-actions#${pin.isCommit ? pin.ref : `v${version}`} env-actions`;
}

function prefixOf(manager: string): string {
  return { pnpm: "pnpm exec", yarn: "yarn", bun: "bunx --no-install" }[manager] ?? "npx --no-install";
}

function isInstalled({ node }: Project): boolean {
  return Object.keys(node?.dependencies ?? {}).some((name) => /^(?:@classwaves\/)?env-actions$/.test(name));
}

/** Who has no package.json has nothing to install it in. */
export function howToPin(project: Project): string[] {
  const { node } = project;
  const add = node && { npm: "npm i -D", pnpm: "pnpm add -D", yarn: "yarn add -D", bun: "bun add -d" }[node.manager.name];
  // A copy from a folder or another server has no commit that GitHub knows.
  if (add !== undefined && isInstalled(project))
    return [
      "# @v1 moves with each release, and these steps get credentials. env-actions is installed here, but not from GitHub, so its commit",
      `# is unknown. Install it from there (${add} env-actions@github:classwaves/env-actions#v1.2.3) and run init again, or write it by hand:`,
    ];
  return add === undefined
    ? [
        "# @v1 moves with each release, and these steps get credentials. To pin it, let an exact version write this file (npx --yes",
        `# --package=github:classwaves/env-actions#v1.2.3 env-actions init --overwrite), or write the commit of a release and its version by hand:`,
      ]
    : [
        `# @v1 moves with each release, and these steps get credentials. To pin it, install env-actions (${add}`,
        `# env-actions@github:classwaves/env-actions#v1.2.3) and run init again, or write the commit of a release and its version by hand:`,
      ];
}
