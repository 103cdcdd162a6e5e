-- What the configuration says of each connection, for readers in SQL: kept up to date by whoever loads connections.yaml.
CREATE TABLE sync.connection (
    connection      text        PRIMARY KEY,
    owner           text        NOT NULL,
    description     text        NOT NULL,
    streams         text[]      NOT NULL,
    order_id_prefix text        NOT NULL,
    limits          jsonb       NOT NULL, -- limit's name -> seconds; null means that there is none
    configured      boolean     NOT NULL DEFAULT true,
    described_at    timestamptz NOT NULL DEFAULT now()
);
