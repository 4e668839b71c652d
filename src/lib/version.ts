/** A test keeps this equal to package.json. Reading that file at run time would tie dist to its location. */
export const version = "1.0.0";
