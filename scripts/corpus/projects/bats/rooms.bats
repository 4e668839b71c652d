@test "opens" {
  true
}

@test "fails <&> # here" {
  [ "a & <b>" = "b" ]
}

@test "skips" {
  skip "only on Mars"
}

@test "is not there" {
  no_such_program
}
