/** The text of a failure in parts, so that readers see what went wrong and where before the runner's own calls. */

export type FailurePart =
  | { kind: "text"; lines: readonly string[] }
  /** Lines that begin with `-` or `+`, or say what was expected and received, among unchanged ones. */
  | { kind: "difference"; lines: readonly string[] }
  /** Numbered lines of a source; `>` marks the failed one. */
  | { kind: "source"; lines: readonly string[] }
  /** Calls of one stack: those of the project, then those of the test runner and of libraries, each in their order. */
  | { kind: "calls"; own: readonly string[]; others: readonly string[] };

type Kind = FailurePart["kind"] | "blank";

/** `at f (a.ts:1:2)` of JavaScript, Java and C#, `# ./a.rb:1` of Ruby, `#0 a.php(1)` of PHP, `❯ a.ts:1:2` of Vitest. */
const call =
  /^\s*(?:at (?:async )?[^\s].*[:(.)>]|at new Promise \(<anonymous>\)|# \S+:\d+|#\d+ \S|❯ \S+:\d+)|^\s*at .+ in .+:line \d+|^\s*\.\.\. \d+ (?:more|common frames)/;

/** Paths and packages that belong to runners, libraries and the language itself. */
const foreign =
  /node_modules[\\/]|\bnode:|\(native\)|<anonymous>\)?$|\binternal\/|^\s*at (?:[\w.]+\/)?(?:java|javax|jdk|sun|kotlin|scala|groovy|org\.(?:junit|testng|apache\.maven|gradle|mockito|hamcrest|assertj|opentest4j|spockframework)|Xunit|NUnit|System|Microsoft)\.|[\\/]site-packages[\\/]|[\\/](?:_pytest|pluggy)[\\/]|[\\/]vendor[\\/]|[\\/]gems[\\/]|\bdeno\.land|\bext:|^\s*\.\.\. \d+ /;

/** ` 12 | code`, `> 12 | code`, `    | ^`, also without spaces. */
const numbered = /^\s*(?:>|❯)?\s*\d+\s*[|│]|^\s*[|│]\s*\^|^\s*[|│]\s*[~^]+/;

const changed = /^\s{0,4}[-+](?:\s|$)/;
const differenceHead =
  /^\s*(?:[-+] (?:Expected|Received|Actual|expected|received|actual)\b|[-+]{3} |@@ |(?:Expected|Received)(?: \w+)?:\s)/;

export function failureParts(text: string): FailurePart[] {
  const parts: FailurePart[] = [];
  for (const { kind, lines } of paragraphs(text)) {
    const last = parts.at(-1);
    if (kind === "calls") {
      const own = lines.filter((line) => !foreign.test(line));
      parts.push({ kind, own, others: lines.filter((line) => foreign.test(line)) });
    } else if (kind === "text" && last?.kind === "text") parts[parts.length - 1] = { kind, lines: [...last.lines, "", ...lines] };
    else parts.push({ kind, lines });
  }
  return parts;
}

/** Consecutive lines of one kind. Blank lines separate them and are left out. */
function paragraphs(text: string): { kind: FailurePart["kind"]; lines: string[] }[] {
  const all: { kind: FailurePart["kind"]; lines: string[] }[] = [];
  let open: Kind = "blank";
  for (const line of text.split("\n")) {
    const kind = kindOf(line, open);
    const last = all.at(-1);
    if (kind === "blank") {
      // Unchanged lines of a difference may be empty.
      if (open !== "difference") open = "blank";
      else last?.lines.push(line);
      continue;
    }
    if (open === kind && last) last.lines.push(line);
    else all.push({ kind, lines: [line] });
    open = kind;
  }
  for (const one of all) while (one.lines.at(-1)?.trim() === "") one.lines.pop();
  return all;
}

function kindOf(line: string, open: Kind): Kind {
  if (line.trim() === "") return "blank";
  if (numbered.test(line)) return "source";
  if (call.test(line)) return "calls";
  if (differenceHead.test(line)) return "difference";
  // A list in a message has minus signs too: only a head opens a difference.
  if (open === "difference" && (changed.test(line) || /^\s{2}/.test(line))) return "difference";
  return "text";
}
