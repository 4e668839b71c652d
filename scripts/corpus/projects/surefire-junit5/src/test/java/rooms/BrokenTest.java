package rooms;

import org.junit.jupiter.api.*;

class BrokenTest {
  @BeforeAll
  static void connect() {
    throw new IllegalStateException("no connection");
  }

  @Test
  void neverRuns() {}

  @Test
  void neverRunsEither() {}
}
