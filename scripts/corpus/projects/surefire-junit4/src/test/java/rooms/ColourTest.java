package rooms;

import static org.junit.Assert.*;

import java.util.Arrays;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

@RunWith(Parameterized.class)
public class ColourTest {
  @Parameterized.Parameters(name = "{0}")
  public static Iterable<String> colours() {
    return Arrays.asList("red", "blue", "grün & <b>");
  }

  @Parameterized.Parameter public String colour;

  @Test
  public void isShort() {
    assertEquals(3, colour.length());
  }

  @Test
  public void isKnown() {}
}
