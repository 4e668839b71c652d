import { prefixSchema } from "../../config/test-data-schema.ts";
import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import { prefixesInTests } from "./stores.ts";

/** What to look for in an environment: nothing but words that the repository or everybody uses. */

/** Names that tests everywhere give to their rows. */
const usual = ["test", "tests", "e2e", "e2e_test", "integration_test", "perf_test", "load_test", "smoke_test", "ci", "qa"];
const mostOfTests = 10;

/** Beginnings of ids, without duplicates. */
export function prefixCandidates(repository: Repository, { slug, prefix }: { slug: string; prefix: string }): string[] {
  const own = slug.replaceAll("-", "_");
  const named = [`${own}_test`, `${own}_e2e`, ...usual].flatMap((name) => [`${name}_`, `${name.replaceAll("_", "-")}-`]);
  return [...new Set([prefix, ...prefixesInTests(repository).slice(0, mostOfTests), ...named])].filter(isLiteral);
}

/** No quotes or wildcards; the shortest are only counted. */
function isLiteral(prefix: string): boolean {
  return prefix.length < 6 || prefixSchema.safeParse(prefix).success;
}

const beginning = /["'`]((?:[A-Za-z][\w-]{0,40}:){1,4})/g;
const mostSources = 600;

/** The beginnings of keys that stand in the code, such as `shop:` and `shop:cart:` of `shop:cart:${id}`. */
export function keyBeginnings(repository: Repository): Set<string> {
  const found = new Set<string>();
  const sources = filesOfFolder(repository).filter((file) => /\.(?:[cm]?[jt]sx?|py|go|java|kt)$/.test(file));
  for (const file of sources.slice(0, mostSources))
    for (const [, whole = ""] of (repository.read(inFolder(repository, file)) ?? "").matchAll(beginning)) {
      const parts = whole.split(":").slice(0, -1);
      for (let length = 1; length <= parts.length; length++) found.add(`${parts.slice(0, length).join(":")}:`);
    }
  return found;
}
