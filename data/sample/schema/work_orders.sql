-- Jobs for the workshops. One row per job, from opening to closing.
CREATE TABLE work_orders (
    work_order   INTEGER PRIMARY KEY,
    asset        VARCHAR(12) NOT NULL,   -- T4-203, PETREL, GATE-07, B3-0412
    defect_group VARCHAR(8)  NOT NULL,   -- DOOR, BRAKE, TRACTION, BODY, BATTERY, IT, HULL
    priority     SMALLINT    NOT NULL CHECK (priority BETWEEN 1 AND 4),
    opened_at    TIMESTAMP   NOT NULL,
    closed_at    TIMESTAMP,              -- NULL = open
    workshop     VARCHAR(12) NOT NULL,
    description  TEXT        NOT NULL,
    labour_min   INTEGER                 -- minutes booked, set on closing
);
