-- Tickets as sold. One row per ticket, written at the moment of sale and never changed afterwards.
-- What happens to a ticket later (use, refund) is kept in ticket_validations and refunds.
CREATE TABLE tickets (
    ticket_id      BIGINT PRIMARY KEY,
    sold_at        TIMESTAMP   NOT NULL,  -- UTC
    product_code   CHAR(6)     NOT NULL,  -- e.g. SGLORI = single to Orrin Island
    passenger_kind CHAR(1)     NOT NULL,  -- A adult, Y youth, S senior, C child
    valid_from     TIMESTAMP   NOT NULL,
    valid_until    TIMESTAMP   NOT NULL,
    price_cents    INTEGER     NOT NULL CHECK (price_cents >= 0),
    channel        VARCHAR(10) NOT NULL,  -- APP, MACHINE, DESK
    payment_id     CHAR(11)    REFERENCES payments (payment_id)  -- NULL when paid in cash
);
CREATE INDEX tickets_sold_at ON tickets (sold_at);
