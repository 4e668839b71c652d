import type { Verdict } from "../../model/report.ts";
import { type Content, html, Markup, nothing } from "../../report/html/markup.ts";
import { duration } from "../../report/words.ts";
import type { LatencyPeriod } from "../view/latencies.ts";

/** Charts as static SVG. Words stand beside the drawing as text of the page. Whatever they show also stands in a table. */

/** Two decimals say enough, and are short. */
function short(number: number): string {
  return String(Math.round(number * 100) / 100);
}

/** How each verdict looks in a strip, in a field of 8 × 16. Its shape says it without colour. */
const shapes: Record<Verdict, (x: number) => string> = {
  passed: (x) => `M${x + 1.5} 13h5v3h-5z`,
  degraded: (x) => `M${x} 16l4-9 4 9z`,
  failed: (x) => `M${x} 0h8v16h-8z`,
  error: (x) => `M${x + 1} 1h6v14h-6z`,
  skipped: (x) => `M${x} 15h8v1h-8z`,
};
const inStrip = 30;

/** The last runs, the newest at the right. */
export function strip(verdicts: readonly Verdict[]): Markup {
  const shown = verdicts.slice(-inStrip);
  const paths = (Object.keys(shapes) as Verdict[]).map((verdict) => {
    const d = shown.map((one, at) => (one === verdict ? shapes[verdict]((inStrip - shown.length + at) * 10) : "")).join("");
    return d === "" ? nothing : html`<path class="${verdict}" d="${new Markup(d)}"/>`;
  });
  return html`<svg class="strip" viewBox="0 0 300 16" role="img" aria-label="Last ${counted(shown.length, "run")}: ${verdictWords(shown)}">${paths}</svg>`;
}

export function stripLegend(): Markup {
  const item = (verdict: Verdict) =>
    html`<li><svg class="shape" viewBox="0 0 8 16" aria-hidden="true"><path class="${verdict}" d="${new Markup(shapes[verdict](0))}"/></svg>${verdict}</li>`;
  return html`<ul class="legend">${(["passed", "degraded", "failed", "error", "skipped"] as const).map(item)}</ul>`;
}

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

export function verdictWords(verdicts: readonly Verdict[]): string {
  const found = (Object.keys(shapes) as Verdict[]).map((word) => [verdicts.filter((one) => one === word).length, word] as const);
  return found
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`)
    .join(", ");
}

/** Parts of a column, the lowest first. */
export interface Part {
  /** Its colour. */
  what: string;
  amount: number;
}

/**
 * Columns of stacked parts, one for each period.
 * @param height of the whole; the largest column if omitted
 */
export function columns(
  label: string,
  all: readonly (readonly Part[])[],
  { height, tall = false }: { height?: number; tall?: boolean } = {},
): Markup {
  const most = height ?? Math.max(1, ...all.map((parts) => parts.reduce((sum, { amount }) => sum + amount, 0)));
  const paths = new Map<string, string>();
  for (const [at, parts] of all.entries()) {
    let y = 100;
    for (const { what, amount } of parts) {
      if (amount <= 0) continue;
      // A sliver, so that one failure of a thousand is seen.
      const size = Math.max(3, (amount / most) * 100);
      y = Math.max(0, y - size);
      paths.set(what, `${paths.get(what) ?? ""}M${short(at + 0.1)} ${short(y)}h.8v${short(size)}h-.8z`);
    }
  }
  const drawn = [...paths].map(([what, d]) => html`<path class="${what}" d="${new Markup(d)}"/>`);
  return html`<svg class="${tall ? "columns tall" : "columns"}" viewBox="0 0 ${all.length} 100" preserveAspectRatio="none" role="img" aria-label="${label}">${drawn}</svg>`;
}

export interface Lane {
  label: Content;
  plot: Markup;
  value: Content;
}

export function lanes(all: readonly Lane[]): Markup {
  return html`<ul class="lanes over-time">${all.map(({ label, plot, value }) => html`<li class="lane"><span class="label">${label}</span><span class="track">${plot}</span><span class="value">${value}</span></li>\n`)}</ul>`;
}

/** P95 over time as a line, the usual range as a band behind it, the limit, and what failed. */
export function latencyCurve(label: string, points: readonly LatencyPeriod[], limit: number | undefined): Markup {
  const seen = points.flatMap(({ slowest, band }) => [slowest ?? 0, band?.p95 ?? 0]);
  const slowest = Math.max(...seen, 0.001);
  // A limit that is far away would make all else flat.
  const isLimitShown = limit !== undefined && limit <= 2.5 * slowest;
  const most = Math.max(slowest, isLimitShown ? limit : 0) * 1.08;
  const x = (at: number) => ((at + 0.5) * 1000) / points.length;
  const y = (value: number) => 100 - (value / most) * 100;
  const at = (index: number, value: number) => `${short(x(index))} ${short(y(value))}`;
  const line = (value: (point: LatencyPeriod) => number | undefined) => {
    let isOpen = false;
    return points
      .map((point, index) => {
        const found = value(point);
        // A gap where nothing could be measured.
        if (found === undefined) isOpen = false;
        const drawn = found === undefined ? "" : `${isOpen ? "L" : "M"}${at(index, found)}`;
        if (found !== undefined) isOpen = true;
        return drawn;
      })
      .join("");
  };
  const banded = points.flatMap(({ band }, index) => (band ? [{ band, index }] : []));
  const band =
    banded.length < 2
      ? nothing
      : html`<path class="band" d="${new Markup(
          `M${banded.map(({ band, index }) => at(index, band.p95)).join("L")}L${banded
            .toReversed()
            .map(({ band, index }) => at(index, band.p50))
            .join("L")}z`,
        )}"/>`;
  const range = points
    .flatMap(({ p95, slowest }, index) =>
      p95 !== undefined && slowest !== undefined && slowest > p95 ? [`M${at(index, p95)}L${at(index, slowest)}`] : [],
    )
    .join("");
  const limitLine = isLimitShown ? html`<path class="limit" d="M0 ${short(y(limit))}H1000"/>` : nothing;
  const bad = points.flatMap((point, index) =>
    point.bad === 0
      ? []
      : [html`<svg x="${short(x(index) / 10)}%" y="8" overflow="visible"><path class="cross" d="M-4-4 4 4M4-4-4 4"/></svg>`],
  );
  const newest = points.at(-1);
  const dot =
    newest?.p95 === undefined
      ? nothing
      : html`<circle class="dot" cx="${short(x(points.length - 1) / 10)}%" cy="${short(y(newest.p95))}%" r="3.5"/>`;
  const drawing = html`<svg class="curve" role="img" aria-label="${label}"><svg viewBox="0 0 1000 100" preserveAspectRatio="none" width="100%" height="100%">${band}${limitLine}<path class="range" d="${new Markup(range)}"/><path class="median" d="${new Markup(line(({ p50 }) => p50))}"/><path class="line" d="${new Markup(line(({ p95 }) => p95))}"/></svg>${dot}${bad}</svg>`;
  return html`<div class="axes">${drawing}<span class="y"><span>${duration(most)}</span><span>0</span></span><span class="x"><span>${points[0]?.label}</span><span>${points.length > 1 ? newest?.label : nothing}</span></span></div>`;
}

/** Shares of a whole, as a small bar. */
export function shareBar(label: string, whole: number, parts: readonly Part[]): Markup {
  let x = 0;
  const bars = parts
    .filter(({ amount }) => amount > 0)
    .map(({ what, amount }) => {
      const width = Math.max(3, (amount * 100) / Math.max(1, whole));
      const bar = html`<rect class="${what}" x="${short(x)}%" width="${short(width)}%" height="100%"/>`;
      x += width;
      return bar;
    });
  return html`<svg class="rate" role="img" aria-label="${label}">${bars}</svg>`;
}
