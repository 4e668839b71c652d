/** Immutable once it is published, as the setting "immutable releases" makes it. Times are milliseconds. */
export interface Release {
  id: number;
  tag: string;
  /** The branch or commit that the tag gets, if it does not exist when the release is published. */
  target: string;
  name: string;
  body: string;
  draft: boolean;
  prerelease: boolean;
  /** Whether GitHub shows it as the latest one. */
  latest: boolean;
  author: string;
  createdAt: number;
  publishedAt: number | undefined;
  assets: ReleaseAsset[];
}

export interface ReleaseAsset {
  id: number;
  name: string;
  content: Buffer;
  /** `open` if its upload was cut. */
  state: "uploaded" | "open";
  uploader: string;
  createdAt: number;
}
