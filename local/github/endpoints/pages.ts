import type { Answer, Asked } from "../endpoint.ts";

const defaultSize = 30;
const largestSize = 100;

/** One page of a list, with the `Link` header for the others. */
export function pageOf(asked: Asked, items: readonly unknown[]): Answer {
  const size = Math.min(Number(asked.query.get("per_page") ?? defaultSize), largestSize);
  const page = Number(asked.query.get("page") ?? 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const links = [
    ...(page > 1 ? [link(asked, page - 1, "prev"), link(asked, 1, "first")] : []),
    ...(page < last ? [link(asked, page + 1, "next"), link(asked, last, "last")] : []),
  ];
  return {
    status: 200,
    headers: links.length > 0 ? { link: links.join(", ") } : {},
    body: items.slice((page - 1) * size, page * size),
  };
}

function link({ url, pathname, query }: Asked, page: number, relation: string): string {
  const parameters = new URLSearchParams(query);
  parameters.set("page", String(page));
  return `<${url}${pathname}?${parameters}>; rel="${relation}"`;
}
