package rooms;

import org.junit.*;

public class LeftOverTest {
  @Test
  public void opens() {}

  @AfterClass
  public static void cleanUp() {
    throw new IllegalStateException("rows were left");
  }
}
