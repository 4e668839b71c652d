/**
 * Production rows that look like test data but aren't. One careless comparison would delete each of them: `_` as a wildcard,
 * ignoring case, searching for a prefix anywhere, comparing only the end of a domain.
 */
interface NearMiss {
  /** `schema.table` */
  table: string;
  row: Record<string, string>;
}

/** Ids that don't begin with a test prefix. */
export const nearMissIds = [
  // In LIKE, `_` matches any character.
  "integrationXtestY1757000000000_0a1b2c3d",
  "integration-test_1757000000000_0a1b2c3d",
  "e2eXtest_1757000000000_0a1b2c3d",
  "perf-test_1757000000000",
  // Ids are case-sensitive.
  "Integration_Test_1757000000000_0a1b2c3d",
  "INTEGRATION_TEST_1757000000000_0a1b2c3d",
  "E2E_test_1757000000000",
  // The prefix occurs, but not at the beginning, or not completely.
  "my_integration_test_1757000000000_0a1b2c3d",
  " integration_test_1757000000000_0a1b2c3d",
  "integration_tes",
  "integration_testing_1757000000000",
  "perf_tests_of_autumn",
  "e2e-sessions-1757000000000",
  "e2e-teachers-1757000000000",
  "e2e-groups-1-1757000000000",
  "sess_testimony_1757000000000",
  "group_testify_1757000000000",
  // Whole values that are one character longer than a test's.
  "TEST1234",
  "teacher-active-1234",
  // LIKE or glob would match these names.
  "integration%",
  "%",
  "cw:test:*",
] as const;

const nearMissTitles = [
  "Review of integration_test_ results",
  "Integration_Test_ planning for spring",
  "integration test: chemistry",
  "The e2e_test_ of friendship",
  "perf_tests in physical education",
  " integration_test_ with a space in front",
  "100 % integration",
];

const nearMissMails = [
  "anna@testschool.edu.example.org",
  "anna@nottestschool.edu",
  "anna@mytestschool.edu",
  "anna@testschool.education",
  "anna@latest.edu",
  "anna@sub.test.edu",
  "anna@test.edu.example.org",
  "anna+testschool.edu@example.org",
  "anna.test.edu@example.org",
];

const nearMisses: NearMiss[] = [
  ...nearMissIds.flatMap((id, at): NearMiss[] => [
    {
      table: "sessions.classroom_sessions",
      row: { id, title: `Autumn term ${at}`, status: "ended", teacher_id: `${id}_teacher` },
    },
    { table: "sessions.student_groups", row: { id: `${id}_group_1`, session_id: id, name: "Group 1" } },
    { table: "sessions.student_group_members", row: { id: `${id}_group_1_member_1`, session_id: id, group_id: `${id}_group_1` } },
    {
      table: "sessions.transcriptions",
      row: { id: `transcript_${id}`, session_id: id, group_id: `${id}_group_1`, content: "near" },
    },
    { table: "analytics.session_events", row: { id: `${id}_event`, session_id: id, event_type: "ended" } },
    { table: "users.teachers", row: { id, name: "Near Miss", email: `near-${at}@example.org`, school_id: `${id}_school` } },
    { table: "users.schools", row: { id: `${id}_school`, name: `School ${at}`, domain: "example.org" } },
  ]),
  ...nearMissTitles.map((title, at) => ({
    table: "sessions.classroom_sessions",
    row: { id: `near-title-${at}`, title, description: "here too: integration_test_", status: "ended" },
  })),
  ...nearMissMails.flatMap((email, at): NearMiss[] => [
    { table: "users.teachers", row: { id: `near-mail-${at}`, name: "Anna Near", email } },
    { table: "users.students", row: { id: `near-mail-student-${at}`, display_name: "Anna Near", email } },
  ]),
  // Ids of teachers that begin like a test's, without the last `_`.
  ...["teacher_testament_1757000000000_0a1b2c3d", "school_testimony_1757000000000_0a1b2c3d"].map((id) => ({
    table: "users.teachers",
    row: { id, name: "Near Miss", email: `${id}@example.org` },
  })),
  // Legal evidence of what tests did: it contains their ids, and must be kept.
  ...["integration_test_1757000000000_0a1b2c3d", "e2e-session-1757000000000", "e2e_test_1757000000000_0a1b2c3d"].map(
    (id, at) => ({
      table: "compliance.audit_log",
      row: {
        id: `evidence-${at}`,
        actor_id: id,
        session_id: id,
        resource_id: id,
        event_type: "session_created",
        description: id,
      },
    }),
  ),
];

/** INSERTs in DuckDB's dialect, one per table. */
export function nearMissRows(catalog: string): string[] {
  const byTable = Map.groupBy(nearMisses, ({ table, row }) => `${catalog}.${table} (${Object.keys(row).join(", ")})`);
  return [...byTable].map(([target, misses]) => {
    const tuples = misses.map(({ row }) => `(${Object.values(row).map(literal).join(", ")})`);
    return `INSERT INTO ${target} VALUES ${tuples.join(", ")}`;
  });
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
