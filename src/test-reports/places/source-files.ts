import { existsSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";

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
