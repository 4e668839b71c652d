def before_scenario(context, scenario):
    if "skip" in scenario.tags:
        scenario.skip("not yet")
