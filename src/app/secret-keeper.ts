import { join } from "node:path";
import { redactedBytes } from "../evidence/redacted-bytes.ts";
import { errorText } from "../lib/error-text.ts";
import { NotAPlainFile, readPlain, writeOwn } from "../lib/plain-file.ts";
import { announcedForms, partsOf } from "../lib/redaction/forms.ts";
import { type Redaction, Redactor } from "../lib/redaction/redactor.ts";
import type { StageReport } from "../model/report.ts";
import type { SecretKeeper } from "../stages/context.ts";

/**
 * All secrets that this process knows. All output of a process shares one keeper, so a secret that becomes known late is hidden
 * everywhere from then on.
 * @param announce masks a secret in output that we don't write: the runner's log
 */
export function secretKeeper(announce: (secret: string) => void): SecretKeeper {
  const known = new Set<string>();
  const announced = new Set<string>();
  let guessed: ReadonlySet<string> = new Set();
  let redactor = new Redactor();
  let generation = 0;

  const tell = (secret: string) => {
    for (const part of partsOf(secret))
      for (const form of [part, ...announcedForms(part)]) {
        // An empty mask would hide everything, and a very short one parts of most words.
        if (form.trim() === "" || announced.has(form)) continue;
        announced.add(form);
        announce(form);
      }
  };

  return {
    add(secret) {
      if (known.has(secret)) return;
      known.add(secret);
      if (redactor.add(secret)) generation += 1;
      tell(secret);
    },
    guess(secrets) {
      guessed = new Set(secrets);
      redactor = new Redactor();
      for (const secret of [...known, ...guessed]) redactor.add(secret);
      generation += 1;
    },
    redact: (text) => redactor.redact(text),
    holds: (text) => redactor.holds(text),
    lines() {
      let made = redactor;
      let lines = made.lines();
      return (texts) => {
        if (made !== redactor) {
          made = redactor;
          lines = made.lines();
        }
        return lines(texts);
      };
    },
    get generation() {
      return generation;
    },
  };
}

/**
 * Redacts secrets in a stage's logs that became known only after they were written, such as a token that a server prints before
 * it returns it.
 * @returns what could not be done, as sentences
 */
export async function redactLogs(report: StageReport, workspace: string, redaction: Redaction): Promise<string[]> {
  const logs = new Set([...report.servers, ...report.commands].flatMap(({ log }) => log ?? []));
  const problems = await Promise.all([...logs].map((log) => redactLog(log, workspace, redaction)));
  return problems.flatMap((problem) => problem ?? []);
}

async function redactLog(name: string, workspace: string, redaction: Redaction): Promise<string | undefined> {
  const path = join(workspace, name);
  try {
    // A hard-linked log is replaced by a new file; the other name isn't ours to change.
    const content = await readPlain(path, { root: workspace, hardLinks: true });
    const made = redactedBytes(content, redaction);
    if (made.kind === "refused") return `${name} may contain a secret and could not be redacted again: ${made.why}`;
    if (!made.content.equals(content)) await writeOwn(path, made.content);
    return undefined;
  } catch (error) {
    // A test may have replaced a log or its folder with a link to anything; links are not read as logs.
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return `${name} could not be redacted again: ${errorText(error)}`;
  }
}
