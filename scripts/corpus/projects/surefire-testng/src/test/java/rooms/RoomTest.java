package rooms;

import static org.testng.Assert.*;

import org.testng.SkipException;
import org.testng.annotations.*;

public class RoomTest {
  @Test
  public void opens() {}

  @Test(description = "says it <&>")
  public void fails() {
    assertEquals("open <&> \"shut\"", "shut");
  }

  @Test
  public void errs() {
    throw new IllegalStateException("no database ]]> here");
  }

  @Test
  public void skips() {
    throw new SkipException("only on Mars");
  }

  @Test(enabled = false)
  public void disabled() {}

  @Test(dependsOnMethods = "fails")
  public void follows() {}

  @DataProvider
  public Object[][] colours() {
    return new Object[][] {{"red"}, {"blue"}};
  }

  @Test(dataProvider = "colours")
  public void colour(String colour) {
    assertEquals(colour.length(), 3);
  }
}
