import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";

// It imports JSON without the attribute that node asks for; bundlers, for which it is made, do not mind.
registerHooks({
  load: (url, context, next) => next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context),
});
const { validate } = await import("@actions/languageservice");
const { TextDocument } = await import("vscode-languageserver-textdocument");

const repository = join(import.meta.dirname, "../..");

/** Our own actions and workflows, also where they are called by name, so that the inputs are compared with what they declare. */
const config = {
  fileProvider: {
    getFileContent: async ({ path }: { path: string }) => ({ name: path, content: readFileSync(join(repository, path), "utf8") }),
  },
};

let count = 0;

/** What GitHub's language service finds in a workflow or an action, as `line 3: Invalid action input 'x'`. */
export async function languageService(path: string, text: string): Promise<string[]> {
  // It remembers what it read by the address, and the tests of a worker share it.
  const found = await validate(TextDocument.create(`file:///${count++}/${path}`, "yaml", 1, text), config);
  return found.map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
}
