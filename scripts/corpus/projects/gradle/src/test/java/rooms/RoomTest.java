package rooms;

import static org.junit.Assert.*;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.*;

public class RoomTest {
  static final AtomicInteger attempts = new AtomicInteger();

  @Test
  public void opens() {}

  @Test
  public void fails() {
    assertEquals("open <&> \"shut\"", "shut");
  }

  @Test
  public void errs() {
    throw new IllegalStateException("no database");
  }

  @Test
  @Ignore("not yet")
  public void skipped() {}

  @Test
  public void assumes() {
    Assume.assumeTrue("only on Mars", false);
  }

  @Test
  public void reconnects() {
    if (attempts.incrementAndGet() < 2) fail("connection lost");
  }
}
