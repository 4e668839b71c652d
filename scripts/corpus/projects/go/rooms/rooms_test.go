package rooms

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestOpens(t *testing.T) {}

func TestFails(t *testing.T) {
	fmt.Println("--- PASS: TestFails (0.00s)")
	t.Error("expected <open> & got \"shut\"")
}

func TestParts(t *testing.T) {
	t.Run("good part", func(t *testing.T) {})
	t.Run("bad/part", func(t *testing.T) { t.Fatal("bad") })
	t.Run("skipped", func(t *testing.T) { t.Skip("not yet") })
}

func TestSkipped(t *testing.T) { t.Skip("not yet") }

func TestParallel(t *testing.T) {
	for _, colour := range []string{"red", "blue"} {
		t.Run(colour, func(t *testing.T) {
			t.Parallel()
			time.Sleep(time.Millisecond)
			if len(colour) != 3 {
				t.Errorf("%s is long", colour)
			}
		})
	}
}

// Fails in the first run, and leaves a file by which the second knows it.
func TestReconnects(t *testing.T) {
	if _, err := os.Stat("reconnected"); err == nil {
		return
	}
	os.WriteFile("reconnected", nil, 0o600)
	t.Error("the connection was lost")
}

func Example_open() {
	fmt.Println("shut")
	// Output: open
}
