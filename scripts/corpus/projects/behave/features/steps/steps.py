from behave import given, when


@given("a house")
def house(context):
    pass


@when("the room opens")
def opens(context):
    pass


@when("the room fails")
def fails(context):
    assert "a & <b>" == "b", "a & <b>"


@when("the room errs")
def errs(context):
    raise ConnectionError("no database")


@when("the colour is {colour}")
def colour(context, colour):
    assert len(colour) == 3
