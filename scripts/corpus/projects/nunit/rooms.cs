using System;
using NUnit.Framework;

[TestFixture]
public class Rooms {
  [Test] public void Opens() {}
  [Test] public void Fails() { Assert.AreEqual("b", "a & <b>"); }
  [Test] public void Errs() { throw new InvalidOperationException("no database"); }
  [Test, Ignore("not yet")] public void IsIgnored() {}
  [Test] public void IsInconclusive() { Assert.Inconclusive("who knows"); }
  [Test] public void SkipsItself() { Assert.Ignore("only on Mars"); }
  [TestCase("red")] [TestCase("blue")] public void Colour(string colour) { Assert.AreEqual(3, colour.Length); }
}

[TestFixture]
public class Broken {
  [TestFixtureSetUp] public void Connect() { throw new InvalidOperationException("no connection"); }
  [Test] public void NeverRuns() {}
  [Test] public void NeverRunsEither() {}
}

[TestFixture]
public class LeftOver {
  [Test] public void Passes() {}
  [TestFixtureTearDown] public void CleanUp() { throw new InvalidOperationException("rows were left"); }
}
