-- Every receipt, issue, return and stock-taking correction. The sum of quantity per part equals part_stock.
CREATE TABLE part_movements (
    movement_id BIGINT PRIMARY KEY,
    part_number CHAR(7)     NOT NULL,
    store       VARCHAR(12) NOT NULL,
    moved_at    TIMESTAMP   NOT NULL,
    quantity    INTEGER     NOT NULL,    -- positive = into the store, negative = out of it
    kind        VARCHAR(10) NOT NULL,    -- RECEIPT, ISSUE, RETURN, CORRECTION
    work_order  INTEGER,                 -- only for ISSUE and RETURN
    employee    INTEGER     NOT NULL
);
