import { shortestPattern } from "./matcher.ts";

/**
 * Which values of variables named like secrets are worth hiding. Hiding a common word protects nothing and makes reports
 * unreadable: `DB_PASSWORD=postgres` would hide every mention of PostgreSQL.
 */
const everyday = new Set(
  `true false null none undefined unknown default required optional enabled disabled always never auto
  production development staging sandbox preview testing integration localhost local
  password passwd secret secrets token tokens apikey admin administrator root guest user users public private
  postgres postgresql mysql mariadb mongo mongodb redis rabbitmq elastic minio minioadmin sqlite
  github gitlab main master example sample basic bearer digest oauth oauth2`.split(/\s+/),
);

const number = /^[+-]?[\d._,:]{1,15}$/;
const folders =
  /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/](?:home|Users|tmp|var|etc|opt|usr|root|run|mnt|github|__w|workspace|workspaces|srv|data|private|builds?|app|secrets|certs?|keys?|Volumes|dev|proc|bin|lib|runner|actions-runner|codespace)(?:[\\/]|$)/;
const relativePath = /^(?:~|\.{1,2}|[A-Za-z]:)[\\/][\w .@+-]+(?:[\\/][\w .@+-]*)*$/;
const hostName = /^(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|cloud|edu|local|internal|test|example|localhost)(?::\d{1,5})?$/i;

/** A path or query that could hold a secret has at least this length. */
const shortestSecretPath = 12;

/** A common word, which protects nothing. */
export function isCommonWord(value: string): boolean {
  return everyday.has(value.trim().toLowerCase());
}

/** @param value of a variable that only its name marks as a secret */
export function isWorthHiding(value: string): boolean {
  const text = value.trim();
  if (text.length < shortestPattern || isCommonWord(text)) return false;
  if (/^(.)\1*$/su.test(text)) return false;
  return !number.test(text) && !folders.test(text) && !relativePath.test(text) && !hostName.test(text) && !isPlainAddress(text);
}

/** A URL without a password, and with too short a path to be secret as a whole. */
export function isPlainAddress(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { password, pathname, search } = new URL(text);
  return password === "" && pathname.length + search.length < shortestSecretPath;
}
