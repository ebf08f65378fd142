"""What putting Second Look together and reaching it can refuse; what is below keeps its own trees (`search.errors`).

AppError
 ├── OwnerError      the process that owns the index refused the work, or does not answer (`app.handover`)
 ├── PortTaken       the port that was asked for is in use (`app.ports`)
 ├── BadSetting      a setting of the server cannot be used (`app.api.settings`)
 ├── OtherRunError   a benchmark cannot go on with that file (`app.bench.record`)
 └── NoTextsError    a folder has no text to measure with (`app.bench.texts`)
"""


class AppError(Exception):
    """The root of them; the message is one sentence with the next step."""
