import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { findAct } from "../../scripts/act.ts";
import { runWorkflow } from "./act.ts";
import { productionTable, startCloud, tablesWithRows } from "./cloud.ts";
import { publishForAct } from "./published.ts";
import { standIns } from "./reusable.ts";
import { makeRepository } from "./workspace.ts";

/** A call of the reusable workflow against a warehouse and a Redis. How it ends otherwise: `reusable.long.test.ts`. */

test("a call passes secrets on, installs and sets up, and gets the verdict", async (context) => {
  const act = findAct();
  if ("missing" in act) return context.skip(act.missing);
  const scratch = mkdtempSync(join(tmpdir(), "env-actions-call-"));
  const cloud = await startCloud();
  try {
    const workspace = join(scratch, "consumer");
    cpSync(join(import.meta.dirname, "consumer"), workspace, { recursive: true });
    const jobs = {
      quality: {
        uses: "classwaves/env-actions/.github/workflows/quality-gate.yml@v1",
        permissions: { contents: "read", "pull-requests": "write" },
        with: {
          environment: "sandbox",
          "install-command": 'test -e node_modules || ln -s "$MODULES" node_modules',
          // The stages find it although the caller has no variable of this name.
          "setup-command": 'echo "API_URL=http://localhost:1" >> "$GITHUB_ENV"',
          e2e: false,
          comment: false,
        },
        secrets: { DATABRICKS_TOKEN: "${{ secrets.DATABRICKS_TOKEN }}", REDIS_URL: "${{ secrets.REDIS_URL }}" },
      },
      after: {
        needs: "quality",
        "runs-on": "ubuntu-latest",
        steps: [{ run: 'echo "the verdict is $VERDICT"', env: { VERDICT: "${{ needs.quality.outputs.verdict }}" } }],
      },
    };
    makeRepository(workspace, { ".github/workflows/gate.yml": stringify({ name: "gate", on: "push", jobs }) });
    const { exitCode, output } = await runWorkflow({
      ...{ act: act.path, workspace, workflow: "gate.yml", scratch: join(scratch, "act") },
      repositories: { ...publishForAct(join(scratch, "published")), ...standIns(join(scratch, "stand-ins")) },
      env: cloud.variables,
      secrets: { ...cloud.secrets },
    });
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/\| the verdict is (?:passed|degraded)$/m);
    expect(output).toMatch(/✔ integration (?:passed|degraded): job integration \(shard=1\), environment sandbox$/m);
    expect(output).toMatch(/✔ e2e skipped: skipped for an allowed reason: the caller says that there are none$/m);
    for (const secret of Object.values(cloud.secrets)) expect(output).not.toContain(secret);
    expect(cloud.warehouse.statements.some(({ sql, ok }) => ok && sql.startsWith("INSERT"))).toBe(true);
    expect(await tablesWithRows(cloud.warehouse)).toEqual([productionTable]);
  } finally {
    await cloud.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}, 300_000);
