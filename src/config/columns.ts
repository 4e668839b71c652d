import { isSecretName } from "../lib/redaction/variables.ts";
import type { Table } from "./schema.ts";
import type { ParentKind } from "./test-data-schema.ts";

/**
 * Column names that matter for test data. Both the preset and the proposal for a warehouse use them. Names are compared in lower
 * case, as the warehouse stores them.
 */

/** The server assigns the ids of rows made through the API, so only text that the test wrote identifies these rows. */
const named = new Set(["title", "name", "display_name", "full_name", "username", "email"]);

/** Domains that no school can have. Matching includes the `@` and the whole domain, so contest.edu never matches. */
const testDomains = ["testschool.edu", "test.edu"];

/** Rules that identify a row as test data by this column; empty if the column's name gives no hint. */
export function matchRulesOf(column: string): Table["match"] {
  const name = column.toLowerCase();
  const rules: Table["match"] = [];
  if (name === "id" || named.has(name)) rules.push({ column, prefix: true });
  if (name === "email") rules.push(...testDomains.map((domain) => ({ column, suffix: `@${domain}` })));
  if (name === "domain") rules.push(...testDomains.map((domain) => ({ column, equals: domain })));
  return rules;
}

/** Columns with the creation time, best first. */
const times = ["created_at", "created_on", "created", "inserted_at", "cached_at", "calculated_at", "executed_at", "timestamp"];

export function timeColumnOf(columns: readonly string[]): string | undefined {
  const byName = new Map(columns.map((column) => [column.toLowerCase(), column]));
  const time = times.find((name) => byName.has(name));
  return time === undefined ? undefined : byName.get(time);
}

/** Columns written by people, about people, or by a program that repeats what people said. */
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

/** Other names ending in `_key`, such as `setting_key`, only identify a row. */
export function mayHoldSecret(column: string): boolean {
  return isSecretName(column) && /token|secret|passw|credential|cookie|api_?key/i.test(column);
}

/**
 * Whether a column only mentions somebody or something. Such a row is not deleted with the row it mentions: a real group is not
 * test data because a test student leads it, nor is a message because a test teacher wrote its template.
 */
export function onlyMentionsSecret(column: string): boolean {
  return /^(?:.+_by(?:_id)?|(?:target_.+|applies_to|leader|speaker|sender|recipient|actor|author|creator|editor|reviewer|assignee|resource|template)_id)$/.test(
    column.toLowerCase(),
  );
}

/** Tables computed or stored per owner: settings, caches, summaries, counts. */
const computed = /(?:^|_)(?:settings?|preferences?|cache|summar(?:y|ies)|metrics?|analytics|statistics|stats|hourly|daily)$/;

/**
 * Whether rows of this table are part of the row that the column refers to, or only belong to it. Records about a lesson, group
 * or participant never change owner, and neither do rows computed for an owner. Other rows, such as a teacher of a school, can
 * move to another owner, so only their age shows whether a test made them.
 */
export function parentKindOf(table: string, column: string): ParentKind {
  const isComputed = computed.test(table.toLowerCase().replace(/_(?:hourly|daily)$/, ""));
  const happens = /(?:^|_)(?:session|lesson|meeting|group|participant|conversation|thread)_(?:id|uuid|guid)$/;
  return isComputed || happens.test(column.toLowerCase()) ? "part-of" : "belongs-to";
}

/**
 * Tables in which migration tools record their work. We recognise them, so that they are not reported as undeclared, but never
 * delete from them.
 */
export function isBookkeeping(table: string): boolean {
  return /\.(?:\w+_)?(?:migrations?|schema_history|schema_version|alembic_version|databasechangelog(?:lock)?)$/i.test(table);
}
