/**
 * Makes the entry of the bundle small, because Node compiles it before anything is done. webpack writes a function for each of the
 * hundred modules that are not in the bundle (Node's own, and what is left out); this writes one function, and a list.
 */

const external =
  /\/\*{3}\/ (\d+):\n\/\*{3}\/ \(\(module\) => \{\n\nmodule\.exports = __WEBPACK_EXTERNAL_createRequire\(import\.meta\.url\)\(("[^"\n]+")\);\n\n\/\*{3}\/ \}\),?\n/g;
const afterModules = "/******/ // The module cache\n";

const anyExternal = "module.exports = __WEBPACK_EXTERNAL_createRequire(";

/** Shortens ncc's entry; undefined if that code is not as expected. */
export function withShortExternals(entry: string): string | undefined {
  const found = [...entry.matchAll(external)];
  if (found.length !== entry.split(anyExternal).length - 1) return undefined;
  if (found.length === 0) return entry;
  if (entry.split(afterModules).length !== 2) return undefined;
  const list = found.map(([, number, name]) => `${number}: ${name}`).join(", ");
  const definitions = `for (const [number, name] of Object.entries({ ${list} }))
  __webpack_modules__[number] = (module) => { module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)(name); };
`;
  return entry.replace(external, "").replace(afterModules, () => `${definitions}${afterModules}`);
}
