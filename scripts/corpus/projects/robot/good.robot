*** Test Cases ***
Is Good
    Log    open
