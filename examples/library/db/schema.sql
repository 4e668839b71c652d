-- The tables of the library, in the catalog that DATABRICKS_CATALOG names.

CREATE SCHEMA IF NOT EXISTS stock;
CREATE SCHEMA IF NOT EXISTS people;
CREATE SCHEMA IF NOT EXISTS lending;

CREATE TABLE IF NOT EXISTS stock.books (
  id STRING NOT NULL,
  title STRING NOT NULL,
  author STRING NOT NULL,
  copies INT NOT NULL,
  created_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS people.members (
  id STRING NOT NULL,
  name STRING NOT NULL,
  email STRING NOT NULL,
  created_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS lending.loans (
  id STRING NOT NULL,
  book_id STRING NOT NULL,
  member_id STRING NOT NULL,
  created_at TIMESTAMP NOT NULL,
  returned_at TIMESTAMP
);
