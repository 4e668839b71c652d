import { posix } from "node:path";
import { count, numberText } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import type { StageReport } from "../model/report.ts";
import type { UserError } from "../model/user-error.ts";
import { plainText } from "./inert.ts";
import { type Message, type MessagesView, messagesView } from "./view/messages.ts";
import { cut } from "./words.ts";

export interface Annotation {
  level: "error" | "warning" | "notice";
  title: string;
  /** Plain text, not Markdown; may have several lines. */
  message: string;
  /** Relative to the repository. */
  file?: string;
  line?: number;
  column?: number;
}

/** GitHub shows ten annotations of each level per step, and silently drops the rest. */
const mostOfALevel = 10;
const longestTitle = 200;
const longestMessage = 4_000;

/**
 * A stage's annotations, most important first, at most ten of each level. If there are more, the tenth says how many.
 * @param folder the workspace relative to the repository, where GitHub looks for files
 */
export function toAnnotations(report: StageReport, folder = "."): Annotation[] {
  const view = messagesView(report);
  return (["error", "warning", "notice"] as const)
    .flatMap((level) => shown(view, level))
    .map((one) => (one.file === undefined ? one : { ...one, file: inFolder(folder, one.file) }));
}

function inFolder(folder: string, file: string): string {
  const isAbsolute = posix.isAbsolute(file) || /^[A-Za-z]:[\\/]/.test(file);
  return isAbsolute ? file : posix.join(folder.replaceAll("\\", "/"), file);
}

/**
 * The user's mistakes, each at its place in the file; a single annotation if they are not in a file.
 * @param folder the folder of the files relative to the repository, where GitHub looks for them
 */
export function mistakeAnnotations(error: UserError, folder = "."): Annotation[] {
  const { mistakes } = error;
  const message = errorText(error);
  if (mistakes.length === 0) return [annotation("error", "env-actions: invalid input or configuration", message)];
  const placed = mistakes.map(({ code, file, line, column, message: what }) =>
    annotation("error", "env-actions: invalid configuration", `${code}: ${what}`, {
      file: inFolder(folder, file),
      line,
      column,
    }),
  );
  if (placed.length <= mostOfALevel) return placed;
  const left = placed.length - mostOfALevel + 1;
  return [...placed.slice(0, mostOfALevel - 1), annotation("error", `env-actions: ${count(left, "more mistake")}`, message)];
}

/**
 * Selects from groups, most important first. Each group gets at least one place, so that a hundred failed tests do not hide
 * remaining test data.
 */
function shown(view: MessagesView, level: Annotation["level"]): Annotation[] {
  const groups = view[level];
  const all = groups.flat();
  if (all.length <= mostOfALevel) return all.map((message) => toAnnotation(level, message));
  const places = mostOfALevel - 1;
  const sure = new Set(groups.flatMap((group) => group.slice(0, 1)));
  let free = places - sure.size;
  const picked = all.filter((one) => sure.has(one) || free-- > 0);
  const rest = all.length - picked.length;
  const message = `GitHub shows at most ${mostOfALevel} annotations of a level for each step. The job summary has more of them, and ${view.file} has all ${numberText(all.length)}.`;
  return [
    ...picked.map((one) => toAnnotation(level, one)),
    annotation(level, `${view.stage}: ${count(rest, `more ${level}`)}`, message),
  ];
}

function toAnnotation(level: Annotation["level"], { title, text, ...place }: Message): Annotation {
  return annotation(level, title, text, place);
}

function annotation(
  level: Annotation["level"],
  title: string,
  message: string,
  { file, line, column }: Pick<Annotation, "file" | "line" | "column"> = {},
): Annotation {
  return {
    level,
    title: cut(plainText(title).replace(/\s+/g, " ").trim(), longestTitle),
    message: cut(plainText(message), longestMessage),
    ...(file === undefined ? {} : { file: plainText(file).replaceAll("\n", " ") }),
    ...(file === undefined || line === undefined ? {} : { line, ...(column === undefined ? {} : { column }) }),
  };
}
