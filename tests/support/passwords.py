"""Hashes of one password, the cheapest that there are."""

PASSWORD = "correct horse"
HASHES = (
    "$argon2id$v=19$m=8,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
    "$argon2i$v=19$m=8,t=1,p=1$1dTiqOinO/lBEEl3ZIxd/A$dM3EQcB90Lc7WVLehEQ1CQ",
    "$5$rounds=1000$salt$qOfjCda6YN/JiGzcA4MkoJaIXdhJzf.qd.KJPQZ7TA/",
    (
        "$6$rounds=1000$salt$Op5Pr8IefYjtJFNiLT8d.Xb85v8VtEyyKosvqEUXP9/.f4IC5kMbKoUZwss1ymncWvUZB6QVT"
        "mIH88IN1Uc5C."
    ),
)
