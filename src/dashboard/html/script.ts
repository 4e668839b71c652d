/**
 * The only script of the page: compares the reader's clock with the records, now and each minute. It changes classes and one text,
 * nothing else.
 */
export const script = `
{
  const root = document.documentElement;
  const { newest, staleAfter } = root.dataset;
  const isNew = (at) => Date.now() - at <= staleAfter && at - Date.now() <= 300000;
  const units = [["day", 86400000], ["hour", 3600000], ["minute", 60000]];
  const ago = (ms) => {
    const [word, unit] = units.find(([, unit]) => ms >= 2 * unit) ?? ["minute", 60000];
    const number = Math.floor(ms / unit);
    return number + " " + word + (number === 1 ? "" : "s");
  };
  const look = () => {
    root.classList.toggle("fresh", isNew(newest));
    for (const one of document.querySelectorAll("[data-at]")) {
      one.classList.toggle("fresh", isNew(one.dataset.at));
      one.classList.toggle("late", !isNew(one.dataset.at));
    }
    const age = document.getElementById("age");
    if (!age || !newest) return;
    const ms = Date.now() - newest;
    age.textContent = ms < -300000
      ? "By your clock, the newest record is from the future, so nothing is shown as passed."
      : "Now it is " + ago(Math.max(0, ms)) + " old" + (isNew(newest) ? "." : ": too old to say how the environments are now.");
  };
  look();
  setInterval(look, 60000);
}
`;
