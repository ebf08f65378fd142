-- Money taken from passengers. One row per purchase, not per attempt.
-- The unique index on idempotency_key was added after INC-2025-014.
CREATE TABLE payments (
    payment_id      CHAR(11)    PRIMARY KEY,        -- P and ten digits
    idempotency_key UUID        NOT NULL UNIQUE,    -- made once, before the first attempt
    amount_cents    INTEGER     NOT NULL CHECK (amount_cents > 0),
    method          VARCHAR(8)  NOT NULL,           -- CARD, ACCOUNT, CASH
    state           VARCHAR(10) NOT NULL,           -- AUTHORISED, CAPTURED, SETTLED, VOIDED, DECLINED
    authorised_at   TIMESTAMP,
    settled_at      TIMESTAMP,                      -- NULL until the acquirer's nightly file
    card_last4      CHAR(4)
);
