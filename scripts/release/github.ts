/** Releases of a repository at GitHub. */

export interface Asset {
  id: number;
  name: string;
  /** `sha256:…`; null while GitHub has not computed it, or the upload was cut. */
  digest: string | null;
  state: string;
}

export interface Published {
  id: number;
  tag_name: string;
  draft: boolean;
  upload_url: string;
  assets: Asset[];
}

export interface Releases {
  /** Drafts too, if the token may write. */
  list(): Promise<Published[]>;
  createDraft(tag: string, notes: string): Promise<Published>;
  get(id: number): Promise<Published>;
  upload(release: Published, name: string, content: Uint8Array): Promise<void>;
  download(asset: Asset): Promise<Buffer>;
  deleteAsset(asset: Asset): Promise<void>;
  /** @param commit gets the tag, if the tag does not exist */
  publish(release: Published, details: { commit: string; notes: string; isLatest: boolean }): Promise<void>;
  delete(release: Published): Promise<void>;
}

export interface Access {
  /** `https://api.github.com` */
  url: string;
  /** `owner/name` */
  repository: string;
  token: string;
}

const requestDeadlineMs = 60_000;
const pageSize = 100;

export function releasesAt({ url, repository, token }: Access): Releases {
  const base = `${url}/repos/${repository}/releases`;

  async function ask(method: string, address: string, body?: object | Uint8Array, accept = "application/vnd.github+json") {
    const isBinary = body instanceof Uint8Array;
    const response = await fetch(address, {
      method,
      headers: {
        accept,
        // git and tar run between the requests, and meanwhile nobody would notice that the server closes an idle connection.
        connection: "close",
        authorization: `Bearer ${token}`,
        "x-github-api-version": "2022-11-28",
        ...(body && { "content-type": isBinary ? "application/octet-stream" : "application/json" }),
      },
      ...(body && { body: isBinary ? Buffer.from(body) : JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(requestDeadlineMs),
    });
    if (response.status >= 400)
      throw new Error(`${method} ${new URL(address).pathname}: GitHub answered ${response.status}: ${await response.text()}`);
    return response;
  }
  const json = async <Type>(...request: Parameters<typeof ask>) => (await (await ask(...request)).json()) as Type;

  return {
    async list() {
      const all: Published[] = [];
      for (let page = 1; ; page++) {
        const some = await json<Published[]>("GET", `${base}?per_page=${pageSize}&page=${page}`);
        all.push(...some);
        if (some.length < pageSize) return all;
      }
    },
    createDraft: (tag, notes) => json("POST", base, { tag_name: tag, name: tag, body: notes, draft: true }),
    get: (id) => json("GET", `${base}/${id}`),
    async upload({ upload_url }, name, content) {
      await ask("POST", `${upload_url.replace(/\{.*\}$/, "")}?name=${encodeURIComponent(name)}`, content);
    },
    async download({ id }) {
      const answer = await ask("GET", `${base}/assets/${id}`, undefined, "application/octet-stream");
      const place = answer.headers.get("location");
      // The storage has its own address, which is signed: our token must not go there.
      const file = place
        ? await fetch(place, { headers: { connection: "close" }, signal: AbortSignal.timeout(requestDeadlineMs) })
        : answer;
      if (!file.ok) throw new Error(`asset ${id}: the storage answered ${file.status}`);
      return Buffer.from(await file.arrayBuffer());
    },
    async deleteAsset({ id }) {
      await ask("DELETE", `${base}/assets/${id}`);
    },
    async publish({ id, tag_name }, { commit, notes, isLatest }) {
      const make_latest = isLatest ? "true" : "false";
      await ask("PATCH", `${base}/${id}`, { tag_name, target_commitish: commit, body: notes, draft: false, make_latest });
    },
    async delete({ id }) {
      await ask("DELETE", `${base}/${id}`);
    },
  };
}
