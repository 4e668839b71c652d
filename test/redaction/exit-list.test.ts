import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/**
 * Every place where something leaves the suite: whoever adds one has to say here how secrets are kept out of it. What is not in the list
 * fails, and so does what is in the list and gone.
 */

const src = join(import.meta.dirname, "..", "..", "src");

/** Files, streams, the runner's commands, requests. */
const exit =
  /\b(?:writeFile|appendFile|createWriteStream|copyFile|cp|writeFileSync|appendFileSync)\(|\.(?:writeFile|appendFile)\(|(?:stdout|stderr|stream)\.write\b|\bcore\.(?:info|warning|error|notice|setOutput|setFailed|saveState|summary|setSecret|debug|exportVariable|group)\b|console\.|(?<![#.\w])fetch\(|\bgetOctokit\(|OTLPMetricExporter\(/;

const guarded = "the stream is guarded in main.ts: redaction/streams.ts redacts whatever is written to it";
const exits: Record<string, string> = {
  "action/log.ts": guarded,
  "action/main.ts": guarded,
  "action/post.ts": guarded,
  "action/publish.ts": "the report is redacted by record.ts; the log is guarded",
  "action/run.ts": "outputs are redacted; the state holds file names and the names of stage and environment",
  "alerts/deliver.ts": "bodies are made of a report that aftermath.ts redacted",
  "alerts/metrics.ts": "measurements are made of a report that aftermath.ts redacted",
  "audit-log.ts": "each line is redacted before it is hashed",
  "checks/http.ts": "a request to the tested application, which must hold its credentials",
  "cli/init.ts": "texts of ours alone",
  "cli/main.ts": guarded,
  "cli/screen.ts": guarded,
  "cli/tables.ts": guarded,
  "cli/undo.ts": guarded,
  "gate/artifacts.ts": "suite.ts hands out the service behind redactedArtifacts",
  "gate/github.ts": "requests hold names from the configuration, the commit and the run's id",
  "gate/store.ts": "evidence of a report that record.ts redacted",
  "lock-file.ts": "the id of a process",
  "main.ts": "texts of ours alone",
  "process/output.ts": "lines are redacted before they are logged, kept or told",
  "record.ts": "the report is redacted before it is written in any format",
  "redacted-logs.ts": "writes what it redacted",
  "redaction/streams.ts": "the guard itself",
  "stages/attachments.ts": "gate/redacted-bytes.ts",
  "stages/baseline.ts": "redacted as it is written",
  "stages/tokens.ts": "the file that hands tokens to the tests: for their user alone, deleted after them, never uploaded",
  "state-file.ts": "redacted as it is written",
  "suite.ts": "the run's id",
  "undo.ts": "the result is redacted before it is written",
};

test("every exit is known, with how secrets are kept out of it", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("testkit"),
  );
  const found = files.filter((file) =>
    readFileSync(join(src, file), "utf8")
      .split("\n")
      .some((line) => !/^\s*(?:\*|\/\/|\/\*|import )/.test(line) && exit.test(line)),
  );
  expect(found.map((file) => file.replaceAll("\\", "/")).sort()).toEqual(Object.keys(exits).sort());
});
