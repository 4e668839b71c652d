import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";

/**
 * Appends lines to a file that other processes append to as well: all of them or, as far as the caller can rely on it, none. They
 * are on disk when it returns.
 * @throws Error with the reason if they were not recorded
 */
export function appendLines(file: string, lines: readonly string[]): void {
  // An earlier writer may have been killed within a line, which must not swallow ours. Readers skip empty lines.
  const record = Buffer.from(`\n${lines.join("\n")}\n`);
  try {
    const descriptor = openSync(file, "a");
    try {
      writeWhole(descriptor, record);
      sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new Error(`env-actions: not recorded in the ledger ${file}: ${reason(error)}`, { cause: error });
  }
}

/** A single write: the system appends it as a whole, and no other process's bytes come in between. */
function writeWhole(descriptor: number, record: Buffer): void {
  if (writeSync(descriptor, record) === record.length) return;
  // A full disk accepts a part without an error. A second attempt either gives the error, or succeeds with the whole record. Then
  // the first part is an incomplete line, separated by the line end that begins the record.
  const written = writeSync(descriptor, record);
  if (written !== record.length) throw new Error(`only ${written} of ${record.length} bytes were written`);
}

/** On file systems that delay writes, such as NFS, a full disk shows up only here. Synced data also survives a power loss. */
function sync(descriptor: number): void {
  try {
    fdatasyncSync(descriptor);
  } catch (error) {
    // Errors of file systems that cannot sync. The write itself was complete.
    if (!["EINVAL", "ENOSYS", "ENOTSUP"].includes(codeOf(error))) throw error;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "this user may not write it",
  EPERM: "this user may not write it",
  EROFS: "it is on a read-only file system",
  ENOENT: "its folder is gone",
};

function reason(error: unknown): string {
  const known = reasons[codeOf(error)];
  const { message } = error as { message?: unknown };
  return known === undefined ? String(message ?? error) : `${known} (${String(message)})`;
}

/** Not instanceof: under Jest, the error comes from another realm. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}
