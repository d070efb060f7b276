"""Why calls end: ITU-T Q.850 causes, and the reasons ARI gives names to."""

NO_ROUTE = 3
NORMAL_CLEARING = 16
USER_BUSY = 17
NO_USER_RESPONSE = 18
NO_ANSWER = 19
CALL_REJECTED = 21
NETWORK_OUT_OF_ORDER = 38
TEMPORARY_FAILURE = 41
CONGESTION = 34
INCOMPATIBLE = 88
INTERWORKING = 127
HIGHEST = 127
# Not Q.850's: what an operation asks for by hanging up, before the cause itself is published.
REQUESTED = 32

TEXT = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    2: "No route to specified transmit network",
    3: "No route to destination",
    6: "Channel unacceptable",
    7: "Call awarded and being delivered in an established channel",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    22: "Number changed",
    26: "Answered elsewhere",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    30: "Response to STATus ENQuiry",
    31: "Normal, unspecified",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    43: "Access information discarded",
    44: "Requested channel not available",
    50: "Facility not subscribed",
    52: "Outgoing call barred",
    54: "Incoming call barred",
    57: "Bearer capability not authorized",
    58: "Bearer capability not available",
    65: "Bearer capability not implemented",
    66: "Channel type not implemented",
    69: "Facility not implemented",
    81: "Invalid call reference value",
    88: "Incompatible destination",
    95: "Invalid message unspecified",
    96: "Mandatory information element is missing",
    97: "Message type nonexist.",
    98: "Wrong message",
    99: "Info. element nonexist or not implemented",
    100: "Invalid information element contents",
    101: "Message not compatible with call state",
    102: "Recover on timer expiry",
    103: "Mandatory IE length error",
    111: "Protocol error, unspecified",
    127: "Interworking, unspecified",
}

# ARI's names for the reason of a hangup.
REASONS = {
    "normal": 16,
    "busy": 17,
    "congestion": 34,
    "no_answer": 19,
    "timeout": 18,
    "rejected": 21,
    "unallocated": 1,
    "normal_unspecified": 31,
    "number_incomplete": 28,
    "codec_mismatch": 58,
    "interworking": 127,
    "failure": 38,
    "answered_elsewhere": 26,
}

# How a dial attempt that ended with this cause is called in DIALSTATUS and the Dial event.
DIAL_STATUS = {16: "CANCEL", 17: "BUSY", 18: "NOANSWER", 19: "NOANSWER", 21: "BUSY"}


def text(cause: int) -> str:
    """The words for a cause, or "Unknown"."""
    return TEXT.get(cause, "Unknown")


def dial_status(cause: int) -> str:
    """The dial status for the cause of a failed attempt."""
    return DIAL_STATUS.get(cause, "CHANUNAVAIL" if cause in {1, 2, 3, 20, 27} else "CONGESTION")
