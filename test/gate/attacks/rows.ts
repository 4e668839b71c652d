import { artifacts, unreadable } from "./artifacts.ts";
import { attempts } from "./attempts.ts";
import { copies } from "./copies.ts";
import { origins } from "./origins.ts";
import { projects } from "./projects.ts";
import { pages } from "./public.ts";
import type { Row } from "./question.ts";
import { cancels, skips, verdicts } from "./skips.ts";

/** By theme. */
export const themes: Record<string, Row[]> = {
  ...{ copies, attempts, projects, origins, unreadable, artifacts, verdicts, skips, cancels },
  "comments and statuses": pages,
};

export const gateRows: Row[] = Object.values(themes).flat();
