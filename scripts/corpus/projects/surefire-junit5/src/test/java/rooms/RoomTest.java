package rooms;

import static org.junit.jupiter.api.Assertions.*;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.*;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoomTest {
  static final AtomicInteger attempts = new AtomicInteger();

  @Test
  void opens() {}

  @Test
  void fails() {
    assertEquals("open <&> \"shut\"", "shut");
  }

  @Test
  void errs() {
    throw new IllegalStateException("no database\u0007");
  }

  @Test
  @Disabled("not yet")
  void skipped() {}

  @Test
  void assumes() {
    Assumptions.assumeTrue(false, "only on Mars");
  }

  @Test
  void reconnects() {
    if (attempts.incrementAndGet() < 2) fail("connection lost");
  }

  @ParameterizedTest
  @ValueSource(strings = {"red", "blue"})
  void colours(String colour) {
    assertEquals(3, colour.length());
  }

  @TestFactory
  java.util.stream.Stream<DynamicTest> made() {
    return java.util.stream.Stream.of("a", "bb")
        .map(name -> DynamicTest.dynamicTest("made " + name, () -> assertEquals(1, name.length())));
  }

  @Nested
  class Inside {
    // Surefire's last line confuses tests of the same name in a class and in one inside it.
    @Test
    void opensInside() {}

    @Test
    void failsInside() {
      fail("inside");
    }
  }
}
