import { appendFileSync } from "node:fs";

/**
 * What a step tells the runner before it has loaded any library: lines of its log that are commands, and lines in the file for its
 * post step. Everything later goes through @actions/core.
 */

/** As node:os has it, which would be one more module to load. */
const EOL = process.platform === "win32" ? "\r\n" : "\n";

type Env = Readonly<Record<string, string | undefined>>;

/** Whether the runner started this process as the action's, and not as a command of a `run:` step. */
export function isFromRunner(): boolean {
  return process.env.GITHUB_ACTIONS === "true" && process.argv.length === 2;
}

/** Where an annotation is shown, and its title. */
export interface Place {
  file?: string;
  line?: number;
  col?: number;
  title?: string;
}

export function error(text: string, place: Place = {}): void {
  process.stdout.write(errorCommand(text, place));
}

/** A whole line. */
export function errorCommand(text: string, place: Place): string {
  return `${command("error", place, text)}${EOL}`;
}

/** Makes the runner hide a text in all further output of the job. */
export function maskCommand(secret: string): string {
  return command("add-mask", {}, secret);
}

function command(name: string, properties: object, text: string): string {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined && value !== "");
  const list = given.map(([key, value]) => `${key}=${escapeProperty(String(value))}`).join(",");
  return `::${name}${list && ` ${list}`}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Hands a value to the post step. Without the runner's file, as in a bare container, the runner has no post step either. */
export function saveState({ GITHUB_STATE: file }: Env, name: string, value: string): void {
  if (file) appendFileSync(file, entry(name, value));
}

/** Records that the main step ran. Without it, the runner's second call would run the stage again. */
export function saveVisit(env: Env): void {
  saveState(env, "POST", "true");
}

export function isPostStep(env: Env): boolean {
  return env.STATE_POST === "true";
}

/** A value with several lines could contain the mark of its end, so its mark must be impossible to guess. */
function entry(name: string, value: string): string {
  const end = /[\r\n]/.test(value) ? `env-actions-${crypto.randomUUID()}` : "env-actions";
  return `${name}<<${end}${EOL}${value}${EOL}${end}${EOL}`;
}
