*** Settings ***
Suite Setup    Fail    no database

*** Test Cases ***
Never Runs
    Log    open

Never Runs Either
    Log    open
