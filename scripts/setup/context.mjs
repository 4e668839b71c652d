/**
 * @typedef {object} Context what the set-up knows about the machine; its steps use nothing else
 * @property {string} root the repository
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {boolean} isRoot
 * @property {(line: string) => void} say prints what is being done, and why
 */

/** Something is missing that the set-up cannot install. The message contains the exact command to type. */
export class SetupFailure extends Error {}
