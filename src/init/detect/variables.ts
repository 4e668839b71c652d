import { hasPassword } from "../../lib/redaction/forms.ts";
import { isSecretName } from "../../lib/redaction/variables.ts";
import { nearestFile, type Repository } from "../repository.ts";

/** A variable that the application reads, as its example file shows it. */
export interface ExampleVariable {
  name: string;
  /** Undefined if the file shows no value, or one that somebody has to replace. */
  value: string | undefined;
  isSecret: boolean;
}

const names = [".env.example", ".env.sample", ".env.template", "env.example", ".env.test.example", ".env.dist"];

export interface ExampleFile {
  file: string;
  variables: readonly ExampleVariable[];
}

export function detectVariables(repository: Repository): ExampleFile | undefined {
  const file = nearestFile(repository, names);
  const text = file === undefined ? undefined : repository.read(file);
  if (file === undefined || text === undefined) return undefined;
  const found = new Map<string, ExampleVariable>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, written = ""] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || found.has(name)) continue;
    const value = exampleValue(written);
    const shown = isPlaceholder(value) ? undefined : value;
    found.set(name, { name, value: shown, isSecret: isSecretName(name) || (hasPassword(value) && !isLocal(value)) });
  }
  return { file, variables: [...found.values()] };
}

function exampleValue(written: string): string {
  const quoted = /^(["'])(.*?)\1/.exec(written.trim());
  return quoted ? (quoted[2] ?? "") : written.replace(/(?:^|\s)#.*$/, "").trim();
}

const placeholders =
  /^$|^<.*>$|^\.+$|\bx{3,}\b|change.?me|your[-_ ]|replace|placeholder|\btodo\b|\bexample\.(?:com|org|net)\b|adb-(?:0000|1234)|^dapi(?:-|x|0123|$)|\$\{|\$\(/i;

export function isPlaceholder(value: string): boolean {
  return placeholders.test(value);
}

const local = /^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?)$/;

/** An address whose host is this machine. */
export function isLocal(address: string): boolean {
  const host = hostOf(address);
  return host !== undefined && local.test(host);
}

/** The host of an address such as `redis://redis.internal:6379`, without its port. */
export function hostOf(address: string): string | undefined {
  const found = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/\s]*@)?(\[[0-9a-f:]+\]|[A-Za-z0-9_.-]+)(?::\d+)?(?:[/?#].*)?$/i.exec(address);
  return found?.[1];
}
