-- Every call of the payment gateway to the acquirer, including retries and time-outs.
-- Several rows may belong to one payment. Kept for 90 days.
CREATE TABLE payment_attempts (
    attempt_id   BIGINT PRIMARY KEY,
    payment_id   CHAR(11)  NOT NULL REFERENCES payments (payment_id),
    attempt_no   SMALLINT  NOT NULL,     -- 1, 2, 3
    started_at   TIMESTAMP NOT NULL,
    duration_ms  INTEGER,                -- NULL when no answer came
    result_code  VARCHAR(6),             -- OK, P-503, P-504, P-601
    gateway_host VARCHAR(20) NOT NULL,   -- active or standby machine
    UNIQUE (payment_id, attempt_no)
);
