import type { ColumnType } from "./column-type.ts";
import { standInLength } from "./mappings.ts";
import type { Constant, Domain, Generalise, Leaf, Locale, Synthetic } from "./model.ts";
import { longestOf, numberRange } from "./synthetic.ts";

/** Whether what a policy makes is a value of a type. Each answer says why not, and what fits; `undefined` if it does. */

export interface Fitting {
  type: ColumnType;
  nullable: boolean;
  domain: (name: string) => Domain | undefined;
  locale: Locale;
}

export function whyNotFitting(policy: Leaf, { type, nullable, domain, locale }: Fitting): string | undefined {
  switch (policy.how) {
    case "keep":
      return undefined;
    case "null":
      return nullable ? undefined : "it takes no NULL: use a constant, a stand-in or a made-up value";
    case "constant":
      return whyNotConstant(policy, type);
    case "surrogate":
    case "pseudonym":
      return whyNotStandIn(policy.how, type, domain(policy.domain));
    case "generalise":
      return whyNotGeneralised(policy, type);
    case "synthetic":
      return whyNotMadeUp(policy, type, policy.locale ?? locale);
  }
}

function whyNotConstant({ value }: Constant, type: ColumnType): string | undefined {
  const wrong = (expected: string) => `expected ${expected} as the constant, got ${JSON.stringify(value)}`;
  switch (type.kind) {
    case "text":
      if (typeof value !== "string") return `${wrong("a text")}: put it in quotes`;
      if (value.includes("\0")) return wrong("a text without a NUL character");
      return type.most !== undefined && [...value].length > type.most ? wrong(`at most ${type.most} letters`) : undefined;
    case "boolean":
      return typeof value === "boolean" ? undefined : wrong("true or false");
    case "whole":
      return typeof value === "number" && Number.isSafeInteger(value) && BigInt(value) >= type.low && BigInt(value) <= type.high
        ? undefined
        : wrong(`a whole number from ${type.low} to ${type.high}`);
    case "decimal":
      return typeof value === "number" && isDecimal(value, type)
        ? undefined
        : wrong(`a number of decimal(${type.precision},${type.scale})`);
    case "float":
      return typeof value === "number" && Number.isFinite(value) ? undefined : wrong("a number");
    case "date":
      return typeof value === "string" && isDate(value) ? undefined : `${wrong("a date such as 2026-01-31")}, in quotes`;
    case "timestamp":
      return typeof value === "string" && isTimestamp(value)
        ? undefined
        : `${wrong("a time such as 2026-01-31T08:00:00Z")}, in quotes`;
    default:
      return "a constant is only for single values: use null, or policies for what is within";
  }
}

function isDecimal(value: number, { precision, scale }: { precision: number; scale: number }): boolean {
  const [, before = "", after = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  return before !== "" && before.replace(/^0+/, "").length <= precision - scale && after.length <= scale;
}

function isDate(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) &&
    !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) &&
    new Date(`${text}T00:00:00Z`).toISOString().startsWith(text)
  );
}

function isTimestamp(text: string): boolean {
  const [, date = "", time = ""] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z$/.exec(text) ?? [];
  return isDate(date) && !Number.isNaN(Date.parse(`${date}T${time}Z`)) && time < "24";
}

function whyNotStandIn(how: "surrogate" | "pseudonym", type: ColumnType, domain: Domain | undefined): string | undefined {
  if (domain === undefined) return "its domain isn't declared";
  if (type.kind === "text") {
    const length = standInLength(domain);
    return type.most !== undefined && type.most < length
      ? `its stand-ins have ${length} letters, and it takes ${type.most}: use another shape or a shorter prefix, or null`
      : undefined;
  }
  if (how === "pseudonym") return "a pseudonym is a text: use a surrogate";
  if (type.kind === "whole" && type.high >= 2n ** 31n - 1n) return undefined;
  if (type.kind === "decimal" && type.scale === 0 && type.precision >= 9) return undefined;
  return type.kind === "whole" || type.kind === "decimal"
    ? "it has too few numbers for stand-ins: use null, a constant or a made-up number"
    : "only texts and whole numbers have stand-ins: use null, a constant or generalise";
}

function whyNotGeneralised({ to }: Generalise, type: ColumnType): string | undefined {
  if (typeof to === "string") {
    if (type.kind === "timestamp") return undefined;
    if (type.kind === "date") return to === "day" ? "a date is a day already: use month or year" : undefined;
    return `only dates and times have a ${to}: numbers have a band, and texts their first characters`;
  }
  if ("first" in to)
    return type.kind === "text" ? undefined : "only texts have first characters: dates have a month, and numbers a band";
  // A band of the smallest step keeps each number as it is.
  if ((type.kind === "whole" && to.band <= 1) || (type.kind === "decimal" && to.band <= 10 ** -type.scale))
    return "expected a wider band: this one keeps each number as it is, which is `keep`";
  switch (type.kind) {
    case "whole":
      return Number.isSafeInteger(to.band) && BigInt(to.band) <= type.high
        ? undefined
        : `expected a band of whole numbers, at most ${type.high}`;
    case "decimal":
      return isDecimal(to.band, type)
        ? undefined
        : `expected a band that is a number of decimal(${type.precision},${type.scale})`;
    case "float":
      return Number.isSafeInteger(to.band) ? undefined : "expected a band of whole numbers";
    default:
      return "only numbers have a band: dates have a month, and texts their first characters";
  }
}

function whyNotMadeUp(policy: Synthetic, type: ColumnType, locale: Locale): string | undefined {
  if (policy.kind !== "number") {
    if (policy.min !== undefined || policy.max !== undefined) return "only numbers have min and max";
    if (type.kind !== "text") return `a made-up ${policy.kind} is a text`;
    const most = longestOf(policy.kind, locale) ?? 0;
    return type.most !== undefined && most > type.most
      ? `a made-up ${policy.kind} has up to ${most} letters, and it takes ${type.most}`
      : undefined;
  }
  const { min, max } = numberRange(policy);
  if (min > max) return `expected min below max, got ${min} and ${max}`;
  if (max - min > 2 ** 52) return "expected min and max to be closer together";
  switch (type.kind) {
    case "whole":
      return BigInt(min) >= type.low && BigInt(max) <= type.high
        ? undefined
        : `expected min and max from ${type.low} to ${type.high}`;
    case "decimal":
      return isDecimal(min, type) && isDecimal(max, type)
        ? undefined
        : `expected min and max to be numbers of decimal(${type.precision},${type.scale})`;
    case "float":
      return undefined;
    default:
      return "a made-up number is a number";
  }
}
