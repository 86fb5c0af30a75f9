"""What can go wrong on somebody's machine, said in words that tell what to do."""


class CannotStartError(Exception):
    """A part cannot be started; the text names the part, the cause and the remedy."""


def disk_is_full(text: str) -> bool:
    return any(sign in text for sign in ("No space left", "ENOSPC", "Disk quota exceeded"))
