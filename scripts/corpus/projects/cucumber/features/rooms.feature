Feature: Rooms
  Background:
    Given a house

  Scenario: opens
    When the room opens
    Then it is open

  @retry
  Scenario: reconnects
    When the room reconnects

  Scenario: fails
    When the room fails with "<&>"
    Then it is open

  Scenario: has no step
    When nobody knows this

  Scenario: is ambiguous
    When the room is ambiguous

  Scenario: is skipped
    When the room is skipped

  @hook
  Scenario: has a bad hook
    When the room opens

  Scenario Outline: colours
    When the colour is <colour>

    Examples:
      | colour |
      | red    |
      | blue   |
