"""RTP and RTCP without input or output: packets, jitter, reports, telephone events."""
