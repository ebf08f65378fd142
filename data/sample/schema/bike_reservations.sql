-- Bikes held for a customer who has not arrived yet. Lasts ten minutes. Not every ride has one.
CREATE TABLE bike_reservations (
    reservation_id BIGINT PRIMARY KEY,
    customer_id    BIGINT    NOT NULL,
    bike_id        CHAR(7)   NOT NULL,
    station_id     CHAR(4)   NOT NULL,
    made_at        TIMESTAMP NOT NULL,
    expires_at     TIMESTAMP NOT NULL,   -- made_at + 10 minutes
    outcome        VARCHAR(9),           -- USED, EXPIRED, CANCELLED; NULL = still running
    trip_id        BIGINT    REFERENCES bike_trips (trip_id),  -- only when outcome = USED
    fee_cents      INTEGER   NOT NULL DEFAULT 0
);
