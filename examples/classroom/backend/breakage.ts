/**
 * Deliberate failures for trying out the quality gate: `CLASSROOM_BREAK=backend-dies` ends the backend before it listens,
 * `backend-dies-after:3` three seconds later. The failures of tests are with the tests.
 */
export function breakOnPurpose(list: string): void {
  for (const name of list.split(",")) {
    const [, seconds] = /^backend-dies(?:-after:(\d+))?$/.exec(name.trim()) ?? [];
    if (seconds !== undefined) setTimeout(die, Number(seconds) * 1000);
    else if (name.trim() === "backend-dies") die();
  }
}

function die(): never {
  console.error("FATAL: the backend dies on purpose (CLASSROOM_BREAK)");
  process.exit(1);
}
