export default {
  testDir: "e2e",
  testMatch: "*.mjs",
  reporter: [["json", { outputFile: "e2e.json" }]],
  projects: [{ name: "authenticated-teacher" }, { name: "unauthenticated-visitor" }],
};
