/** The part of ncc's API that the build uses; the package has no types. */
declare module "@vercel/ncc" {
  interface Asset {
    source: string | Uint8Array;
  }
  /** What webpack reports about a bundle. */
  export interface Stats {
    toJson(options: Record<string, boolean>): {
      chunks?: { names: string[]; files: string[]; modules?: { id?: string | number; name?: string; size?: number }[] }[];
    };
  }
  export interface Bundle {
    code: string;
    assets: Record<string, Asset>;
    stats: Stats;
  }
  export default function ncc(
    entry: string,
    options: {
      cache: false;
      /** Maps names to the module to require instead; a name between slashes is a regular expression. */
      externals: Record<string, string>;
      license: string;
      quiet: boolean;
    },
  ): Promise<Bundle>;
}
