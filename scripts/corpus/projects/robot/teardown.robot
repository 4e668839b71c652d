*** Settings ***
Suite Teardown    Fail    still open

*** Test Cases ***
Passes Before The Teardown
    Log    open

Fails Before The Teardown
    Fail    shut
