import { isSecretName } from "../lib/redaction/names.ts";
import type { Table } from "./schema.ts";
import type { ParentKind } from "./test-data-schema.ts";

/**
 * What columns are called that say something about test data: written once, for the preset and for the proposal that is made from a
 * warehouse's columns. Names are compared in lower case, as the warehouse keeps them.
 */

/** Rows made through the API get ids from the server, so only what a test itself wrote into the row shows what it is. */
const named = new Set(["title", "name", "display_name", "full_name", "username", "email"]);

/** Domains that no school can have. The `@` and the whole domain stand there, so that contest.edu never matches. */
const testDomains = ["testschool.edu", "test.edu"];

/** How a row shows by this column that it is test data; empty where the column's name promises nothing. */
export function matchRulesOf(column: string): Table["match"] {
  const name = column.toLowerCase();
  const rules: Table["match"] = [];
  if (name === "id" || named.has(name)) rules.push({ column, prefix: true });
  if (name === "email") rules.push(...testDomains.map((domain) => ({ column, suffix: `@${domain}` })));
  if (name === "domain") rules.push(...testDomains.map((domain) => ({ column, equals: domain })));
  return rules;
}

/** When a row was made; the first that a table has is the best. */
const times = ["created_at", "created_on", "created", "inserted_at", "cached_at", "calculated_at", "executed_at", "timestamp"];

export function timeColumnOf(columns: readonly string[]): string | undefined {
  const byName = new Map(columns.map((column) => [column.toLowerCase(), column]));
  const time = times.find((name) => byName.has(name));
  return time === undefined ? undefined : byName.get(time);
}

/** Written by people, about people, or by a machine that repeats what people said. */
const persons = new Set(
  `
  name display_name given_name family_name preferred_name email admin_email contact_email parent_email contact_phone
  superintendent_name parent_name google_id picture speaker_name content title description teacher_notes feedback_text
  teacher_feedback_text prompt_message prompt_context context_reason context_prior_topic context_current_topic
  context_transition_idea context_supporting_lines bridging_prompt on_track_summary payload recipient_address ip_address
  user_agent browser_info summary_json result_data insights key_insights message reason suggested_action recommendations
  intervention_recommendations subject metadata template_data error_details parameters result file_path anonymous_id goal
  key_phrases analytics_data leader_ready_events intervention_events subject_template setting_value last_error
  error_message failure_reason configured_name
  username full_name first_name middle_name last_name nickname notes comment comments address postal_code city body text
  transcript avatar avatar_url birth_date date_of_birth
  `
    .trim()
    .split(/\s+/),
);

export function mayHoldPerson(column: string): boolean {
  const name = column.toLowerCase();
  return persons.has(name) || /(?:^|_)(?:e_?mail|phone|phone_number)$/.test(name);
}

/** A mere `…_key` names a row, as in `setting_key`. */
export function mayHoldSecret(column: string): boolean {
  return isSecretName(column) && /token|secret|passw|credential|cookie|api_?key/i.test(column);
}

/**
 * Whether a column merely mentions somebody or something. Such a row does not go with the row that is mentioned: a real group does
 * not become test data because a test student leads it, nor a message because a test teacher wrote its template.
 */
export function onlyMentionsSecret(column: string): boolean {
  return /^(?:.+_by(?:_id)?|(?:target_.+|applies_to|leader|speaker|sender|recipient|actor|author|creator|editor|reviewer|assignee|resource|template)_id)$/.test(
    column.toLowerCase(),
  );
}

/** What is computed for one owner, or set for it, and written anew for another: settings, caches, summaries, counts. */
const computed = /(?:^|_)(?:settings?|preferences?|cache|summar(?:y|ies)|metrics?|analytics|statistics|stats|hourly|daily)$/;

/**
 * Whether rows of this table are part of what the column names, or only belong to it. What is written about a lesson, a group or a
 * participant stays with it for ever, and so does what is computed for an owner. All else, such as a teacher of a school or a student
 * in a list, could be moved to another owner: then only its age shows whether a test made it.
 */
export function parentKindOf(table: string, column: string): ParentKind {
  const isComputed = computed.test(table.toLowerCase().replace(/_(?:hourly|daily)$/, ""));
  const happens = /(?:^|_)(?:session|lesson|meeting|group|participant|conversation|thread)_(?:id|uuid|guid)$/;
  return isComputed || happens.test(column.toLowerCase()) ? "part-of" : "belongs-to";
}

/** Tables in which migrations note what they did: known, so that nobody asks, and never deleted from. */
export function isBookkeeping(table: string): boolean {
  return /\.(?:\w+_)?(?:migrations?|schema_history|schema_version|alembic_version|databasechangelog(?:lock)?)$/i.test(table);
}
