-- Finished and running rides. A row is written when the lock opens and completed when the bike is returned.
CREATE TABLE bike_trips (
    trip_id       BIGINT PRIMARY KEY,
    bike_id       CHAR(7)   NOT NULL,    -- e.g. B3-0412
    customer_id   BIGINT    NOT NULL,
    started_at    TIMESTAMP NOT NULL,
    ended_at      TIMESTAMP,             -- NULL = customer is still riding
    start_station CHAR(4)   NOT NULL,
    end_station   CHAR(4),               -- NULL while riding or when left outside the zone
    distance_m    INTEGER,
    charge_cents  INTEGER
);
