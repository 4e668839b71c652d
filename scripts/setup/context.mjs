/**
 * @typedef {object} Context what the set-up knows of the machine; the steps reach it through nothing else
 * @property {string} root the repository
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {boolean} isRoot
 * @property {(line: string) => void} say tells the person what is done, and why
 */

/** Something is missing that the set-up cannot get; its message says exactly what the person should type. */
export class SetupFailure extends Error {}
