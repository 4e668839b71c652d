import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/**
 * Every place where something leaves the suite: whoever adds one has to say here how secrets are kept out of it. What is not in the list
 * fails, and so does what is in the list and gone.
 */

const src = join(import.meta.dirname, "..", "..", "src");

/** Files, streams, the runner's commands, requests; and whoever writes files through lib/plain-file.ts. */
const exit =
  /\b(?:writeFile|appendFile|createWriteStream|copyFile|cp|writeFileSync|appendFileSync|writeSync|writeOwn)\(|\.(?:writeFile|appendFile)\(|\bO_(?:WRONLY|RDWR)\b|(?:stdout|stderr|stream)\.write\b|\bcore\.(?:info|warning|error|notice|setOutput|setFailed|saveState|summary|setSecret|debug|exportVariable|group)\b|\bcommands\.(?:error|saveState|saveVisit|maskCommand)\b|console\.|(?<![#.\w])fetch\(|\bfetchByProxy\(|\b(?:askOverHttp|askDirectly)\(|\bgetOctokit\(|OTLPMetricExporter\(/;

const guarded = "the stream is guarded in main.ts: lib/redaction/redactor.ts redacts whatever is written to it";
const exits: Record<string, string> = {
  "action/commands.ts": "lines go to the guarded stream; what is written to files is what the others in this list give it",
  "action/log.ts": guarded,
  "action/comment.ts": "the comment, the log's lines and the annotations are redacted; the verdict is one of our words",
  "action/gate.ts":
    "the summary, the comment and the lines of jobs and cells are redacted; the rest are texts of ours, and the log is guarded",
  "action/approve.ts": "the result and the comment at the deployment are redacted before they are worded; the log is guarded",
  "action/dashboard.ts":
    "the summary and the lines of the log are redacted; the page is made of records, see app/dashboard.ts; outputs are a path, a time and a word of ours",
  "action/published.ts": "reads the address of the input published, and sends only the time",
  "action/inputs.ts": "puts back the bytes that the runner's files had before the stage",
  "action/main.ts": guarded,
  "action/missing.ts": "says only which inputs are missing: a mistake that quotes an input is left to action/main.ts",
  "action/post.ts": guarded,
  "action/state.ts":
    "names and ids, the cell redacted by run.ts, and the configuration file, which has no secrets, encoded or compressed",
  "action/run.ts":
    "outputs are redacted but for file names; the report is redacted by app/record.ts, the children's summary by app/run-stage.ts; the log is guarded",
  "notifications/deliver.ts": "bodies are made of a report that notifications/after-verdict.ts redacted",
  "notifications/metrics.ts": "measurements are made of a report that notifications/after-verdict.ts redacted",
  "audit/log.ts": "each line is redacted before it is hashed",
  "checks/api/client.ts": "a request to the tested application, which must hold its credentials",
  "cli/ask.ts": guarded,
  "cli/compare.ts": guarded,
  "cli/doctor.ts": guarded,
  "cli/environment-facts.ts": guarded,
  "cli/evidence.ts": guarded,
  "cli/dashboard.ts": guarded,
  "cli/history.ts": guarded,
  "cli/init.ts":
    "the stream is guarded; files are made of what the repository commits, of names of variables, of names and counts of the environment, and of what was typed",
  "cli/main.ts": guarded,
  "cli/screen.ts": guarded,
  "cli/staging.ts": guarded,
  "cli/tables.ts": guarded,
  "cli/undo.ts": guarded,
  "app/dashboard.ts": "a page of records, which are made of reports that app/record.ts redacted",
  "app/executions.ts": "ids, names of stage and environment, the process; the cell is redacted by app/run-stage.ts",
  "app/from-report.ts": "undo.json and repair.json: the result is redacted before it is written",
  "github/artifacts.ts":
    "app/run-stage.ts hands out the service behind redactedArtifacts; history/store/artifacts.ts uploads the record of a report that app/record.ts redacted",
  "github/api.ts":
    "requests hold names from the configuration, the commit and the run's id; comments are redacted by action/gate.ts and action/approve.ts, and records of the history are made of a report that app/record.ts redacted",
  "evidence/attestation/statement.ts": "ids of checks of a report that app/record.ts redacted, and a hash of the configuration",
  "evidence/carriers/folder/folder.ts": "what evidence/store.ts gives it",
  "evidence/store.ts": "evidence of a report that app/record.ts redacted",
  "app/identify-run.ts": "the ids of gate run and workflow run",
  "history/store/folder.ts":
    "records of reports that app/record.ts redacted, with what app/remember.ts and notifications/after-verdict.ts redacted; claims that notifications/rollback-memory.ts redacted",
  "lib/lock-file.ts": "the id of a process",
  "program.ts": "texts of ours alone",
  "lib/http/direct.ts": "requests of those in this list that call askOverHttp",
  "lib/http/send.ts": "the same",
  "lib/proxy/dispatch.ts": "requests of those in this list that call fetchByProxy; the proxy's credentials go to the proxy alone",
  "lib/proxy/fetch.ts": "the same, without a proxy",
  "lib/plain-file.ts": "writes what the others in this list give it; a state file is redacted as it is written",
  "processes/own-environment.ts": "overwrites variables of this process with stars",
  "processes/output.ts": "lines are redacted before they are logged, kept or told",
  "app/record.ts": "the report is redacted before it is written in any format, and those of other stages once more",
  "app/redact-logs.ts": "writes what it redacted",
  "lib/redaction/redactor.ts": "the guard itself",
  "stages/attachments.ts": "evidence/redacted-bytes.ts",
  "stages/drift.ts": "the snapshot of a structure is redacted as it is written",
  "stages/child-environment.ts":
    "empty files for the tests to write to: the ledger, and a summary, which is redacted by app/run-stage.ts, and the file removed",
  "stages/sign-ins.ts":
    "the ids of sessions, for whoever deletes them later: for their user alone, removed with the sessions' keys, never uploaded",
  "stages/tokens.ts": "the file that hands tokens to the tests: for their user alone, removed after them, never uploaded",
  "app/run-stage.ts": "a constant",
  "cleanup/books/start.ts": "names and versions of tables; what the warehouse said is redacted as it is written",
};

test("every way out of the process is listed with how secrets are kept out of it", () => {
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
