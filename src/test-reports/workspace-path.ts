import { existsSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";

/** An absolute path inside of the workspace from there on, with slashes; any other path as it is. */
export function fromWorkspace(workspace: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(workspace, path);
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside.split(sep).join("/");
}

/**
 * Puts the file names of a report the way the workspace knows them, so that an annotation finds its file. A relative name counts
 * from where the command ran, if such a file is there; otherwise it counts from somewhere that only the runner knows, and stays.
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
