-- What passengers ask for, before anybody has decided. A refused claim never gets a row in refunds.
CREATE TABLE refund_claims (
    claim_id      BIGINT PRIMARY KEY,
    ticket_id     BIGINT    NOT NULL,
    travel_day    DATE      NOT NULL,
    received_at   TIMESTAMP NOT NULL,    -- decides whether the time limit was kept
    claimed_cause VARCHAR(14) NOT NULL,
    decision      VARCHAR(8),            -- GRANTED, REFUSED; NULL = still open
    decided_at    TIMESTAMP,
    refusal_code  VARCHAR(4)             -- LATE = time limit missed, NODL = no delay found, DUPL
);
