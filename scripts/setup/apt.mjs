import { run } from "./command.mjs";
import { findOnPath } from "./lookup.mjs";

const sudoDeadlineMs = 5_000;
const updateDeadlineMs = 180_000;
const installDeadlineMs = 300_000;
/** Wait if another apt is running, but not for minutes if a mirror is dead. */
const options = ["-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];

/** Debian's and Ubuntu's packages, if we are allowed to install them. */
export class Apt {
  #context;
  #updated = false;

  /** @param {import("./context.mjs").Context} context */
  constructor(context) {
    this.#context = context;
  }

  /**
   * @param {string} name the package
   * @param {string} reason why it is needed, for people
   * @returns {Promise<string | undefined>} why it could not be installed; undefined = it is installed
   */
  async install(name, reason) {
    if (findOnPath(this.#context, ["apt-get"]) === undefined) return "apt-get is not here";
    const prefix = await this.#asRoot();
    if (prefix === undefined) return "not root, and sudo is not here or asks for a password";
    const aptGet = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...options];
    const install = () =>
      run(this.#context, `apt-${name}`, [...aptGet, "install", "-y", "--no-install-recommends", name], {
        deadlineMs: installDeadlineMs,
      });

    this.#context.say(`${reason}: installing Debian's package ${name} (apt-get install ${name})`);
    const first = await install();
    if (first.ok) return undefined;
    if (this.#updated) return first.why;
    this.#context.say(`apt-get does not get ${name} yet: reading the package lists anew (apt-get update)`);
    this.#updated = true;
    const update = await run(this.#context, "apt-update", [...aptGet, "update"], { deadlineMs: updateDeadlineMs });
    if (!update.ok) return update.why;
    const second = await install();
    return second.ok ? undefined : second.why;
  }

  /** @returns {Promise<string[] | undefined>} the prefix that makes root run a command; undefined = not allowed */
  async #asRoot() {
    if (this.#context.isRoot) return [];
    if (findOnPath(this.#context, ["sudo"]) === undefined) return undefined;
    const allowed = await run(this.#context, "sudo", ["sudo", "-n", "true"], { deadlineMs: sudoDeadlineMs });
    return allowed.ok ? ["sudo", "-n"] : undefined;
  }
}
