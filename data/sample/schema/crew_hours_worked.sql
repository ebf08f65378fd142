-- Hours really worked, from badge readers and log books. Basis of pay, overtime and rest checks.
CREATE TABLE crew_hours_worked (
    entry_id     BIGINT PRIMARY KEY,
    employee     INTEGER   NOT NULL,
    duty_id      BIGINT    REFERENCES crew_duties (duty_id),  -- NULL for a call-out from home
    signed_on    TIMESTAMP NOT NULL,
    signed_off   TIMESTAMP,              -- NULL = still on duty
    overtime_min INTEGER   NOT NULL DEFAULT 0,
    ordered_by   INTEGER,                -- who ordered the overtime
    rest_before_min INTEGER              -- rest since the previous signing off
);
