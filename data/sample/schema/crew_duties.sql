-- Planned duties of drivers, masters and deck crew. Says who should work, not who did.
CREATE TABLE crew_duties (
    duty_id    BIGINT PRIMARY KEY,
    employee   INTEGER     NOT NULL,
    role       VARCHAR(10) NOT NULL,     -- DRIVER, MASTER, MATE, ENGINEER, DECK
    depot      VARCHAR(12) NOT NULL,
    starts_at  TIMESTAMP   NOT NULL,
    ends_at    TIMESTAMP   NOT NULL,
    vehicle    VARCHAR(12),              -- filled on the evening before
    published  BOOLEAN     NOT NULL DEFAULT FALSE
);
