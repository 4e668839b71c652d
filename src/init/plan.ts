import { configurationText } from "./configuration.ts";
import { choiceIn, configuredAs } from "./configured.ts";
import { difference } from "./diff.ts";
import { type Difference, differencesOf } from "./differences.ts";
import { merged } from "./merge.ts";
import { isWritable, type Project } from "./project.ts";
import { type Written, workflows } from "./workflows.ts";

/** A file that `init` would write, and how it compares with the one that is there. */
export interface PlannedFile extends Written {
  state: "new" | "same" | "different";
  /** From the file that is there to the one that would be written. */
  difference: string[];
}

export interface Plan {
  files: PlannedFile[];
  /** The questions that the written files leave open. */
  open: Open[];
  /** The project as the configuration, with what is new, says. */
  project: Project;
  notes: string[];
  /** Where the configuration that is there, and wins, says something else than the repository shows. */
  differences: ({ path: string } & Difference)[];
}

export interface Open {
  path: string;
  line: number;
  question: string;
}

/**
 * @param configPath relative to the root; the workflows name it relative to the folder that is set up
 * @param existing the text of a file that is there
 */
export function planOf(project: Project, configPath: string, existing: (path: string) => string | undefined): Plan {
  const start = project.folder === "" ? "" : `${project.folder}/`;
  const configFile = configPath.startsWith(start) ? configPath.slice(start.length) : configPath;
  const [there, made] = [existing(configPath), configurationText(project)];
  const { text, notes } =
    there === undefined ? { text: made, notes: [] } : merged(there, made, choiceIn(there, project, configurationText));
  const configured = configuredAs(project, text);
  const unnamed = unnamedVariables(configured);
  const written = [{ path: configPath, text }, ...workflows(configured, configFile)];
  return {
    ...{ files: written.map((file) => compared(file, existing(file.path))), open: written.flatMap(openIn) },
    ...{ project: configured, notes: [...notes, ...unnamed] },
    differences: there === undefined ? [] : differencesOf(project, text, made).map((one) => ({ path: configPath, ...one })),
  };
}

/** A list is somebody's choice, so nothing is added to it. */
function unnamedVariables({ configured, variables, example, environment }: Project): string[] {
  const names = variables
    .filter((variable) => !isWritable(variable) && !configured?.passed.some(({ name }) => name === variable.name))
    .map(({ name }) => name);
  if (names.length === 0 || !example) return [];
  return [
    `${example.file} names ${names.join(", ")}, and the configuration doesn't: add what the tests need to variables of environments.${environment}`,
  ];
}

function compared(file: Written, there: string | undefined): PlannedFile {
  if (there === undefined) return { ...file, state: "new", difference: [] };
  const found = difference(there, file.text);
  return { ...file, state: found.length === 0 ? "same" : "different", difference: found };
}

function openIn({ path, text }: Written): Open[] {
  return text.split("\n").flatMap((line, index) => {
    const question = /^\s*# TODO: (.+)$/.exec(line)?.[1];
    return question === undefined ? [] : [{ path, line: index + 1, question }];
  });
}
