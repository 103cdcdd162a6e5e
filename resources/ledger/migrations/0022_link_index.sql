-- With the id first: before the table has statistics, Postgres takes an index that starts with the connection for a look-up by the other id,
-- and reads all links of the connection.
DROP INDEX sync.link_by_oms;
CREATE INDEX link_by_oms ON sync.link (oms_id, connection, entity);
