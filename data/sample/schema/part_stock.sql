-- How many pieces of each part lie in which store at this moment. No history: see part_movements.
CREATE TABLE part_stock (
    part_number   CHAR(7)     NOT NULL,
    store         VARCHAR(12) NOT NULL,  -- Birchgate, Saltworks, Gannet Quay
    quantity      INTEGER     NOT NULL CHECK (quantity >= 0),
    reorder_level INTEGER     NOT NULL,  -- below this the buyer gets a message
    shelf         VARCHAR(8),
    PRIMARY KEY (part_number, store)
);
