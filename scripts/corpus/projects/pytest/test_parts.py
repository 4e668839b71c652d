import unittest


def test_all_parts(subtests):
    for part in range(3):
        with subtests.test(part=part):
            assert part >= 0


def test_some_parts(subtests):
    for part in range(4):
        with subtests.test(msg="a part", part=part):
            assert part % 2 == 0


def test_after_a_part(subtests):
    with subtests.test(msg="first"):
        assert True
    assert "after" == "before"


def test_without_parts():
    assert True


class TestCase(unittest.TestCase):
    def test_even(self):
        for i in range(4):
            with self.subTest(i=i):
                self.assertEqual(i % 2, 0)

    def test_all(self):
        for i in range(2):
            with self.subTest(i=i):
                self.assertLess(i, 2)
