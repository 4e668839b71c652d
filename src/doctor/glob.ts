/** Whether a path matches a glob of `reports`: `*`, `**`, `?` and `{a,b}`, as Node's `glob` reads them. */
export function matches(glob: string, path: string): boolean {
  return alternatives(normal(glob)).some((one) => folders(one.split("/"), normal(path).split("/")));
}

/** More would be a mistake, or an attack. */
const mostAlternatives = 100;

function normal(path: string): string {
  return path
    .replaceAll("\\", "/")
    .replace(/^(?:\.\/)+/, "")
    .replace(/\/{2,}/g, "/");
}

function alternatives(glob: string): string[] {
  const found = [glob];
  for (let index = 0; index < found.length && found.length < mostAlternatives; index += 1) {
    const [whole, inner] = /\{([^{}]*)\}/.exec(found[index] ?? "") ?? [];
    if (whole === undefined || inner === undefined) continue;
    const replaced = inner.split(",").map((part) => (found[index] ?? "").replace(whole, () => part));
    found.splice(index, 1, ...replaced);
    index -= 1;
  }
  return found;
}

function folders(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === "**") return folders(rest, path) || (path.length > 0 && folders(glob, path.slice(1)));
  const [name, ...below] = path;
  return name !== undefined && nameMatches(first, name) && folders(rest, below);
}

/** Each star is tried once from where the last one ended, so the time is linear in both. */
export function nameMatches(glob: string, name: string): boolean {
  let [at, place] = [0, 0];
  let star: { glob: number; name: number } | undefined;
  while (place < name.length) {
    if (glob[at] === "*") {
      star = { glob: at, name: place };
      at += 1;
    } else if (at < glob.length && (glob[at] === "?" || glob[at] === name[place])) {
      at += 1;
      place += 1;
    } else if (star) {
      star.name += 1;
      [at, place] = [star.glob + 1, star.name];
    } else return false;
  }
  while (glob[at] === "*") at += 1;
  return at === glob.length;
}
