import { between, chance, draw, fraction, oneOf, row, text, weighted } from "./random.ts";
import { familyName, fullName, givenName, sentence } from "./vocabulary.ts";

/**
 * Values for columns that nothing else says a value for: from the name and type of the column. They only have to be plausible.
 */

/** Seconds since 1970 of what a row is about; a step of every recipe. */
export const rowTime = "at_s";

interface Wanted {
  name: string;
  type: string;
  nullable: boolean;
}

/** An expression; `undefined` if values of this type cannot be made. */
export function defaultValue(column: Wanted): string | undefined {
  const name = column.name.toLowerCase();
  const type = column.type.toLowerCase().trim();
  const [, base = "", inner = ""] = /^(\w+)\s*(?:[(<](.*)[)>])?$/s.exec(type) ?? [];
  switch (base) {
    case "string":
      return ofText(name, column.nullable);
    case "char":
    case "varchar":
      return `substring(${ofText(name, column.nullable)}, 1, ${inner})`;
    case "tinyint":
      return between(name, 0, 100);
    case "smallint":
    case "int":
    case "integer":
    case "bigint":
    case "long":
      return ofCount(name);
    case "float":
    case "double":
      return ofMeasure(name);
    case "decimal":
    case "numeric":
      return ofDecimal(name, inner);
    case "boolean":
      return /deleted|archived|is_muted|revoked|violat|locked|failed/.test(name) ? chance(name, 4) : chance(name, 75);
    case "date":
      return `date_add(DATE '1970-01-01', CAST(floor((${timeOf(name, column.nullable)}) / 86400) AS INT))`;
    case "timestamp":
    case "timestamp_ntz":
      return `timestamp_seconds(${timeOf(name, column.nullable)})`;
    case "binary":
      return `unhex(${row.hash})`;
    case "variant":
      return `parse_json(${json(name)})`;
    case "array": {
      const element = defaultValue({ name: singular(name), type: inner, nullable: false });
      return element === undefined ? undefined : `array(CAST(${element} AS ${inner}))`;
    }
    case "map": {
      const [key = "", value = ""] = partsOf(inner);
      const [made, held] = [key, value].map((part) => defaultValue({ name: singular(name), type: part, nullable: false }));
      return made === undefined || held === undefined ? undefined : `map(CAST(${made} AS ${key}), CAST(${held} AS ${value}))`;
    }
    case "struct": {
      const fields = partsOf(inner).map((part) => {
        const [, field = "", of = ""] = /^`?([^`:]+?)`?\s*:\s*(.*)$/s.exec(part) ?? [];
        const value = defaultValue({ name: field, type: of.replace(/\s+not null$/, ""), nullable: false });
        return value === undefined ? undefined : `${text(field)}, CAST(${value} AS ${of.replace(/\s+not null$/, "")})`;
      });
      return fields.some((field) => field === undefined) ? undefined : `named_struct(${fields.join(", ")})`;
    }
    default:
      return undefined;
  }
}

/** The first rule that matches the name wins. */
const texts: readonly (readonly [RegExp, (name: string) => string])[] = [
  [/e?mail(_address)?$|recipient_address$/, () => `concat('p', substring(${row.hash}, 1, 10), '@people.example')`],
  [/(given|first|preferred)_?name$/, (name) => givenName(name)],
  [/(family|last)_?name$|^surname$/, (name) => familyName(name)],
  [/file_?(name|path)$|^path$|^key$/, (name) => `concat(${text(name)}, '/', substring(${row.hash}, 1, 16))`],
  [
    /^(migration|job|event|template|configured|file|table|column|host)_name$/,
    (name) => `concat(${text(name.replace("_name", ""))}, ' ', CAST(${row.number} + 1 AS STRING))`,
  ],
  [/name$/, (name) => fullName(name)],
  [/phone|mobile/, (name) => `concat('555-01', substring(CAST(100 + ${draw(name)} % 100 AS STRING), 2, 2))`],
  [
    /url$|website|picture|avatar|link$/,
    (name) => `concat('https://images.example/', ${text(name)}, '/', substring(${row.hash}, 1, 12))`,
  ],
  [/ip(_address)?$/, (name) => `concat('192.0.2.', CAST(1 + ${draw(name)} % 254 AS STRING))`],
  [
    /user_agent|browser/,
    (name) =>
      oneOf(name, [
        "Mozilla/5.0 (X11; CrOS x86_64) Chrome/138.0",
        "Mozilla/5.0 (iPad; CPU OS 18_5) Safari/605.1",
        "Mozilla/5.0 (Windows NT 10.0) Firefox/141.0",
      ]),
  ],
  [/time_?zone$/, () => "'America/Phoenix'"],
  [
    /locale|lang(uage)?(_code)?$/,
    (name) =>
      weighted(name, [
        ["'en-US'", 3],
        ["'es-US'", 1],
      ]),
  ],
  [/country/, () => "'US'"],
  [/currency/, () => "'USD'"],
  [/city$|town/, (name) => oneOf(name, ["Lakeside", "Northfield", "Cedar Falls", "Harbor View", "Pine Grove"])],
  [/street|address/, (name) => `concat(CAST(${between(name, 1, 240)} AS STRING), ' Maple Street')`],
  [/zip|postal/, (name) => `CAST(${between(name, 10000, 99999)} AS STRING)`],
  [/error|failure|exception/, () => "CAST(NULL AS STRING)"],
  [
    /json$|payload|metadata|_data$|^parameters$|^result$|insights$|recommendations$|_events$|features|details|objectives|phrases/,
    (name) => json(name),
  ],
  [/hash|checksum|digest|token/, () => row.hash],
  [
    /(^|_)(status|state)$/,
    (name) =>
      weighted(name, [
        ["'active'", 80],
        ["'pending'", 12],
        ["'closed'", 8],
      ]),
  ],
  [
    /priority|urgency|severity|level$/,
    (name) =>
      weighted(name, [
        ["'low'", 30],
        ["'medium'", 50],
        ["'high'", 20],
      ]),
  ],
  [/version$/, (name) => oneOf(name, ["1.0", "1.1", "2.0"])],
  [
    /sentiment/,
    (name) =>
      weighted(name, [
        ["'positive'", 45],
        ["'neutral'", 45],
        ["'negative'", 10],
      ]),
  ],
  [/color|colour/, (name) => oneOf(name, ["red", "green", "blue", "yellow"])],
  [/code$|^sku$/, () => `upper(substring(${row.hash}, 21, 6))`],
  [
    /type$|category$|kind$|method$|channel$|basis$|phase$|source$|mode$/,
    (name) => oneOf(name, ["standard", "extended", "basic"]),
  ],
  [
    /text|note|comment|content|message|description|reason|summary|feedback|goal|subject|title|body|prompt|action|context|topic|idea|bio/,
    (name) => sentence(name),
  ],
];

function ofText(name: string, nullable: boolean): string {
  if (/(^|_)(id|uuid)$/.test(name)) return nullable ? "CAST(NULL AS STRING)" : row.id;
  const rule = texts.find(([pattern]) => pattern.test(name));
  const value = rule ? rule[1](name) : `concat(${text(`${name} `)}, CAST(${row.number} + 1 AS STRING))`;
  return !nullable && value.startsWith("CAST(NULL") ? "''" : value;
}

function json(name: string): string {
  return `concat('{"kind":"synthetic","score":', CAST(${between(`${name} score`, 40, 99)} AS STRING), '}')`;
}

function ofCount(name: string): string {
  if (/(^|_)id$/.test(name)) return `(${row.number} + 1)`;
  if (/year/.test(name)) return between(name, 2010, 2018);
  if (/percent|score/.test(name)) return between(name, 40, 100);
  if (/rating/.test(name)) return between(name, 3, 5);
  if (/error|fail|violation|conflict|issue|fallback|retr/.test(name))
    return `CASE WHEN ${chance(name, 90)} THEN 0 ELSE ${between(name, 1, 3)} END`;
  if (/_ms$|latency/.test(name)) return between(name, 20, 3000);
  if (/seconds/.test(name)) return between(name, 5, 600);
  if (/minutes|duration/.test(name)) return between(name, 10, 60);
  if (/days/.test(name)) return between(name, 30, 365);
  if (/bytes|size_b/.test(name)) return between(name, 10_000, 5_000_000);
  if (/quantity|number|count|total|size|groups|students|teachers|members|sessions/.test(name)) return between(name, 1, 24);
  return between(name, 0, 1000);
}

function ofMeasure(name: string): string {
  if (/rate$|ratio|index|confidence|probability|stability|quality|coherence/.test(name)) return fraction(name, 0.3, 1, 1000);
  if (/score|percent/.test(name)) return fraction(name, 40, 100, 100);
  if (/latitude/.test(name)) return fraction(name, 25, 48, 10_000);
  if (/longitude/.test(name)) return `(0 - ${fraction(name, 70, 120, 10_000)})`;
  return fraction(name, 1, 100, 100);
}

/** `5,2`: numbers up to 100, or as large as fits. */
function ofDecimal(name: string, inner: string): string {
  const [precision = 10, scale = 0] = inner.split(",").map(Number);
  const whole = 10 ** Math.min(precision - scale, 9) - 1;
  const steps = 10 ** Math.min(scale, 4);
  const high = whole < 1 ? 1 - 1 / steps : /rate$|ratio|index|confidence/.test(name) ? 1 : Math.min(whole, 100);
  return fraction(name, high === 1 || whole < 1 ? 0 : Math.min(1, high), high, steps);
}

/** Seconds since 1970. What only some rows have is often absent. */
function timeOf(name: string, nullable: boolean): string {
  if (nullable && /deleted|failed|revoked|deletion|dismissed|cancel/.test(name)) return "CAST(NULL AS BIGINT)";
  if (/^(created|inserted|timestamp|generated|event|analysis)/.test(name)) return rowTime;
  if (/updated|modified|last/.test(name)) return `(${rowTime} + ${draw(name)} % 3600)`;
  if (/expires|retention|ends?(_|$)|until|due|valid_to/.test(name)) return `(${rowTime} + 86400 * ${between(name, 30, 365)})`;
  if (/birth/.test(name)) return `(${rowTime} - 86400 * ${between(name, 4015, 6570)})`;
  return `(${rowTime} + ${draw(name)} % 600)`;
}

function singular(name: string): string {
  return name.replace(/s$/, "");
}

/** The parts between the outer commas of a type's brackets. */
export function partsOf(inner: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const character of inner) {
    if ("<(".includes(character)) depth++;
    if (">)".includes(character)) depth--;
    if (character === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += character;
  }
  return part.trim() === "" ? parts : [...parts, part.trim()];
}
