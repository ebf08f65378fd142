-- Each time a ticket was held against a validator, accepted or not. Source of all passenger counts.
-- A ticket that was sold but never shown has no row here.
CREATE TABLE ticket_validations (
    validation_id BIGINT PRIMARY KEY,
    ticket_id     BIGINT    NOT NULL REFERENCES tickets (ticket_id),
    validated_at  TIMESTAMP NOT NULL,     -- UTC, clock of the device
    device_id     INTEGER   NOT NULL,     -- validator in a tram or gate at a terminal
    stop_code     CHAR(3),                -- NULL when the device did not know its stop
    accepted      BOOLEAN   NOT NULL,
    message_code  CHAR(4)                 -- E-31 expired, E-32 wrong zone, E-35 already used
);
CREATE INDEX ticket_validations_by_stop ON ticket_validations (stop_code, validated_at);
