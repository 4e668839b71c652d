import { posix } from "node:path";
import { type ActionName, actionNames } from "../action/interface.ts";

/** What a `uses:` names. */
export interface ActionReference {
  kind: "env-actions" | "local" | "docker" | "other";
  /** As written. */
  text: string;
  /** `owner/repository/folder` in lower case; for a local action its folder, relative to the repository. */
  path: string;
  /** What stands after the `@`. */
  ref: string | undefined;
  /** What the folder names. The action in the repository's root has the input `stage` instead. */
  stage: ActionName | undefined;
}

const actionFolder = new RegExp(`^(?:actions/)?(${actionNames.join("|")})$`);

export function actionReference(text: string): ActionReference {
  if (text.startsWith("docker://")) return { kind: "docker", text, path: text, ref: undefined, stage: undefined };
  // `$/` is the repository of the file that contains it, at the same commit.
  if (/^(?:\.|\$)\//.test(text)) {
    const path = posix.normalize(text.slice(2)).replace(/\/$/, "");
    const [, stage] = actionFolder.exec(path) ?? [];
    return { kind: "local", text, path, ref: undefined, stage: stage as ActionName | undefined };
  }
  const at = text.indexOf("@");
  const [name, ref] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const path = name.toLowerCase().replace(/\/$/, "");
  const [owner, repository, ...folders] = path.split("/");
  if (`${owner}/${repository}` !== "classwaves/env-actions" || folders[0] === ".github")
    return { kind: "other", text, path, ref, stage: undefined };
  const [, stage] = actionFolder.exec(folders.join("/")) ?? [];
  return { kind: "env-actions", text, path, ref, stage: stage as ActionName | undefined };
}

/** A full SHA of a commit, or the digest of an image. */
export function isPinned({ kind, text, ref }: ActionReference): boolean {
  if (kind === "local") return true;
  if (kind === "docker") return /@sha256:[\da-f]{64}$/i.test(text);
  return ref !== undefined && /^[\da-f]{40}$/i.test(ref);
}

export function isAction(reference: ActionReference | undefined, name: string): boolean {
  return reference?.kind === "other" && (reference.path === name || reference.path.startsWith(`${name}/`));
}
