"""Descriptions in the shapes that phones and browsers send, with addresses for documentation."""

BARESIP = b"""\
v=0
o=- 3953571 271828 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
a=tool:baresip 1.0.0
m=audio 25038 RTP/AVP 96 0 8 101
b=AS:125
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:25039
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:2882343476 cname:sip:100@192.0.2.1
a=ptime:20
"""

LINPHONE = b"""\
v=0
o=alice 2317 1847 IN IP6 2001:db8::10
s=Talk
c=IN IP6 2001:db8::10
b=AS:380
t=0 0
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
m=audio 7078 RTP/AVP 96 97 98 0 8 18 99 100
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:98 speex/8000
a=fmtp:98 vbr=on
a=fmtp:18 annexb=yes
a=rtpmap:99 telephone-event/48000
a=rtpmap:100 telephone-event/8000
m=video 9078 RTP/AVP 96
a=rtpmap:96 VP8/90000
a=rtcp-fb:* trr-int 5000
"""

WEBRTC = b"""\
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 6c1a4f
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:Zx9c
a=ice-pwd:aVeryLongPasswordOfICE00
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=candidate:1 1 udp 2122260223 192.0.2.44 54321 typ host generation 0
a=ssrc:1 cname:abc
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""

DESK_PHONE = b"""\
v=0
o=- 20100 20101 IN IP4 198.51.100.7
s=SDP data
c=IN IP4 198.51.100.7
t=0 0
m=audio 11780 RTP/AVP 8 0 18 9 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 pcmu/8000/1
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:9 G722/8000
a=fmtp:101 0-15
a=rtpmap:101 TELEPHONE-EVENT/8000
a=ptime:30
a=maxptime:40
a=sendrecv
"""

# No rtpmap at all: the static payload types of RFC 3551 speak for themselves.
STATIC_ONLY = b"""\
v=0
o=gw 1 1 IN IP4 203.0.113.5
s=call
c=IN IP4 203.0.113.5
t=0 0
m=audio 16384 RTP/AVP 18 0
"""

SRTP_ONLY = b"""\
v=0
o=- 5 5 IN IP4 192.0.2.20
s=-
c=IN IP4 192.0.2.20
t=0 0
m=audio 4000 RTP/SAVP 0 101
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""

# Secure audio preferred, fax and plain audio after it.
SEVERAL_LINES = b"""\
v=0
o=- 7 7 IN IP4 192.0.2.30
s=-
t=0 0
m=audio 4000 RTP/SAVP 0
c=IN IP4 192.0.2.30
m=image 4002 udptl t38
c=IN IP4 192.0.2.30
m=audio 4004 RTP/AVP 8 0
c=IN IP4 192.0.2.31
a=rtcp:5005 IN IP4 192.0.2.32
m=audio 4006 RTP/AVP 0
c=IN IP4 192.0.2.30
"""

ALL = (BARESIP, LINPHONE, WEBRTC, DESK_PHONE, STATIC_ONLY, SRTP_ONLY, SEVERAL_LINES)
