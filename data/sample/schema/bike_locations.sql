-- The last known place of every single bike: in a dock, on the road, in a van or in the workshop. One row per bike.
CREATE TABLE bike_locations (
    bike_id        CHAR(7) PRIMARY KEY,
    place          VARCHAR(8) NOT NULL,  -- DOCK, RIDING, VAN, WORKSHOP, LOST
    station_id     CHAR(4),              -- only when place = DOCK
    latitude       NUMERIC(8,5),
    longitude      NUMERIC(8,5),
    charge_percent SMALLINT,             -- NULL for model B2
    blocked_code   CHAR(3),              -- BRK, BAT, TYR; NULL = free for hire
    updated_at     TIMESTAMP NOT NULL
);
