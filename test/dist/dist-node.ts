/** The Node that starts dist. `DIST_NODE` names another one than that of the tests, such as the oldest that the command line works on. */
export const distNode = process.env.DIST_NODE ?? process.execPath;
