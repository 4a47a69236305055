"""What msgspec raises for a text that is no JSON, is nested too deeply, or is not of the type that is asked for."""

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
