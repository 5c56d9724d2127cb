"""What can be wrong with a signature, a key, or a line of the signers or revoked file, as values."""

from enum import Enum

from msgspec import Struct

from hubcfg.core.places import Span


class FaultKind(Enum):
    """The kinds of faults, for callers that tell them apart."""

    MALFORMED = "malformed"  # not an SSH signature, key or line at all
    UNSUPPORTED = "unsupported"  # well-formed, but of a version, type or algorithm that is not taken
    WEAK = "weak"  # an algorithm or key that can be broken
    NAMESPACE = "namespace"  # made for, or allowed for, something else
    MISMATCH = "mismatch"  # not the key's signature over this payload
    PRESENCE = "presence"  # a hardware key that nobody touched
    PRINCIPAL = "principal"  # a principal that cannot be taken literally
    OPTION = "option"  # an option of a signers line
    UNKNOWN_KEY = "unknown key"  # a key that no line gives to the principal
    WINDOW = "window"  # a key outside its validity
    REVOKED = "revoked"  # a key that has been disowned
    PRIVATE_KEY = "private key"  # a secret in a public place


class Fault(Struct, frozen=True):
    """One thing that is wrong: `message` is a clause in lower case, `help` is advice."""

    kind: FaultKind
    message: str
    help: str | None = None


class FileFault(Struct, frozen=True):
    """A fault at the words of a signers or revoked file that it is about; what stands there counts for nothing."""

    place: Span
    fault: Fault
