package panics

import "testing"

func TestBefore(t *testing.T) {}

func TestPanics(t *testing.T) {
	var rooms map[string]int
	rooms["a"] = 1
}

func TestNeverRuns(t *testing.T) {}
