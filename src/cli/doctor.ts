import { type Examination, examine, type Finding, unaskedEnvironment } from "../doctor/examine.ts";
import type { EnvironmentFacts, Severity, Subject } from "../doctor/rule.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { doctorPage } from "../model/coded-error.ts";
import { UserError } from "../model/user-error.ts";
import { plainText } from "../report/inert.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";
import { type Part, Screen } from "./screen.ts";

/**
 * Finds mistakes in the configuration and the workflows. Changes nothing, and without `--online` connects to nothing.
 * @returns the exit status
 * @throws UserError
 */
export async function doctor(args: Arguments, world: GuardedTerminal): Promise<number> {
  const asks = args.online || args.environment !== undefined;
  const found = await examine(
    { cwd: world.cwd, configFile: args.config, env: world.env },
    asks ? (subject) => ask(args, world, subject) : undefined,
  );
  if (args.json) world.stdout.write(`${JSON.stringify(asJson(found), undefined, 2)}\n`);
  else show(found, new Screen(world.stdout, { verbose: args.verbose }));
  if (found.findings.length > 0) return 1;
  return wasLookedAt(found) && !found.notLookedAt.some(({ failed }) => failed) ? 0 : 3;
}

async function ask(args: Arguments, world: GuardedTerminal, subject: Subject): Promise<EnvironmentFacts | undefined> {
  try {
    return await (await import("./environment-facts.ts")).environmentFacts(args, world, subject);
  } catch (error) {
    // The name of an environment is a mistake of the command; anything else only means that it can't be asked.
    if (error instanceof UserError && error.codes.includes("EA1014")) throw error;
    const [why = ""] = errorText(error).split("\n");
    subject.notLookedAt({ what: unaskedEnvironment, why, failed: true });
    return undefined;
  }
}

/** "Nothing found" means something only if there was something to find. */
function wasLookedAt({ lookedAt }: Examination): boolean {
  return lookedAt.stages > 0 && lookedAt.configuration !== undefined;
}

const severityWords: Record<Severity, { word: string; counted: string; style: "red" | "yellow" }> = {
  fails: { word: "will fail", counted: "will fail", style: "red" },
  unsafe: { word: "is unsafe", counted: "unsafe", style: "red" },
  surprises: { word: "may surprise", counted: "may surprise", style: "yellow" },
};

function show(found: Examination, screen: Screen): void {
  const { findings, accepted, notLookedAt } = found;
  const cures = new Set<string>();
  for (const finding of findings) {
    const { word, style } = severityWords[finding.severity];
    screen.line(`${placeText(finding)}  `, [`${finding.code} ${word}`, style], `: ${finding.message}`);
    // What holds for several findings is said once.
    if (!cures.has(finding.cure)) screen.line([`    ${finding.cure}`, "gray"]);
    cures.add(finding.cure);
  }
  for (const one of accepted) screen.line([`${placeText(one)}  ${one.code} accepted: ${one.reason}`, "gray"]);
  if (findings.length + accepted.length > 0) screen.line("");
  screen.line(...lastLine(found));
  if (findings.length > 0) screen.line(`Checked: ${lookedAtText(found) || "nothing else"}`);
  if (notLookedAt.length > 0) screen.line("Not checked:");
  for (const { what, why } of notLookedAt) screen.line(`  ○ ${what}: ${why}`);
  if (findings.length > 0) screen.line(`What each code means: ${doctorPage}`);
}

function placeText({ file, line, column }: Finding): string {
  return `${file}:${line}:${column}`;
}

function lookedAtText({ lookedAt }: Examination): string {
  const workflows = count(lookedAt.workflows.length, "workflow");
  const things = [
    ...(lookedAt.stages > 0 ? [`${workflows} with ${count(lookedAt.stages, "stage")}`] : []),
    ...(lookedAt.configuration === undefined ? [] : [lookedAt.configuration]),
    ...(lookedAt.environment === undefined ? [] : [`the environment ${lookedAt.environment}`]),
  ];
  return things.join(", ");
}

/** More would hide the numbers. */
const mostFiles = 3;

function lastLine(found: Examination): Part[] {
  const { findings } = found;
  if (findings.length > 0) {
    const files = [...new Set(findings.map(({ file }) => file))];
    const places = files.length > mostFiles ? count(files.length, "file") : files.join(", ");
    const parts = (Object.keys(severityWords) as Severity[]).flatMap((severity) => {
      const number = findings.filter((one) => one.severity === severity).length;
      return number === 0 ? [] : [`${number} ${severityWords[severity].counted}`];
    });
    return [[`✘ ${count(findings.length, "finding")}`, "red"], ` in ${places}: ${parts.join(", ")}`];
  }
  const things = lookedAtText(found);
  const where = things === "" ? "" : ` in ${things}`;
  if (!wasLookedAt(found))
    return [
      ["○ Nothing was checked", "yellow"],
      `${where}: the doctor needs a workflow that uses env-actions, and its configuration`,
    ];
  return found.notLookedAt.some(({ failed }) => failed)
    ? [["▲ No problem found", "yellow"], `${where}, but not everything could be checked`]
    : [["✔ No problem found", "green"], where];
}

/** Texts of others are made harmless here too: a program may print them. */
function asJson({ findings, accepted, lookedAt, notLookedAt }: Examination) {
  const shown = <Text extends object>(one: Text): Text =>
    Object.fromEntries(
      Object.entries(one).map(([key, value]) => [key, typeof value === "string" ? plainText(value) : value]),
    ) as Text;
  return {
    findings: findings.map(shown),
    accepted: accepted.map(shown),
    lookedAt: { ...lookedAt, configuration: lookedAt.configuration ?? null, environment: lookedAt.environment ?? null },
    notLookedAt: notLookedAt.map(({ what, why, failed = false }) => shown({ what, why, failed })),
  };
}
