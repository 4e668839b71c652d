import unittest


class Rooms(unittest.TestCase):
    def test_opens(self):
        pass

    def test_fails(self):
        self.assertEqual("a & <b>", "b")

    def test_errs(self):
        raise ConnectionError("no database")

    @unittest.skip("not yet")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.fail("known")

    @unittest.expectedFailure
    def test_mended(self):
        pass


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ConnectionError("no database")

    def test_never_runs(self):
        pass

    def test_never_runs_either(self):
        pass
