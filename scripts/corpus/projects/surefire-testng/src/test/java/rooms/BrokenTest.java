package rooms;

import org.testng.annotations.*;

public class BrokenTest {
  @BeforeClass
  public void connect() {
    throw new IllegalStateException("no connection");
  }

  @Test
  public void neverRuns() {}

  @Test
  public void neverRunsEither() {}
}
