/** What still points at production: in the files of the repository, and in variables. Pure. */

/** A place of a text that names something of production. */
export interface Place {
  file: string;
  line: number;
  /** From 1. */
  column: number;
  /** What it names: a catalog or a host. */
  names: string;
  /** The line, shortened. */
  text: string;
}

const longestLine = 160;

/**
 * The places of a file that name one of these: `classwaves` is in `classwaves.users.teachers` and `catalog: classwaves`, and neither
 * in `classwaves_staging` nor in a sentence about ClassWaves.
 */
export function placesIn(file: string, content: string, names: readonly string[]): Place[] {
  const patterns = names.map((name) => ({ name, pattern: tokenOf(name) }));
  if (!patterns.some(({ pattern }) => pattern.test(content))) return [];
  return content.split(/\r?\n/).flatMap((line, index) =>
    patterns.flatMap(({ name, pattern }) => {
      const found = pattern.exec(line);
      if (!found) return [];
      // The pattern may begin before the name, such as at the word catalog.
      const column = found.index + found[0].toLowerCase().lastIndexOf(name.toLowerCase()) + 1;
      return [{ file, line: index + 1, column, names: name, text: shortened(line.trim()) }];
    }),
  );
}

/** Variables whose value names one of these; never their values, which may be secret. */
export function variablesNaming(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): string[] {
  return Object.entries(env)
    .filter(([, value]) => value !== undefined && names.some((name) => value === name || tokenOf(name).test(value)))
    .map(([variable]) => variable)
    .sort();
}

/**
 * A name that stands for a catalog or host, and not for a product of the same name in a sentence: it has an object after it, is in
 * quotes, or stands beside the word catalog or host.
 */
function tokenOf(name: string): RegExp {
  const literal = name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const end = "(?![\\w-])";
  return new RegExp(
    [
      `(?<![\\w@./-])${literal}${end}\\.[a-z_\`]`,
      `["'\`]${literal}["'\`]`,
      `(?:catalog|host)\\w*\\W{1,4}${literal}${end}(?!\\.)`,
      `(?<![\\w.-])${literal.includes("\\.") ? literal : "(?!)"}${end}`,
    ].join("|"),
    "i",
  );
}

function shortened(text: string): string {
  return text.length <= longestLine ? text : `${text.slice(0, longestLine)}…`;
}
