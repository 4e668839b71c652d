import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { isInside, NotAPlainFile, openPlain } from "../lib/plain-file.ts";
import { UnreadableReport } from "./unreadable.ts";

const pieceBytes = 128 * 1024;

/**
 * The text of a file in chunks, starting at the first character that isn't white space. There is at least one chunk. Leaving the
 * loop closes the file. `name` is the file's name in errors.
 * @throws UnreadableReport if it is empty, not UTF-8, or a link
 */
export async function* readText(path: string, name: string, workspace = dirname(path)): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let begun = false;

  function begin(text: string): string {
    const rest = begun ? text : text.trimStart();
    begun ||= rest !== "";
    return rest;
  }

  function decode(chunk?: Buffer): string {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      if (error instanceof TypeError) throw new UnreadableReport("EA6004", name, "not UTF-8", `after byte ${bytes}`);
      throw error;
    }
  }

  const file = await openReport(path, name, workspace);
  const chunks: AsyncIterable<Buffer> = file.createReadStream({ highWaterMark: pieceBytes });
  for await (const chunk of chunks) {
    const text = begin(decode(chunk));
    if (text !== "") yield text;
    bytes += chunk.length;
  }
  decode();
  if (!begun) throw new UnreadableReport("EA6004", name, "empty");
}

/**
 * Folders on the way may be links inside the workspace, as some build tools create them. A configured path outside it is its own
 * root.
 */
async function openReport(path: string, name: string, workspace: string) {
  const place = isInside(workspace, path) ? { root: workspace, linkedFolders: true } : { root: dirname(path) };
  try {
    return await openPlain(path, { ...place, hardLinks: true });
  } catch (error) {
    if (!(error instanceof NotAPlainFile)) throw error;
    throw new UnreadableReport(
      "EA6004",
      name,
      `not read: ${error.message.replace(path, "it")}. The tests must write the report file itself to this path`,
    );
  }
}

/** Makes an absolute path inside the workspace relative to it, with slashes; other paths stay unchanged. */
export function fromWorkspace(workspace: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(workspace, path);
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside.split(sep).join("/");
}

/**
 * Converts a report's file names to workspace paths, so that annotations find the file. A relative name is resolved where the
 * command ran, if that file exists. Otherwise only the runner knows its base, and it stays unchanged.
 */
export function sourceFiles(workspace: string, cwd: string): (file: string) => string {
  const known = new Map<string, string>();
  return (file) => {
    const path = known.get(file) ?? pathFromWorkspace(workspace, cwd, file);
    known.set(file, path);
    return path;
  };
}

function pathFromWorkspace(workspace: string, cwd: string, file: string): string {
  const path = resolve(cwd, file);
  return isAbsolute(file) || existsSync(path) ? fromWorkspace(workspace, path) : file;
}
