-- Parts that were built in, with their batch. Answers "which vehicles carry parts of batch X?".
CREATE TABLE work_order_parts (
    work_order  INTEGER  NOT NULL REFERENCES work_orders (work_order),
    line_no     SMALLINT NOT NULL,
    part_number CHAR(7)  NOT NULL,       -- DX-4471
    quantity    INTEGER  NOT NULL,
    batch       VARCHAR(12),             -- required for brake parts, e.g. K17-11
    fitted_at   TIMESTAMP NOT NULL,
    PRIMARY KEY (work_order, line_no)
);
