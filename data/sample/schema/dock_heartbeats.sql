-- What the dock controllers report every 60 seconds. Says how many bikes stand in a station, not which ones.
CREATE TABLE dock_heartbeats (
    station_id    CHAR(4)   NOT NULL,
    received_at   TIMESTAMP NOT NULL,
    firmware      VARCHAR(6) NOT NULL,   -- 3.1, 3.2, 3.3
    bikes_locked  SMALLINT,              -- NULL = could not be read (happened with firmware 3.2)
    docks_free    SMALLINT,
    supply_volts  NUMERIC(4,1),
    PRIMARY KEY (station_id, received_at)
);
