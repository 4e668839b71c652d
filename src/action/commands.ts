import { appendFileSync, closeSync, constants, openSync } from "node:fs";
import { EOL } from "node:os";

/**
 * What a step tells the runner: lines of its log that are commands, and lines in the files that the runner names. Written by hand,
 * because @actions/core loads an HTTP client for its OIDC tokens. That takes longer than everything else that a start needs.
 */

type Env = Readonly<Record<string, string | undefined>>;

/** Where an annotation is shown, and its title. */
export interface Place {
  file?: string;
  line?: number;
  col?: number;
  title?: string;
}

export function info(text: string): void {
  process.stdout.write(`${text}${EOL}`);
}

/** Shown if debug logging is on for the run. */
export function debug(text: string): void {
  info(command("debug", {}, text));
}

export function notice(text: string, place: Place = {}): void {
  info(command("notice", place, text));
}

export function warning(text: string, place: Place = {}): void {
  info(command("warning", place, text));
}

export function error(text: string, place: Place = {}): void {
  info(command("error", place, text));
}

export function startGroup(name: string): void {
  info(command("group", {}, name));
}

export function endGroup(): void {
  info(command("endgroup", {}, ""));
}

/** Without the runner's file, as in a bare container, the output is a line of the log. */
export function setOutput({ GITHUB_OUTPUT: file }: Env, name: string, value: string): void {
  if (file) appendFileSync(file, entry(name, value));
  else info(`${EOL}${command("set-output", { name }, value)}`);
}

/** @throws Error if the runner has no such file, or it cannot be written */
export function addSummary(file: string, text: string): void {
  const opened = openSync(file, constants.O_WRONLY | constants.O_APPEND);
  try {
    appendFileSync(opened, `${text}${EOL}`);
  } finally {
    closeSync(opened);
  }
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

/** Only a value with several lines could hold the mark of its end, so only then nobody may guess the mark. */
function entry(name: string, value: string): string {
  const end = /[\r\n]/.test(value) ? `env-actions-${crypto.randomUUID()}` : "env-actions";
  return `${name}<<${end}${EOL}${value}${EOL}${end}${EOL}`;
}
