package rooms;

import org.junit.*;

public class BrokenTest {
  @BeforeClass
  public static void connect() {
    throw new IllegalStateException("no connection");
  }

  @Test
  public void neverRuns() {}

  @Test
  public void neverRunsEither() {}
}
