import { randomUUID } from "node:crypto";
import express from "express";
import { query } from "./warehouse.js";

/** A lending library. The server chooses all ids. */

const app = express();
app.use(express.json());

app.get("/health", async (_request, response) => {
  const [row] = await query("SELECT current_timestamp() AS now");
  response.json({ status: "ok", databaseTime: row.now });
});

app.post("/books", async ({ body: { title, author, copies = 1 } = {} }, response) => {
  if (!title || !author) return refuse(response, 400, "a book needs a title and an author");
  const id = randomUUID();
  await query(
    "INSERT INTO stock.books (id, title, author, copies, created_at) VALUES (:id, :title, :author, :copies, current_timestamp())",
    { id, title, author, copies },
  );
  response.status(201).json({ id });
});

app.get("/books/:id", async ({ params: { id } }, response) => {
  const [book] = await query("SELECT id, title, author, copies FROM stock.books WHERE id = :id", { id });
  if (!book) return refuse(response, 404, "no such book");
  const [{ lent }] = await query("SELECT count(*) AS lent FROM lending.loans WHERE book_id = :id AND returned_at IS NULL", {
    id,
  });
  response.json({ ...book, available: book.copies - Number(lent) });
});

app.post("/members", async ({ body: { name, email } = {} }, response) => {
  if (!name || !email?.includes("@")) return refuse(response, 400, "a member needs a name and an address");
  const id = randomUUID();
  await query("INSERT INTO people.members (id, name, email, created_at) VALUES (:id, :name, :email, current_timestamp())", {
    id,
    name,
    email,
  });
  response.status(201).json({ id });
});

app.get("/members/:id/loans", async ({ params: { id } }, response) => {
  response.json(
    await query("SELECT id, book_id FROM lending.loans WHERE member_id = :id AND returned_at IS NULL ORDER BY id", { id }),
  );
});

app.post("/loans", async ({ body: { book, member } = {} }, response) => {
  const [known] = await query("SELECT copies FROM stock.books WHERE id = :book", { book: book ?? "" });
  const [person] = await query("SELECT id FROM people.members WHERE id = :member", { member: member ?? "" });
  if (!known || !person) return refuse(response, 404, "no such book or member");
  const [{ lent }] = await query("SELECT count(*) AS lent FROM lending.loans WHERE book_id = :book AND returned_at IS NULL", {
    book,
  });
  if (Number(lent) >= known.copies) return refuse(response, 409, "every copy is lent");
  const id = randomUUID();
  await query(
    "INSERT INTO lending.loans (id, book_id, member_id, created_at) VALUES (:id, :book, :member, current_timestamp())",
    {
      id,
      book,
      member,
    },
  );
  response.status(201).json({ id });
});

app.post("/loans/:id/return", async ({ params: { id } }, response) => {
  const [loan] = await query("SELECT returned_at FROM lending.loans WHERE id = :id", { id });
  if (!loan) return refuse(response, 404, "no such loan");
  if (loan.returned_at !== null) return refuse(response, 409, "it has been returned already");
  await query("UPDATE lending.loans SET returned_at = current_timestamp() WHERE id = :id", { id });
  response.status(204).end();
});

function refuse(response, status, error) {
  response.status(status).json({ error });
}

const port = Number(process.env.PORT ?? 4680);
const server = app.listen(port, () => process.stdout.write(`the library listens on port ${port}\n`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
