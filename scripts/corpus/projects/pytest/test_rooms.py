import pathlib

import pytest


class TestRooms:
    def test_opens(self):
        assert 1 + 1 == 2

    @pytest.mark.parametrize("colour", ["red", "blue", "grün & <b>"])
    def test_colour(self, colour):
        print("<failure>not one</failure>")
        assert len(colour) == 3


@pytest.fixture
def database():
    raise ConnectionError("no database")


@pytest.fixture
def rows():
    yield
    raise RuntimeError("the rows were still there")


def test_write(database):
    pass


def test_clear(rows):
    pass


def test_fail_and_clear(rows):
    assert "a" == "b"


@pytest.mark.skip(reason="not yet")
def test_export():
    pass


@pytest.mark.xfail(reason="known")
def test_known():
    assert False


@pytest.mark.xfail(reason="thought to be broken")
def test_mended():
    pass


@pytest.mark.xfail(reason="thought to be broken", strict=True)
def test_mended_strict():
    pass


def attempts(name):
    file = pathlib.Path(f"attempts-{name}")
    count = len(file.read_text()) if file.exists() else 0
    file.write_text("x" * (count + 1))
    return count + 1


def test_reconnects():
    assert attempts("reconnects") == 2, "connection lost\non the first attempt"


@pytest.mark.parametrize("port", [1, 2, 3])
def test_reconnects_to_port(port):
    assert attempts(f"port-{port}") == port


def test_never_connects():
    raise ConnectionError("refused")
