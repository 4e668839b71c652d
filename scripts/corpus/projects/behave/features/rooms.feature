Feature: Rooms
  Scenario: opens
    Given a house
    When the room opens

  Scenario: fails
    Given a house
    When the room fails

  Scenario: errs
    When the room errs

  Scenario: has no step
    When nobody knows this

  @skip
  Scenario: is skipped
    When the room opens

  Scenario Outline: colours
    When the colour is <colour>

    Examples:
      | colour |
      | red    |
      | blue   |
