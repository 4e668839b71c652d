export default {
  testDir: "e2e",
  reporter: [["json", { outputFile: "e2e.json" }]],
  projects: [{ name: "authenticated-teacher" }, { name: "unauthenticated-visitor" }],
};
