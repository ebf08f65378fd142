-- Money paid back after settlement. A void on the day of purchase is not a refund: see payments.state.
CREATE TABLE refunds (
    refund_id    BIGINT PRIMARY KEY,
    payment_id   CHAR(11)    NOT NULL REFERENCES payments (payment_id),
    claim_id     BIGINT      REFERENCES refund_claims (claim_id),  -- NULL for batch refunds
    amount_cents INTEGER     NOT NULL CHECK (amount_cents > 0),
    cause        VARCHAR(14) NOT NULL,   -- late, cancelled, double_charge, goodwill
    approved_by  INTEGER     NOT NULL,   -- employee number
    paid_at      TIMESTAMP               -- NULL while the bank transfer is under way
);
