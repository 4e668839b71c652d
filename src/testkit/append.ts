import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";

/**
 * Appends lines to a file that other processes append to as well, all of them or, as far as the caller may rely on it, none.
 * When it returns, they are on the disk.
 * @throws Error that says why they were not recorded
 */
export function appendLines(file: string, lines: readonly string[]): void {
  // Whoever wrote before us may have been killed within a line, which must not swallow ours. Readers pass over empty lines.
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

/** In one write: the system puts it behind what others wrote, and nobody's bytes come between. */
function writeWhole(descriptor: number, record: Buffer): void {
  if (writeSync(descriptor, record) === record.length) return;
  // A disk that fills up takes a part and gives no reason. Asked again it gives one, or has room by now, and takes the whole
  // record: the part that is there is a torn line, which the line end that begins the record sets apart.
  const written = writeSync(descriptor, record);
  if (written !== record.length) throw new Error(`only ${written} of ${record.length} bytes were written`);
}

/** A full disk shows only here where the system puts off writing, as NFS does; and a machine that loses power keeps what was synced. */
function sync(descriptor: number): void {
  try {
    fdatasyncSync(descriptor);
  } catch (error) {
    // File systems that cannot sync say so in one of these ways. The write itself was whole.
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

/** Not by instanceof: under Jest, the error comes from another realm. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}
