import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

const absent = new Set(["ENOENT", "ENOTDIR", "EACCES", "ELOOP"]);

/**
 * @param {string} file
 * @returns {boolean} whether it is an executable file
 */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch (error) {
    if (absent.has(error.code)) return false;
    throw error;
  }
}

/**
 * @param {import("./context.mjs").Context} context
 * @param {string[]} names in order of preference
 * @returns {string | undefined} the absolute path of the first that is on the PATH
 */
export function findOnPath(context, names) {
  const folders = searchPath(context.env).filter(isAbsolute);
  const endings = context.platform === "win32" ? [".exe", ".cmd"] : [""];
  for (const name of names)
    for (const folder of folders)
      for (const ending of endings) {
        const file = join(folder, name + ending);
        if (isExecutable(file)) return file;
      }
  return undefined;
}

/**
 * npm puts the repository's own programs, including node, first on the PATH. A command that replaces node_modules must not run on
 * a program that it deletes.
 * @param {import("./context.mjs").Context} context
 * @returns {string} the PATH without them
 */
export function pathOutside(context) {
  const own = canonical(join(context.root, "node_modules", ".bin"));
  return searchPath(context.env)
    .filter((folder) => canonical(folder) !== own)
    .join(delimiter);
}

/** Windows spells it `Path`. */
function searchPath(env) {
  const name = Object.keys(env).find((key) => key.toUpperCase() === "PATH");
  return (name === undefined ? "" : (env[name] ?? "")).split(delimiter).filter((folder) => folder !== "");
}

function canonical(path) {
  try {
    return realpathSync(path);
  } catch (error) {
    if (absent.has(error.code)) return path;
    throw error;
  }
}
