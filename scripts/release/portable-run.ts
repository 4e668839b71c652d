import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runWorkflow } from "../../test/actions/act.ts";
import { archivesOf, unpack } from "./assets.ts";
import type { Commits } from "./commits.ts";
import { portable, type Version } from "./version.ts";

/**
 * Runs a preflight from the portable form under act, as a consumer's workflow: with nothing but the release's zip files, of which
 * the actions of one name the commit of the other.
 * @throws Error with the log if it does not pass
 */
export async function runPortable(
  act: string,
  files: string,
  version: Version,
  commits: Commits,
  scratch: string,
): Promise<void> {
  const folders = archivesOf(version)
    .filter(({ format }) => format === "zip")
    .map((archive) => [archive.line, unpack(files, archive, version, join(scratch, `under-act-${archive.line}`))] as const);
  const { main = "", portable: portableFolder = "" } = Object.fromEntries(folders);
  const name = `classwaves/env-actions`;
  const ref = portable(`v${version.text}`);

  const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end("{}"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const workspace = join(scratch, "consumer");
    makeConsumer(workspace, `${name}/preflight@${ref}`, (server.address() as AddressInfo).port);
    const { exitCode, output } = await runWorkflow({
      act,
      workspace,
      workflow: "gate.yml",
      repositories: { [`${name}@${ref}`]: portableFolder, [`${name}@${commits.main}`]: main },
      scratch: join(scratch, "act"),
    });
    if (exitCode !== 0) throw new Error(`the portable form does not pass under act, exit status ${exitCode}:\n${output}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function makeConsumer(workspace: string, uses: string, port: number): void {
  const workflow = {
    name: "gate",
    on: "push",
    jobs: {
      gate: {
        "runs-on": "ubuntu-latest",
        // act brings the repository by itself at this step.
        steps: [{ uses: "actions/checkout@v7" }, { uses, with: { environment: "here" } }],
      },
    },
  };
  const configuration = {
    version: 1,
    preset: "none",
    environments: {
      here: { access: "read-only", api: { url: `http://127.0.0.1:${port}`, samples: 1, endpoints: [{ path: "/health" }] } },
    },
  };
  mkdirSync(join(workspace, ".github", "workflows"), { recursive: true });
  // JSON is YAML.
  writeFileSync(join(workspace, ".github", "workflows", "gate.yml"), JSON.stringify(workflow));
  writeFileSync(join(workspace, ".github", "env-actions.yml"), JSON.stringify(configuration));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace, stdio: "pipe" });
  git("init", "--quiet", "--initial-branch=main");
  git("remote", "add", "origin", "https://github.com/classwaves/consumer.git");
  git("add", "--all");
  git("-c", "user.name=Consumer", "-c", "user.email=consumer@example.com", "commit", "--quiet", "--message", "A consumer");
}
