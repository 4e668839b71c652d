/** The running application, as the tests call it. */

const url = process.env.LIBRARY_URL ?? `http://localhost:${process.env.PORT ?? 4680}`;

/** What all test data begins with. env-actions deletes what has it; without env-actions it is always the same. */
export const prefix = process.env.ENV_ACTIONS_PREFIX ?? "library_test_";

let made = 0;

export async function call(method, path, body) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

export async function newBook(copies = 1) {
  const { body } = await call("POST", "/books", { title: `${prefix}_book_${++made}`, author: "Nobody", copies });
  return body.id;
}

export async function newMember() {
  const name = `${prefix}_member_${++made}`;
  const { body } = await call("POST", "/members", { name, email: `${name}@example.org` });
  return body.id;
}

export async function lend(book, member) {
  return await call("POST", "/loans", { book, member });
}
