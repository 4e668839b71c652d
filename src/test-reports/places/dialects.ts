/** How languages write a place in the source: `file.ts:3:4`, `File "test_a.py", line 3`, `Tests.cs:line 12`, `a.php(12)`. */

/** What stands between a file and its line. */
type Separator = "colon" | "word" | "parenthesis" | "quote" | "space";

export interface Dialect {
  name: string;
  /** Of its files. */
  endings: readonly string[];
  separators: readonly Separator[];
  /** What only paths of tools and libraries have: a part if it starts with a slash, otherwise the beginning. */
  libraries: readonly string[];
  /** Beginnings of the class in front of the file. A frame with a class names the file without its folders. */
  libraryClasses?: readonly string[];
  /** Whether the newest frame is the last. */
  newestLast?: true;
}

const everywhere = ["/node_modules/", "/hostedtoolcache/"];

// biome-ignore format: one paragraph for each language
export const dialects: readonly Dialect[] = [
  {
    name: "JavaScript and TypeScript",
    endings: ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "coffee"],
    separators: ["colon"],
    libraries: [...everywhere, "node:", "internal/", "/.yarn/", "webpack/", "/__cypress/", "/cypress_runner.", "/@vite/", "/.vite/", "ext:", "bun:"],
  },
  {
    name: "Python",
    endings: ["py", "pyx"],
    separators: ["colon", "quote"],
    libraries: [...everywhere, "/site-packages/", "/dist-packages/", "/lib/python", "/lib64/python", "/Python3", "/_pytest/", "/pluggy/", "unittest/", "<frozen"],
    newestLast: true,
  },
  {
    name: "Java, Kotlin, Scala and Groovy",
    endings: ["java", "kt", "kts", "scala", "groovy", "clj"],
    separators: ["colon"],
    libraries: [],
    libraryClasses: [
      "java", "javax", "jdk", "sun", "com.sun", "junit", "org.junit", "org.opentest4j", "org.hamcrest", "org.assertj", "org.mockito", "org.testng",
      "org.apache", "org.gradle", "worker.org.gradle", "kotlin", "kotlinx", "io.kotest", "scala", "org.scalatest", "groovy", "org.codehaus.groovy",
      "org.spockframework", "org.springframework", "net.bytebuddy", "android", "androidx", "org.robolectric", "reactor", "io.netty", "io.cucumber",
      "org.jetbrains", "com.google.common.truth", "jakarta", "dalvik", "clojure", "munit", "zio", "com.intellij", "org.eclipse",
    ],
  },
  {
    name: "C#, F# and Visual Basic",
    endings: ["cs", "fs", "vb", "razor", "cshtml"],
    separators: ["word", "parenthesis", "colon"],
    libraries: [...everywhere, "/xunit.assert/", "/xunit.core/", "/xunit.execution/", "/nunit.framework/", "/NUnitFramework/", "/src/TestFramework/", "/libraries/System.", "/System.Private.CoreLib/", "/nuget/packages/", "/.nuget/"],
  },
  {
    name: "Go",
    endings: ["go"],
    separators: ["colon"],
    libraries: [...everywhere, "/usr/local/go/", "/pkg/mod/", "/libexec/src/", "/usr/lib/go", "testing/testing.go", "runtime/", "/vendor/", "_testmain.go"],
  },
  {
    name: "Rust",
    endings: ["rs"],
    separators: ["colon"],
    libraries: [...everywhere, "/rustc/", "/.cargo/", "/rustlib/", "library/std/", "library/core/", "library/alloc/", "library/test/"],
  },
  {
    name: "PHP",
    endings: ["php", "phpt", "inc"],
    separators: ["colon", "parenthesis"],
    libraries: [...everywhere, "/vendor/", "phar:"],
  },
  {
    name: "Ruby",
    endings: ["rb", "rake", "feature"],
    separators: ["colon"],
    libraries: [...everywhere, "/gems/", "/lib/ruby/", "/rubygems/", "/bundler/", "<internal:", "/bin/rspec"],
  },
  {
    name: "C and C++",
    endings: ["c", "cc", "cpp", "cxx", "c++", "h", "hh", "hpp", "hxx", "ipp", "inl", "mm", "cu"],
    separators: ["colon", "parenthesis"],
    libraries: [...everywhere, "/usr/include/", "/googletest/", "/gtest/", "/gmock/", "/catch2/", "/catch.hpp", "/catch_amalgamated.", "/doctest/doctest.h", "/doctest.h", "/boost/", "/include/c++/", "/_deps/"],
  },
  {
    name: "Dart",
    endings: ["dart"],
    separators: ["space", "colon"],
    libraries: [...everywhere, "package:", "dart:", "org-dartlang", "/.pub-cache/"],
  },
  {
    name: "Swift",
    endings: ["swift"],
    separators: ["colon"],
    libraries: [...everywhere, "/.build/checkouts/", "/XCTest/"],
  },
  {
    name: "Elixir and Erlang",
    endings: ["ex", "exs", "erl"],
    separators: ["colon"],
    libraries: [...everywhere, "/deps/", "lib/ex_unit/", "/lib/ex_unit/", "/lib/elixir/"],
  },
  {
    name: "Perl, Lua, R, Haskell, OCaml and shells",
    endings: ["t", "pl", "pm", "lua", "R", "r", "hs", "ml", "bats", "sh", "robot", "jl", "zig", "nim", "cr"],
    separators: ["colon", "word", "quote"],
    libraries: [...everywhere, "/usr/share/perl", "/usr/share/lua", "/usr/lib/", "/usr/libexec/"],
  },
];
