"""Values that have broken other services: what a mutation puts in the place of a good one."""

from random import Random

UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"

# JSON texts, most of them valid.
LITERALS = (
    "null", "true", "[]", "{}", '""', "0", "-0", "-0.0", "-1", "1e999", "1e-999", "1e1000", "-1e131071", "1e99999999999999999999",
    "9" * 400, "9" * 1001, "0." + "0" * 999 + "1", "1.005", "99999.99", "99999.995", "100000", "1e2", "01", ".5", "5.", "+1", "0x10", "1_000",
    "NaN", "Infinity", "-Infinity", "2147483648", "-9223372036854775809", "18446744073709551616", "1.234,50",
    r'"\u0000"', r'"\ud800"', r'"\udc00\ud800"', r'"\ud83d\ude00"', '"\u202e"', '"\x7f"', '"\ufeff"', '"\U0001f600"', r'"a\u0000b"', r'"\x41"',
    "[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70, "[" * 3000, '{"a":' * 3000, "[" + "1e999," * 70 + "1]", '{"a":1,"a":2}', r'{"a":1,"\u0061":2}',
    '{"__proto__":{"admin":true}}', '{"constructor":1}', '{"":{"":{"":""}}}', '{"a":1', '"', "'a'", "undefined", "/* */ 1", "1 //", "[1,]", "{,}",
    '"\'; DROP TABLE payments; --"', '"\' OR \'1\'=\'1"', '"$(id)"', '"{{7*7}}"', '"%s%n%x"', '"../../../../etc/passwd"', '"<script>alert(1)</script>"',
    r'"\r\nX-Injected: 1"', r'"\n2026-01-01 00:00:00,000 CRITICAL audit: forged"', '"inserted"', '"consumed"', '"STATUS_INSERTED"', '"INSERTED"', '"deleted"',
)  # fmt: skip
# Members that a client must not, or cannot, set.
MEMBERS = (
    f'"id":"{UNKNOWN_ID}"', '"create_time":"2000-01-01T00:00:00Z"', '"createTime":null', '"update_time":1', '"etag":"7"', '"revision":9',
    '"client":"admin"', '"unknown":1', '"data_size":0', '"payment_id":"x"', '"Data":{}', '"payments":[]', '"@type":"type.googleapis.com/x"',
    '"requestId":"k"', '"request_id":"k"', '"request_id":""', '"request_id":" "', '"request_id":1', '"status":3', '"status":0', '"status":1',
)  # fmt: skip
# Path segments and query values, percent-encoded as far as HTTP needs it.
SEGMENTS = (
    UNKNOWN_ID, UNKNOWN_ID.upper(), "1", "", ".", "..", "%2e%2e", "%2F", "a%2Fb", "%5c", ";", ";v=1", "%00", "%0d%0a", "%0a", "%ff", "%c0%af", "%zz", "%",
    "%u0041", "*", "~", "%27%20OR%201=1--", "1;DROP%20TABLE%20payments", "$%7Bjndi:ldap://x%7D", "%25%32%66", "a" * 4000, "-1", "1e9", "+", "@", ":batch",
    "01890a5d-ac96-774b-bcce-b302099a805", "{01890a5d-ac96-774b-bcce-b302099a8057}", "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057", "%E2%80%AE",
    "2147483648", "99999999999999999999", "inserted", "consumed", "INSERTED", "0", "1000", "1001", "null", "true", "[]",
)  # fmt: skip
# Field values that are well-formed HTTP.
HEADER_VALUES = (
    b"", b"a", b"*", b'"1"', b'W/"1"', b'"1","2"', b'"1" , , "2"', b'"', b'""', b'"\xff"', b"\xff\xfe", b"\x80", b"a\tb", b"a" * 65, b"a" * 5000, b"0" * 64,
    b"'; DROP TABLE payments; --", b"%0d%0aX-Injected:1", b"\\r\\n", b"${jndi:ldap://x}", b"<script>", b",", b";", b", , ,", b"(" * 200, b"1, 1", b"-1",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00", b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"127.0.0.1", b"https", b"evil.example", b"Bearer x", b"Basic Og==", b"gzip", b"identity", b"chunked", b"100-continue", b"application/json",
    b"application/json; charset=utf-7", b"text/plain", b"multipart/form-data; boundary=x", b"../../etc/passwd", b'","' * 50,
)  # fmt: skip
HEADER_NAMES = (
    b"X-Request-Id", b"traceparent", b"tracestate", b"baggage", b"Idempotency-Key", b"If-Match", b"If-None-Match", b"Content-Type", b"Content-Encoding",
    b"Accept", b"Accept-Encoding", b"Range", b"Origin", b"Cookie", b"Authorization", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host",
    b"Forwarded", b"X-Http-Method-Override", b"X-Original-Url", b"Grpc-Timeout", b"grpc-status-details-bin", b"payments-payment-id", b"Te", b"Trailer",
    b"If-Modified-Since", b"Date", b"Via", b"Max-Forwards", b"From", b"Prefer", b"Sec-Fetch-Mode", b"Access-Control-Request-Method",
)  # fmt: skip


def mutated(data: bytes, random: Random, most: int = 4) -> bytes:
    """The bytes after up to `most` changes: bytes replaced, added, doubled, moved or lost."""
    changed = bytearray(data)
    for _ in range(random.randint(1, most)):
        at = random.randrange(len(changed) + 1)
        match random.randrange(6):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << random.randrange(8)
            case 1:
                changed[at:at] = random.choice(
                    (b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b"\xff", b"\x80", b'"', b"\\", b"%", b"{", b"]", b"0")
                )
            case 2:
                del changed[at : at + random.randint(1, 8)]
            case 3:
                changed[at:at] = changed[at : at + random.randint(1, 40)]
            case 4:
                changed[at:at] = random.randbytes(random.randint(1, 8))
            case _:
                end = min(len(changed), at + random.randint(1, 12))
                piece = changed[at:end]
                del changed[at:end]
                to = random.randrange(len(changed) + 1)
                changed[to:to] = piece
    return bytes(changed)
