import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Workshop } from "./workshop.ts";

/** The report's format changed with version 4 and with version 7. */
const robotVersions = { "version-3": "3.2.2", "version-6": "6.1.1", mixed: "7.5" };

/** Needs Python 3.9 to 3.11 with venv: older versions of Robot Framework don't run on newer ones. */
export function makeRobot(workshop: Workshop): void {
  const cwd = workshop.project("robot");
  for (const [name, version] of Object.entries(robotVersions)) {
    workshop.must(cwd, "python3", ["-m", "venv", name]);
    const python = join(cwd, name, "bin/python");
    workshop.must(cwd, python, ["-m", "pip", "install", "--quiet", `robotframework==${version}`]);
    const xml = join(workshop.out, `${name}.xml`);
    workshop.run(cwd, python, ["-m", "robot", "--output", xml, "--log", "NONE", "--report", "NONE", "tests"]);
    workshop.keep(xml, `robot/${name}.xml`);
  }
}

const testngLibraries = [
  "org.testng:testng:7.10.2",
  "com.beust:jcommander:1.82",
  "org.slf4j:slf4j-nop:1.7.36",
  "org.slf4j:slf4j-api:1.7.36",
  "org.webjars:jquery:3.7.1",
];

/** Needs Java 11 or newer, and Maven 3, which downloads the libraries with its own settings. */
export function makeTestNG(workshop: Workshop): void {
  const cwd = workshop.project("testng");
  const lib = join(cwd, "lib");
  for (const library of testngLibraries)
    workshop.must(cwd, "mvn", ["--batch-mode", "dependency:copy", `-Dartifact=${library}`, `-DoutputDirectory=${lib}`]);
  const classPath = `${lib}/*:${cwd}/classes`;
  const sources = ["SessionTest.java", "BrokenTest.java", "CleanupTest.java"];
  workshop.must(cwd, "javac", ["-d", "classes", "-cp", classPath, ...sources]);
  workshop.run(cwd, "java", ["-cp", classPath, "org.testng.TestNG", "-d", "out", "suite.xml"]);
  const report = readFileSync(join(cwd, "out/testng-results.xml"), "utf8");
  // Calls of Java and TestNG, which change with every version.
  workshop.keepText(report.replace(/^\s*at (?!com\.classwaves)[^\n]*\n/gm, ""), "testng/mixed.xml");
}

/** Needs Debian's packages nunit-console, libnunit-cil-dev and mono-mcs. */
export function makeNUnit(workshop: Workshop): void {
  const cwd = workshop.project("nunit");
  workshop.must(cwd, "mcs", ["-target:library", "-pkg:nunit", "-out:ClassWaves.Tests.dll", "Tests.cs"]);
  const xml = join(workshop.out, "nunit.xml");
  workshop.run(cwd, "nunit-console", ["ClassWaves.Tests.dll", `-xml=${xml}`]);
  const report = readFileSync(xml, "utf8").replace(/ (machine-name|user|user-domain)="[^"]*"/g, ' $1="runner"');
  workshop.keepText(report.replace(/^at \((?:[^\n]*)\n|^at System\.[^\n]*\n/gm, ""), "nunit/version-2.xml");
}
