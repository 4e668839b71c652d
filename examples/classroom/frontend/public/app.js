import { accessToken, backendUrl, call, signIn, signOut } from "/backend.js";
import { io } from "/socket.io.js";

const at = (selector) => document.querySelector(selector);
const signInForm = at("#sign-in");
const newSessionForm = at("#new-session");

let socket;
let sessionId;
/** Members who arrive before the response that created the session, kept until its groups are shown. */
let early = [];

signInForm.addEventListener("submit", (event) =>
  trying(event, async ({ email, secret }) => {
    await signIn(email, secret);
    await show();
  }),
);

newSessionForm.addEventListener("submit", (event) =>
  trying(event, async ({ title, subject, groups }) => {
    const names = Array.from({ length: Number(groups) }, (_, index) => ({ name: `Group ${index + 1}` }));
    const { data } = await call("POST", "/sessions", { title, subject, groups: names });
    showSession(data.session);
  }),
);

at("#sign-out").addEventListener("click", () => {
  socket?.close();
  signOut();
  location.reload();
});

await trying(undefined, show);

/** Shows the desk to a signed-in teacher, otherwise the form. */
async function show() {
  const teacher = accessToken() ? (await call("GET", "/auth/me")).teacher : undefined;
  signInForm.hidden = teacher !== undefined;
  at("#desk").hidden = teacher === undefined;
  at("#teacher").hidden = teacher === undefined;
  if (!teacher) return;
  at("#teacher span").textContent = teacher.name;
  listen();
}

function listen() {
  socket = io(`${backendUrl}/sessions`, { auth: (give) => give({ token: accessToken() }), transports: ["websocket"] });
  socket.on("connect", () => showLive(true));
  socket.on("disconnect", () => showLive(false));
  socket.on("connect_error", (error) => showProblem(error.message));
  socket.on("group:created", (told) => arrived(told, () => addGroup(told.group)));
  socket.on("member:joined", (told) => arrived(told, () => addMember(told.groupId, told.member)));
}

function arrived(told, showIt) {
  if (told.sessionId === sessionId) showIt();
  else early.push({ told, showIt });
}

function showSession(session) {
  sessionId = session.id;
  at("#session").hidden = false;
  at("#session").dataset.sessionId = session.id;
  at("#session h2").textContent = session.title;
  at("#access-code").textContent = session.accessCode;
  at("#groups").replaceChildren();
  countMembers();
  session.groups.forEach(addGroup);
  const waiting = early.filter(({ told }) => told.sessionId === sessionId);
  early = [];
  for (const { showIt } of waiting) showIt();
}

/** A group arrives twice, in the response and as a live event, in either order. */
function addGroup({ id, name }) {
  if (at(`#groups [data-group-id="${CSS.escape(id)}"]`)) return;
  const group = document.createElement("li");
  group.dataset.groupId = id;
  group.append(element("h3", name), document.createElement("ul"));
  at("#groups").append(group);
}

function addMember(groupId, { displayName }) {
  at(`#groups [data-group-id="${CSS.escape(groupId)}"] ul`).append(element("li", displayName));
  countMembers();
}

function countMembers() {
  at("#member-count").textContent = String(document.querySelectorAll("#groups ul li").length);
}

/** Runs the action of a form, and shows errors as text. */
async function trying(event, action) {
  event?.preventDefault();
  at("#problem").hidden = true;
  try {
    await action(event ? Object.fromEntries(new FormData(event.target)) : undefined);
  } catch (error) {
    showProblem(error.message);
    if (!accessToken()) signInForm.hidden = false;
  }
}

function showProblem(message) {
  at("#problem").textContent = message;
  at("#problem").hidden = false;
}

function showLive(on) {
  at("#live").classList.toggle("on", on);
  at("#live").textContent = on ? "live" : "offline";
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
