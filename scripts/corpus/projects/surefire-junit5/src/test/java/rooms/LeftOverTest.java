package rooms;

import org.junit.jupiter.api.*;

class LeftOverTest {
  @Test
  void opens() {}

  @AfterAll
  static void cleanUp() {
    throw new IllegalStateException("rows were left");
  }
}
