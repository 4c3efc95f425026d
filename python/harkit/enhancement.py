"""stand-in"""


class Enhancement:
    pass
