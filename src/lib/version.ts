/** Kept equal to package.json by a test; reading that file at run time would tie dist to its place. */
export const version = "1.0.0";
