*** Test Cases ***
Opens
    Log    open

Fails
    Should Be Equal    a & <b>    b

Errs
    No Such Keyword

Skips
    Skip    only on Mars

Is Tagged
    [Tags]    robot:skip
    Fail    never

Is Known To Fail
    [Tags]    robot:skip-on-failure
    Fail    not yet

Has A Bad Teardown
    Log    open
    [Teardown]    Fail    rows were left

Colours
    [Template]    Should Be Equal
    red    red
    blue    red
