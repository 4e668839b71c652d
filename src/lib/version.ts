/** Written by scripts/generate.ts from package.json. */
export const version = "1.0.0";
/** The tag that moves with each release. */
export const movingTag = "v1";
